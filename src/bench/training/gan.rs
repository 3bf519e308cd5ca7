//! `gan`: fully connected networks.

use super::adversarial::Adversarial;
use super::{CODE, weight_rng};
use wengert_nn::{BatchNorm1d, LeakyReLU, Linear, Sequential, Tanh};

/// Slope of LeakyReLU below 0.
const SLOPE: f64 = 0.2;

/// 100-256-512-1024-784 against 784-512-256-1.
pub fn training(batch: usize) -> Adversarial {
    let rng = weight_rng();
    let generator = Sequential::new()
        .add_named("fc1", Linear::new(CODE, 256, &rng))
        .add_named("bn1", BatchNorm1d::new(256))
        .add_named("leaky_relu1", LeakyReLU::new(SLOPE))
        .add_named("fc2", Linear::new(256, 512, &rng))
        .add_named("bn2", BatchNorm1d::new(512))
        .add_named("leaky_relu2", LeakyReLU::new(SLOPE))
        .add_named("fc3", Linear::new(512, 1024, &rng))
        .add_named("bn3", BatchNorm1d::new(1024))
        .add_named("leaky_relu3", LeakyReLU::new(SLOPE))
        .add_named("fc4", Linear::new(1024, 784, &rng))
        .add_named("tanh", Tanh::new());
    let discriminator = Sequential::new()
        .add_named("fc1", Linear::new(784, 512, &rng))
        .add_named("leaky_relu1", LeakyReLU::new(SLOPE))
        .add_named("fc2", Linear::new(512, 256, &rng))
        .add_named("leaky_relu2", LeakyReLU::new(SLOPE))
        .add_named("fc3", Linear::new(256, 1, &rng));
    Adversarial::new(generator, discriminator, &[batch, 784])
}
