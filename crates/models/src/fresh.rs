//! A model with fresh weights and a batch of made-up images: for looking at its structure.

use crate::{Config, ImageSet, Result, Training, find};
use wengert_data::{Batch, Position};
use wengert_tensor::{DType, Generator};

/// The model of a configuration, and a batch of `size` images of noise in the shape of MNIST.
///
/// # Errors
/// When the options of the model contradict each other.
pub fn fresh(config: &Config, size: usize) -> Result<(Box<dyn Training>, Batch)> {
    let (images, rng) = (ImageSet::default(), Generator::new(config.seed));
    let training = (find(&config.model)?.build)(&config.options, &images, &rng.stream(0))?;
    let [channels, height, width] = images.shape;
    let noise = rng.stream(1);
    let batch = Batch {
        images: noise.uniform([size, channels, height, width], 0.0, 1.0, DType::F32),
        labels: noise.randint(0, images.classes as i64, [size]),
        indices: (0..size).collect(),
        position: Position::default(),
    };
    Ok((training, batch))
}
