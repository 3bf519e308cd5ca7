//! `mlp`: three fully connected layers.

use super::classifier::Classifier;
use super::weight_rng;
use wengert_nn::{Linear, ReLU, Sequential};

/// 784-512-256-10 with ReLU between.
pub fn training(batch: usize) -> Classifier<Sequential> {
    let rng = weight_rng();
    let network = Sequential::new()
        .add_named("fc1", Linear::new(784, 512, &rng))
        .add_named("relu1", ReLU::new())
        .add_named("fc2", Linear::new(512, 256, &rng))
        .add_named("relu2", ReLU::new())
        .add_named("fc3", Linear::new(256, 10, &rng));
    Classifier::new(network, &[batch, 784])
}
