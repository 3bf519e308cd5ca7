//! Layers of the classifiers that learn from few labels.

use crate::Result;
use crate::networks::{Trunk, lenet_convolutions};
use wengert_nn::{Flatten, Layer, ReLU, Scope, Sequential, Training, module, parameter};
use wengert_tensor::{DType, Generator, Tensor};

/// In training, adds N(0, deviation²) to each number; passes everything otherwise.
///
/// The noise comes from a stream of random numbers of the layer's own, as that of dropout does.
#[derive(Debug)]
pub struct GaussianNoise {
    deviation: f64,
    generator: Generator,
    training: Training,
    scope: Scope,
}

module!(GaussianNoise { generators: generator; training: training; scope: scope });

impl GaussianNoise {
    /// A layer that adds noise of this standard deviation.
    pub fn new(deviation: f64, rng: &Generator) -> Self {
        let number = rng.randint(0, i64::MAX, 1).to_vec::<i64>()[0];
        let generator = rng.stream(number.cast_unsigned());
        Self { deviation, generator, training: Training::new(), scope: Scope::new() }
    }
}

impl Layer for GaussianNoise {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        match self.training.get() {
            true => input + self.generator.normal_like(input) * self.deviation,
            false => input.clone(),
        }
    }
}

/// A fully connected layer in which the weights of every output have one length: y = g·(W/‖W‖)·x + b, with the norm of each
/// row of W and a constant g (Salimans and Kingma, 2016, arXiv:1602.07868, with a scale that is not learned).
#[derive(Debug)]
pub struct UnitLinear {
    /// W, `[outputs, inputs]`.
    weight: Tensor,
    /// b, `[outputs]`.
    bias: Tensor,
    gain: f64,
    scope: Scope,
}

module!(UnitLinear { parameters: weight, bias; scope: scope });

impl UnitLinear {
    /// A layer with random directions and b = 0.
    pub fn new(inputs: usize, outputs: usize, gain: f64, rng: &Generator) -> Self {
        // The length of the rows has no effect on the output, but an optimiser's steps are measured by it.
        let weight = rng.normal([outputs, inputs], 0.0, 0.05, DType::F32);
        let bias = Tensor::zeros([outputs], DType::F32);
        Self { weight: parameter(weight), bias: parameter(bias), gain, scope: Scope::new() }
    }
}

impl Layer for UnitLinear {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        let norm = (self.weight.square().sum(&[1], true) + 1e-6).sqrt();
        input.linear(&(&self.weight / norm * self.gain), Some(&self.bias))
    }
}

/// Images `[N, C, H, W]` in 0..1 to features `[N, widths.last()]` by fully connected layers of unit length with rectifiers and
/// noise before each: of `input_noise` on the pixels and `hidden_noise` on the others (Salimans et al., 2016,
/// arXiv:1606.03498, authors' code for MNIST).
pub fn noisy_trunk(
    image_shape: [usize; 3],
    widths: &[usize],
    [input_noise, hidden_noise]: [f64; 2],
    rng: &Generator,
) -> Trunk {
    let mut network = Sequential::new().add(Flatten::new());
    // Mean squares: of a digit's pixels about 0.1, and of rectified numbers of N(0, 1) a half. The gain makes outputs of
    // mean square 1 of either, where the authors measure it by a first batch.
    let (mut inputs, mut square, mut noise) = (image_shape.iter().product(), 0.1, input_noise);
    for &width in widths {
        let gain = (square + noise * noise).sqrt().recip();
        network = network
            .add(GaussianNoise::new(noise, rng))
            .add(UnitLinear::new(inputs, width, gain, rng))
            .add(ReLU::new());
        (inputs, square, noise) = (width, 0.5, hidden_noise);
    }
    Trunk { network, features: inputs }
}

/// The same after the convolutions of a LeNet, of `channels` and twice as many, which have noise on the pixels alone.
///
/// # Errors
/// When the images do not fit the convolutions.
pub fn noisy_convolutions(
    image_shape: [usize; 3],
    channels: usize,
    widths: &[usize],
    [input_noise, hidden_noise]: [f64; 2],
    rng: &Generator,
) -> Result<Trunk> {
    let (convolutions, shape) = lenet_convolutions(image_shape, channels, rng)?;
    let Trunk { network, features } = noisy_trunk(shape, widths, [0.0, hidden_noise], rng);
    let noise = GaussianNoise::new(input_noise, rng);
    Ok(Trunk { network: Sequential::new().add(noise).add(convolutions).add(network), features })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::Module;

    #[test]
    fn rows_of_any_length_give_the_same_output() {
        let layer = UnitLinear::new(2, 2, 10.0, &Generator::new(0));
        layer.weight.update(|weight: &mut [f32]| weight.copy_from_slice(&[3.0, 4.0, 0.0, 0.5]));
        layer.bias.update(|bias: &mut [f32]| bias[0] = 1.0);
        let found = layer.forward(&Tensor::from_slice(&[1f32, 2.0], [1, 2])).to_vec::<f32>();
        // 10·(0.6·1 + 0.8·2) + 1 and 10·2.
        for (found, expected) in found.iter().zip([23.0, 20.0]) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn noise_comes_in_training_only_and_keeps_the_scale() {
        let rng = Generator::new(0);
        let trunk = noisy_trunk([1, 20, 20], &[300, 200], [0.3, 0.5], &rng).network;
        let images = rng.uniform([64, 1, 20, 20], 0.0, 0.5477, DType::F32);
        let (first, second) = (trunk.forward(&images), trunk.forward(&images));
        assert!(first.to_vec::<f32>() != second.to_vec::<f32>());
        let square = first.square().mean_all().item();
        assert!((0.3..0.8).contains(&square), "about a half: {square}");
        trunk.eval();
        assert_eq!(trunk.forward(&images).to_vec::<f32>(), trunk.forward(&images).to_vec::<f32>());
    }
}
