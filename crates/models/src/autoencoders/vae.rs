//! The variational auto-encoder of Kingma and Welling, as the well-known PyTorch example builds it.
//!
//! `x → 400 → (μ, log σ²) of 20 each`, `z = μ + σ·ε`, `z → 400 → x̂`, ReLU between. The likelihood of a pixel is
//! Bernoulli, so the loss per image, in nats, is
//!
//! `λ₁ · Σᵢ BCE(x̂ᵢ, xᵢ) + λ₂ · KL(N(μ, σ²) ‖ N(0, 1))`
//!
//! and with both weights 1 it is the negative evidence lower bound. A λ₂ above 1 makes it a β-VAE (Higgins et al. 2017).
//!
//! Kingma, Welling: Auto-Encoding Variational Bayes, <https://arxiv.org/abs/1312.6114>.

use crate::config::Ranges;
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Layer, Linear, Module, Optimizer, module};
use wengert_tensor::{Activation, Generator, Reduction, Tensor, scope};

/// The section `[vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Numbers in a code.
    pub latent: usize,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// λ₁, the weight of the reconstruction term.
    pub reconstruction_weight: f64,
    /// λ₂, the weight of the KL term.
    pub beta: f64,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { latent: 20, hidden: 400, reconstruction_weight: 1.0, beta: 1.0, learning_rate: 1e-3 }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "vae";
    const DESCRIPTION: &'static str = "variational auto-encoder: MLP, Gaussian code, Bernoulli pixels";
    const PAPER: &'static str = "Kingma & Welling 2013, arXiv:1312.6114";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.within("hidden", self.hidden, 1..=8192)?;
        ranges.within("reconstruction_weight", self.reconstruction_weight, 0.0..=1e6)?;
        ranges.within("beta", self.beta, 0.0..=1e6)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        Ok(Box::new(VaeTraining::new(&self, images, rng)))
    }
}

/// The network. Layers carry the names of the PyTorch example, so its weights load by name.
#[derive(Debug)]
pub struct Vae {
    image_shape: [usize; 3],
    latent: usize,
    fc1: Linear,
    fc21: Linear,
    fc22: Linear,
    fc3: Linear,
    fc4: Linear,
}

module!(Vae { modules: fc1, fc21, fc22, fc3, fc4 });

impl Vae {
    /// A network with PyTorch's default initialisation for images of `[channels, height, width]`.
    pub fn new(image_shape: [usize; 3], hidden: usize, latent: usize, rng: &Generator) -> Vae {
        let pixels = image_shape.iter().product();
        let vae = Vae {
            image_shape,
            latent,
            fc1: Linear::new(pixels, hidden, rng),
            fc21: Linear::new(hidden, latent, rng),
            fc22: Linear::new(hidden, latent, rng),
            fc3: Linear::new(latent, hidden, rng),
            fc4: Linear::new(hidden, pixels, rng),
        };
        vae.assign_names();
        vae
    }

    /// Mean and logarithm of the variance of each image's code, both `[batch, latent]`, from pixels `[batch, pixels]`.
    pub fn posterior(&self, pixels: &Tensor) -> (Tensor, Tensor) {
        let hidden = self.fc1.forward_activated(pixels, Activation::Relu);
        (self.fc21.forward(&hidden), self.fc22.forward(&hidden))
    }

    /// Logits of the pixels `[batch, pixels]` of codes `[batch, latent]`.
    pub fn logits(&self, codes: &Tensor) -> Tensor {
        self.fc4.forward(&self.fc3.forward_activated(codes, Activation::Relu))
    }
}

impl Model for Vae {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.latent
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let [channels, height, width] = self.image_shape;
        Some(self.logits(codes).sigmoid().reshape([codes.dims()[0], channels, height, width]))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.posterior(&images.flatten(1, -1)).0)
    }
}

/// The network with its optimiser and the weights of its loss.
#[derive(Debug)]
pub struct VaeTraining {
    vae: Vae,
    adam: Adam,
    reconstruction_weight: f64,
    beta: f64,
}

impl VaeTraining {
    /// A fresh network and optimiser.
    pub fn new(options: &Options, images: &ImageSet, rng: &Generator) -> VaeTraining {
        let vae = Vae::new(images.shape, options.hidden, options.latent, rng);
        let adam = Adam::new(vae.parameters(), options.learning_rate);
        VaeTraining { vae, adam, reconstruction_weight: options.reconstruction_weight, beta: options.beta }
    }
}

impl Training for VaeTraining {
    fn model(&self) -> &dyn Model {
        &self.vae
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.vae
    }

    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses> {
        let pixels = batch.images.flatten(1, -1);
        let per_image = 1.0 / batch.images.dims()[0] as f64;
        let (mean, log_variance) = self.vae.posterior(&pixels);
        let codes = {
            let _scope = scope::enter("code");
            mean.reparameterise(&log_variance, &rng.normal_like(&mean))
        };
        let logits = self.vae.logits(&codes);
        let _scope = scope::enter("loss");
        let reconstruction = logits.binary_cross_entropy_with_logits(&pixels, Reduction::Sum) * per_image;
        let kl = mean.gaussian_kl(&log_variance, Reduction::Sum) * per_image;
        let total = &reconstruction * self.reconstruction_weight + &kl * self.beta;
        Ok(Losses { total, terms: vec![("reconstruction", reconstruction), ("kl", kl)] })
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, _step: u64) -> Result<Losses> {
        let losses = self.losses(batch, rng)?;
        losses.check_finite()?;
        self.adam.zero_grad();
        losses.total.backward()?;
        self.adam.step()?;
        Ok(losses)
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        vec![("adam", &mut self.adam)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;
    use wengert_tensor::DType;

    fn batch(rng: &Generator) -> Batch {
        Batch {
            images: rng.uniform([3, 1, 4, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([3], DType::I64),
            indices: vec![0, 1, 2],
            position: Position::default(),
        }
    }

    #[test]
    fn an_untrained_decoder_without_weights_costs_a_bit_a_pixel() {
        let (rng, images) = (Generator::new(1), ImageSet { shape: [1, 4, 4], classes: 10 });
        let options = Options { latent: 2, hidden: 8, ..Options::default() };
        let training = VaeTraining::new(&options, &images, &rng);
        for (_, parameter) in training.vae.named_parameters() {
            parameter.update(|weights: &mut [f32]| weights.fill(0.0));
        }
        // Logits of 0 give ln 2 nats for each of 16 pixels, and a code of N(0, 1) has no KL.
        let values = training.losses(&batch(&rng), &rng).unwrap().values();
        for (value, expected) in values.iter().zip([16.0 * 2f64.ln(), 16.0 * 2f64.ln(), 0.0]) {
            assert!((value - expected).abs() < 1e-5, "{values:?}");
        }
    }

    #[test]
    fn the_loss_weighs_its_terms_and_steps_lower_it() {
        let (rng, images) = (Generator::new(1), ImageSet { shape: [1, 4, 4], classes: 10 });
        let options =
            Options { latent: 2, hidden: 8, beta: 3.0, reconstruction_weight: 0.5, ..Options::default() };
        let mut training = VaeTraining::new(&options, &images, &rng);
        let batch = batch(&rng);
        let losses: Vec<Vec<f64>> =
            (0..50).map(|_| training.step(&batch, &rng, 0).unwrap().values()).collect();
        for values in &losses {
            assert!((values[0] - 0.5 * values[1] - 3.0 * values[2]).abs() < 1e-4, "{values:?}");
        }
        let mean = |part: &[Vec<f64>]| part.iter().map(|values| values[0]).sum::<f64>() / part.len() as f64;
        assert!(mean(&losses[40..]) < mean(&losses[..10]));
    }

    #[test]
    fn options_are_checked() {
        let refusal = |options: Options| options.check(&Ranges::new("vae")).unwrap_err().to_string();
        let options = Options::default();
        assert!(refusal(Options { latent: 0, ..options.clone() }).contains("vae.latent is 0"));
        assert!(refusal(Options { learning_rate: 0.0, ..options.clone() }).contains("above 0"));
        assert!(refusal(Options { beta: -1.0, ..options }).contains("vae.beta is -1"));
    }
}
