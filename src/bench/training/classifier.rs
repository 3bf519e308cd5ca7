//! Training of a network that names the class of an image.

use super::{Data, Training};
use anyhow::Result;
use wengert_nn::{Adam, Layer, Optimizer};
use wengert_tensor::{Generator, Reduction, Tensor};

/// A network from images to the logits of classes, trained on the mean cross-entropy.
pub struct Classifier<N> {
    network: N,
    adam: Adam,
    data: Data,
}

impl<N: Layer> Classifier<N> {
    /// With Adam at 1e-3, on images of the given shape with values between 0 and 1.
    pub fn new(network: N, shape: &[usize]) -> Self {
        Self { adam: Adam::new(network.parameters(), 1e-3), network, data: Data::new(shape, 0.0) }
    }
}

impl<N: Layer> Training for Classifier<N> {
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        self.network.named_parameters()
    }

    fn data(&self) -> &Data {
        &self.data
    }

    fn step(&mut self, _rng: &Generator) -> Result<Vec<Tensor>> {
        let Data { images, labels } = &self.data;
        let loss = self.network.forward(images).cross_entropy(labels, Reduction::Mean);
        self.adam.zero_grad();
        loss.backward()?;
        self.adam.step()?;
        Ok(vec![loss])
    }
}
