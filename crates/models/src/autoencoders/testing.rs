//! A small autoencoder and a batch for the tests of losses.

use super::coder::CoderOptions;
use super::variational::GaussianCoder;
use crate::registry::ImageSet;
use wengert_data::{Batch, Position};
use wengert_tensor::{DType, Generator, Tensor};

/// An autoencoder of 4 × 4 pixels with codes of three numbers.
pub fn coder() -> GaussianCoder {
    let options = CoderOptions { latent: 3, hidden: 8, ..CoderOptions::default() };
    let images = ImageSet { shape: [1, 4, 4], classes: 10 };
    GaussianCoder::new(&options, &images, None, &Generator::new(11)).unwrap()
}

/// Random grey images for it.
pub fn batch(size: usize) -> Batch {
    Batch {
        images: Generator::new(12).uniform([size, 1, 4, 4], 0.0, 1.0, DType::F32),
        labels: Tensor::zeros([size], DType::I64),
        indices: (0..size).collect(),
        position: Position::default(),
    }
}
