//! `dcgan`: convolutional networks for images of 28 × 28 (after Radford et al., 2015, arXiv:1511.06434).

use super::adversarial::Adversarial;
use super::{CODE, weight_rng};
use wengert_nn::{
    BatchNorm2d, Conv2d, ConvTranspose2d, Flatten, LeakyReLU, Linear, ReLU, Sequential, Tanh, Unflatten,
};
use wengert_tensor::Generator;

/// Slope of LeakyReLU below 0.
const SLOPE: f64 = 0.2;

/// The generator: 128 × 7 × 7, then two transposed convolutions to 1 × 28 × 28.
pub fn generator(rng: &Generator) -> Sequential {
    let grow = |inputs, outputs| ConvTranspose2d::builder(inputs, outputs, 4).stride(2).padding(1);
    Sequential::new()
        .add_named("fc", Linear::new(CODE, 128 * 7 * 7, rng))
        .add_named("unflatten", Unflatten::new(1, [128, 7, 7]))
        .add_named("bn1", BatchNorm2d::new(128))
        .add_named("relu1", ReLU::new())
        .add_named("conv1", grow(128, 64).bias(false).build(rng))
        .add_named("bn2", BatchNorm2d::new(64))
        .add_named("relu2", ReLU::new())
        .add_named("conv2", grow(64, 1).build(rng))
        .add_named("tanh", Tanh::new())
}

/// The discriminator: two convolutions and a linear layer; a critic has no batch normalisation.
pub fn discriminator(normalise: bool, rng: &Generator) -> Sequential {
    let shrink = |inputs, outputs| Conv2d::builder(inputs, outputs, 4).stride(2).padding(1);
    let mut network = Sequential::new()
        .add_named("conv1", shrink(1, 64).build(rng))
        .add_named("leaky_relu1", LeakyReLU::new(SLOPE))
        .add_named("conv2", shrink(64, 128).bias(!normalise).build(rng));
    if normalise {
        network = network.add_named("bn2", BatchNorm2d::new(128));
    }
    network
        .add_named("leaky_relu2", LeakyReLU::new(SLOPE))
        .add_named("flatten", Flatten::new())
        .add_named("fc", Linear::new(128 * 7 * 7, 1, rng))
}

/// Both, one against the other.
pub fn training(batch: usize) -> Adversarial {
    let rng = weight_rng();
    Adversarial::new(generator(&rng), discriminator(true, &rng), &[batch, 1, 28, 28])
}
