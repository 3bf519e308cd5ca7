//! Adversarial networks that are told of classes, find them, or learn them from a few labels.
//!
//! - [`players`]: a generator and a discriminator that are told the class, in three ways.
//! - [`codes`]: codes with groups and properties.
//! - [`noisy`]: layers of semi-supervised classifiers.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod ac_gan;
pub mod cgan;
pub mod cluster_gan;
pub mod codes;
mod guesses;
pub mod info_gan;
pub mod noisy;
pub mod players;
pub mod projection_gan;
pub mod ss_gan;
pub mod triple_gan;

/// The family.
pub const FAMILY: Family = Family { title: "Conditional, informative and semi-supervised", models: ENTRIES };

const ENTRIES: &[Entry] = &[
    entry::<cgan::Options>(),
    entry::<ac_gan::Options>(),
    entry::<projection_gan::Options>(),
    entry::<info_gan::Options>(),
    entry::<cluster_gan::Options>(),
    entry::<ss_gan::Options>(),
    entry::<triple_gan::Options>(),
];

#[cfg(test)]
mod test {
    use crate::registry::ImageSet;
    use wengert_data::{Batch, Position};
    use wengert_tensor::{DType, Generator, Tensor};

    /// Images of noise.
    pub fn batch(images: &ImageSet, count: usize) -> Batch {
        let [channels, height, width] = images.shape;
        let rng = Generator::new(5);
        Batch {
            images: rng.uniform([count, channels, height, width], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([count], DType::I64),
            indices: (0..count).collect(),
            position: Position::default(),
        }
    }
}
