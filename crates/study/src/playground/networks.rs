//! The networks: small, fully connected, with three hidden layers.

use wengert_models::networks::{Nonlinearity, SLOPE, mlp};
use wengert_nn::{Layer, Linear, Module, Sequential, SpectralNorm};
use wengert_tensor::{Generator, Tensor};

/// Three hidden layers of `width` units with ReLU between them.
pub fn network(inputs: usize, width: usize, outputs: usize, rng: &Generator) -> Sequential {
    mlp(&[inputs, width, width, width, outputs], Nonlinearity::ReLU, rng)
}

/// A network that scores points, with spectral normalisation that can be switched on and off.
#[derive(Debug)]
pub struct Discriminator {
    layers: Vec<SpectralNorm<Linear>>,
    steepest: Option<f64>,
}

impl Discriminator {
    /// Two inputs, three hidden layers of `width` units with LeakyReLU between them, and one score.
    pub fn new(width: usize, rng: &Generator) -> Self {
        let layer = |inputs, outputs| SpectralNorm::new(Linear::new(inputs, outputs, rng), rng);
        let layers = vec![layer(2, width), layer(width, width), layer(width, width), layer(width, 1)];
        Self { layers, steepest: None }
    }

    /// Divides weights by their largest singular values from now on, and multiplies scores by `steepest`, so that no slope is
    /// steeper than that; or leaves weights as they are.
    pub fn normalise(&mut self, steepest: Option<f64>) {
        self.steepest = steepest;
    }

    /// The scores `[N]` of points `[N, 2]`. Where weights are normalised, a step of power iteration is part of each pass
    /// unless the layers are told to behave as in use.
    pub fn scores(&self, points: &Tensor) -> Tensor {
        let mut output = points.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                output = output.leaky_relu(SLOPE);
            }
            output = match self.steepest {
                Some(_) => layer.forward(&output),
                None => layer.layer().forward(&output),
            };
        }
        let scores = output.flatten(0, -1);
        match self.steepest {
            Some(steepest) => scores * steepest,
            None => scores,
        }
    }

    /// The parameters, the same whether normalised or not.
    pub fn parameters(&self) -> Vec<Tensor> {
        self.layers.parameters()
    }

    /// The scores as a look at them, after which everything is as before.
    pub fn look(&self, points: &Tensor) -> Tensor {
        self.layers.eval();
        let scores = wengert_tensor::no_grad(|| self.scores(points));
        self.layers.train();
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn a_normalised_discriminator_is_nowhere_steeper_than_told() {
        let rng = Generator::new(0);
        let mut discriminator = Discriminator::new(32, &rng);
        for weight in discriminator.parameters() {
            weight.assign(&(weight.detach() * 5.0)).unwrap();
        }
        let points = rng.normal([64, 2], 0.0, 1.0, DType::F32);
        let moved = &points + rng.normal([64, 2], 0.0, 0.01, DType::F32);
        let steepest = |discriminator: &Discriminator| {
            let rise = (discriminator.look(&moved) - discriminator.look(&points)).abs();
            (rise / (&moved - &points).norm(2.0, &[1], false)).to_vec::<f32>().into_iter().fold(0.0, f32::max)
        };
        assert!(steepest(&discriminator) > 10.0);
        discriminator.normalise(Some(3.0));
        (0..50).for_each(|_| drop(discriminator.scores(&points)));
        assert!(steepest(&discriminator) < 3.03, "{}", steepest(&discriminator));
        assert_eq!(discriminator.parameters().len(), 8);
    }
}
