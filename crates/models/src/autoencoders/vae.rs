//! The variational auto-encoder of Kingma and Welling, as the well-known PyTorch example builds it.
//!
//! `x → 400 → (μ, log σ²) of 20 each`, `z = μ + σ·ε`, `z → 400 → x̂`, ReLU between. The loss per image, in nats, is
//!
//! `λ₁ · Σᵢ BCE(x̂ᵢ, xᵢ) + λ₂ · KL(N(μ, σ²) ‖ N(0, 1))`
//!
//! for pixels with a Bernoulli likelihood, and with both weights 1 it is the negative evidence lower bound; the option
//! `reconstruction` puts another loss of pixels in BCE's place, see [`likelihood`](super::likelihood). A λ₂ above 1 makes
//! it a β-VAE (Higgins et al. 2017).
//!
//! Widths and learning rate are the example's. For likelihoods like the published ones on binarised MNIST it takes a deeper
//! network (`layers`), a KL term that comes in slowly (`warm_up_steps`) and a learning rate that falls to 0 (`decay_steps`).
//!
//! Kingma, Welling: Auto-Encoding Variational Bayes, <https://arxiv.org/abs/1312.6114>.

use super::elbo::Elbo;
use super::gaussian::DiagonalGaussian;
use super::likelihood::Likelihood;
use super::variational::{Variational, log_likelihood, log_weights};
use crate::config::Ranges;
use crate::descent::{Descent, decay};
use crate::registry::{ImageSet, Recipe};
use crate::{Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_nn::{Adam, Layer, Linear, Module, ReLU, Sequential, module};
use wengert_tensor::{Activation, Generator, Tensor};

/// The section `[vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Numbers in a code.
    pub latent: usize,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Number of hidden layers, in the encoder and in the decoder.
    pub layers: usize,
    /// What a picture is compared with its reconstruction by: `bernoulli`, `l1`, `l2` or `gaussian`.
    pub reconstruction: String,
    /// The weights of the loss.
    #[serde(flatten)]
    pub objective: Elbo,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Steps in which the learning rate falls to 0, along half a cosine; 0 for a constant rate.
    pub decay_steps: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            latent: 20,
            hidden: 400,
            layers: 1,
            reconstruction: "bernoulli".into(),
            objective: Elbo::default(),
            learning_rate: 1e-3,
            decay_steps: 0,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "vae";
    const DESCRIPTION: &'static str =
        "variational auto-encoder: MLP, Gaussian code, Bernoulli pixels or others";
    const PAPER: &'static str = "Kingma & Welling 2013, arXiv:1312.6114";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.within("hidden", self.hidden, 1..=8192)?;
        ranges.within("layers", self.layers, 1..=16)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)?;
        Likelihood::check(&self.reconstruction, ranges)?;
        self.objective.check(ranges)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        Ok(Box::new(VaeTraining::new(&self, images, rng)?))
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
    /// Hidden layers after `fc1`, where more than one is asked for.
    deeper_encoder: Sequential,
    /// Hidden layers after `fc3`, likewise.
    deeper_decoder: Sequential,
    likelihood: Likelihood,
}

module!(Vae { modules: fc1, fc21, fc22, fc3, fc4, deeper_encoder, deeper_decoder, likelihood });

impl Vae {
    /// A network with PyTorch's default initialisation for images of `[channels, height, width]`.
    ///
    /// # Errors
    /// When the options name no reconstruction loss.
    pub fn new(options: &Options, image_shape: [usize; 3], rng: &Generator) -> Result<Vae> {
        let Options { latent, hidden, layers, .. } = *options;
        let pixels = image_shape.iter().product();
        let deeper = || {
            let layer = |network: Sequential| network.add(Linear::new(hidden, hidden, rng)).add(ReLU::new());
            (1..layers).fold(Sequential::new(), |network, _| layer(network))
        };
        let vae = Vae {
            image_shape,
            latent,
            fc1: Linear::new(pixels, hidden, rng),
            fc21: Linear::new(hidden, latent, rng),
            fc22: Linear::new(hidden, latent, rng),
            fc3: Linear::new(latent, hidden, rng),
            fc4: Linear::new(hidden, pixels, rng),
            deeper_encoder: deeper(),
            deeper_decoder: deeper(),
            likelihood: Likelihood::new(&options.reconstruction)?,
        };
        vae.assign_names();
        Ok(vae)
    }
}

impl Variational for Vae {
    fn posterior(&self, images: &Tensor, _labels: Option<&Tensor>) -> DiagonalGaussian {
        let hidden = self.fc1.forward_activated(&images.flatten(1, -1), Activation::Relu);
        let hidden = self.deeper_encoder.forward(&hidden);
        DiagonalGaussian { mean: self.fc21.forward(&hidden), log_variance: self.fc22.forward(&hidden) }
    }

    fn outputs(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Tensor {
        let hidden = self.fc3.forward_activated(codes, Activation::Relu);
        self.fc4.forward(&self.deeper_decoder.forward(&hidden))
    }

    fn likelihood(&self) -> &Likelihood {
        &self.likelihood
    }
}

impl Model for Vae {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.latent
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.images(codes, labels))
    }

    fn encode(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.posterior(images, labels).mean)
    }

    fn log_likelihood(&self, codes: &Tensor, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(log_likelihood(self, codes, images, labels))
    }

    fn log_weights(
        &self,
        images: &Tensor,
        labels: Option<&Tensor>,
        samples: usize,
        rng: &Generator,
    ) -> Option<Tensor> {
        Some(log_weights(self, images, labels, samples, rng))
    }
}

/// The network with its optimiser and the weights of its loss.
pub type VaeTraining = Descent<Vae, Elbo>;

impl VaeTraining {
    /// A fresh network and optimiser.
    ///
    /// # Errors
    /// When the options name no reconstruction loss.
    pub fn new(options: &Options, images: &ImageSet, rng: &Generator) -> Result<VaeTraining> {
        let vae = Vae::new(options, images.shape, rng)?;
        let adam = Adam::new(vae.parameters(), options.learning_rate);
        Ok(VaeTraining::with(vae, options.objective, adam).schedule(decay(options.decay_steps)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::{Batch, Position};
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
        let training = VaeTraining::new(&options, &images, &rng).unwrap();
        for (_, parameter) in training.model().named_parameters() {
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
        let objective = Elbo { beta: 3.0, reconstruction_weight: 0.5, ..Elbo::default() };
        let options = Options { latent: 2, hidden: 8, objective, ..Options::default() };
        let mut training = VaeTraining::new(&options, &images, &rng).unwrap();
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
    fn deeper_networks_learn_until_the_rate_is_0() {
        let (rng, images) = (Generator::new(1), ImageSet { shape: [1, 4, 4], classes: 10 });
        let options = Options { latent: 2, hidden: 8, layers: 3, decay_steps: 10, ..Options::default() };
        let mut training = VaeTraining::new(&options, &images, &rng).unwrap();
        let weights = |training: &VaeTraining| -> Vec<Vec<f32>> {
            training.model().parameters().iter().map(Tensor::to_vec).collect()
        };
        let at_first = weights(&training);
        // Five layers of the example and two more on each side, each a matrix and offsets.
        assert_eq!(at_first.len(), 2 * (5 + 2 + 2));
        let batch = batch(&rng);
        (0..10).for_each(|step| drop(training.step(&batch, &rng, step).unwrap()));
        let trained = weights(&training);
        assert!(trained.iter().zip(&at_first).all(|(now, before)| now != before));
        training.step(&batch, &rng, 10).unwrap();
        assert_eq!(weights(&training), trained);
    }

    #[test]
    fn options_are_checked() {
        let refusal = |options: Options| options.check(&Ranges::new("vae")).unwrap_err().to_string();
        let options = Options::default();
        assert!(refusal(Options { latent: 0, ..options.clone() }).contains("vae.latent is 0"));
        assert!(refusal(Options { learning_rate: 0.0, ..options.clone() }).contains("above 0"));
        assert!(
            refusal(Options { objective: Elbo { beta: -1.0, ..Elbo::default() }, ..options.clone() })
                .contains("vae.beta is -1")
        );
        assert!(
            refusal(Options { reconstruction: "l3".into(), ..options }).contains("must be one of bernoulli")
        );
    }
}
