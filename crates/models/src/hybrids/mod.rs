//! Adversarial networks with encoders, and coupled ones.
//!
//! - [`turns`]: the step rule of several players, [`networks`]: the options and networks that they share.
//! - [`origins`]: what a discriminator says of where an image comes from.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod alpha_gan;
pub mod bi_gan;
pub mod co_gan;
pub mod gan_on_codes;
pub mod networks;
pub mod origins;
pub mod turns;
pub mod vae_gan;

/// The family.
pub const FAMILY: Family = Family { title: "Inference and hybrids", models: ENTRIES };

const ENTRIES: &[Entry] = &[
    entry::<alpha_gan::Options>(),
    entry::<bi_gan::Options>(),
    entry::<co_gan::Options>(),
    entry::<gan_on_codes::Options>(),
    entry::<vae_gan::Options>(),
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
