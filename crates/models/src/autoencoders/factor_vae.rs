//! The FactorVAE: a discriminator tells how far the numbers of a code are from being independent.
//!
//! Of two players, the autoencoder lowers
//!
//! `reconstruction + KL(q(z | x) ‖ N(0, 1)) + γ · TC`, with `TC = KL(q(z) ‖ Πⱼ q(zⱼ))`, the mean of d(z),
//!
//! where the discriminator's logit d(z) is its estimate of ln q(z) / Πⱼ q(zⱼ). It learns to sort codes z from codes z′ whose
//! numbers were exchanged between the images of the batch, one by one, by `½ mean sp(−d(z)) + ½ mean sp(d(z′))`.
//!
//! Kim, Mnih: Disentangling by Factorising, ICML 2018, <https://arxiv.org/abs/1802.05983>. From there come the six hidden
//! layers of the discriminator, LeakyReLU of slope 0.2, and its Adam of 1e-4 (0.5, 0.9); its layers are narrower here, 400
//! for the paper's 1000, and z′ is made of the codes of the same batch instead of another one. γ = 5 is known to work on
//! MNIST.

use super::coder::CoderOptions;
use super::gaussian::DiagonalGaussian;
use super::likelihood::Likelihood;
use super::variational::{GaussianCoder, Pass, Variational, log_likelihood, log_weights};
use crate::config::Ranges;
use crate::networks::{Nonlinearity, mlp};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Layer, Module, Optimizer, Sequential, module};
use wengert_tensor::{DType, Generator, Tensor, scope};

/// The section `[factor-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// γ, the weight of the total correlation.
    pub gamma: f64,
    /// Width of the discriminator's hidden layers.
    pub discriminator_hidden: usize,
    /// Number of the discriminator's hidden layers.
    pub discriminator_layers: usize,
    /// Learning rate of the discriminator's Adam.
    pub discriminator_learning_rate: f64,
    /// Networks, reconstruction and learning rate of the autoencoder.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gamma: 5.0,
            discriminator_hidden: 400,
            discriminator_layers: 6,
            discriminator_learning_rate: 1e-4,
            coder: CoderOptions { latent: 10, ..CoderOptions::default() },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "factor-vae";
    const DESCRIPTION: &'static str = "VAE with a discriminator against dependent codes";
    const PAPER: &'static str = "Kim & Mnih 2018, arXiv:1802.05983";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("gamma", self.gamma, 0.0..=1e6)?;
        ranges.within("discriminator_hidden", self.discriminator_hidden, 1..=8192)?;
        ranges.within("discriminator_layers", self.discriminator_layers, 1..=16)?;
        ranges.learning_rate("discriminator_learning_rate", self.discriminator_learning_rate)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let coder = GaussianCoder::new(&self.coder, images, None, rng)?;
        let mut widths = vec![self.discriminator_hidden; self.discriminator_layers + 2];
        (widths[0], widths[self.discriminator_layers + 1]) = (self.coder.latent, 1);
        let network = FactorVae { coder, discriminator: mlp(&widths, Nonlinearity::LeakyReLU, rng) };
        network.assign_names();
        let adam = self.coder.adam(network.coder.parameters());
        let discriminator_adam =
            Adam::new(network.discriminator.parameters(), self.discriminator_learning_rate).betas(0.5, 0.9);
        Ok(Box::new(FactorVaeTraining { network, adam, discriminator_adam, gamma: self.gamma }))
    }
}

/// The autoencoder and the discriminator of its codes.
#[derive(Debug)]
pub struct FactorVae {
    coder: GaussianCoder,
    discriminator: Sequential,
}

module!(FactorVae { modules: coder, discriminator });

impl FactorVae {
    /// d(z) of codes, `[batch, 1]`.
    fn logits(&self, codes: &Tensor) -> Tensor {
        let _scope = scope::enter("discriminator");
        self.discriminator.forward(codes)
    }
}

/// Codes `[batch, code size]` with the numbers of each axis in another order, and so independent of each other.
pub fn permute_axes(codes: &Tensor, rng: &Generator) -> Tensor {
    let order = rng.uniform(codes.dims(), 0.0, 1.0, DType::F32).argsort(0, false);
    codes.gather(0, &order)
}

/// The discriminator's loss by the logits of codes and of exchanged ones.
fn discriminator_loss(codes: &Tensor, exchanged: &Tensor) -> Tensor {
    ((-codes).softplus().mean_all() + exchanged.softplus().mean_all()) * 0.5
}

impl Variational for FactorVae {
    fn posterior(&self, images: &Tensor, labels: Option<&Tensor>) -> DiagonalGaussian {
        self.coder.posterior(images, labels)
    }

    fn outputs(&self, codes: &Tensor, labels: Option<&Tensor>) -> Tensor {
        self.coder.outputs(codes, labels)
    }

    fn likelihood(&self) -> &Likelihood {
        self.coder.likelihood()
    }
}

impl Model for FactorVae {
    fn image_shape(&self) -> [usize; 3] {
        self.coder.image_shape()
    }

    fn code_size(&self) -> usize {
        self.coder.code_size()
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.coder.decode(codes, labels)
    }

    fn encode(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.coder.encode(images, labels)
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

/// The two players and their optimisers.
#[derive(Debug)]
struct FactorVaeTraining {
    network: FactorVae,
    adam: Adam,
    discriminator_adam: Adam,
    gamma: f64,
}

impl FactorVaeTraining {
    /// The loss and terms of the autoencoder, and the codes that it drew.
    fn autoencoder_losses(&self, batch: &Batch, rng: &Generator) -> (Losses, Tensor) {
        let Pass { codes, reconstruction, kl, .. } = Pass::new(&self.network, batch, rng);
        let correlation = self.network.logits(&codes).mean_all();
        let total = &reconstruction + &kl + &correlation * self.gamma;
        let terms = vec![("reconstruction", reconstruction), ("kl", kl), ("total_correlation", correlation)];
        (Losses { total, terms }, codes.detach())
    }

    /// The loss of the discriminator on codes.
    fn discriminator_loss(&self, codes: &Tensor, rng: &Generator) -> Tensor {
        let exchanged = permute_axes(codes, rng);
        discriminator_loss(&self.network.logits(codes), &self.network.logits(&exchanged))
    }
}

impl Training for FactorVaeTraining {
    fn model(&self) -> &dyn Model {
        &self.network
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.network
    }

    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses> {
        let (mut losses, codes) = self.autoencoder_losses(batch, rng);
        losses.terms.push(("discriminator", self.discriminator_loss(&codes, rng)));
        Ok(losses)
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, _step: u64) -> Result<Losses> {
        self.network.discriminator.set_requires_grad(false);
        let (mut losses, codes) = self.autoencoder_losses(batch, rng);
        self.network.discriminator.set_requires_grad(true);
        losses.check_finite()?;
        self.adam.zero_grad();
        losses.total.backward()?;
        self.adam.step()?;

        let discriminator = self.discriminator_loss(&codes, rng);
        self.discriminator_adam.zero_grad();
        discriminator.backward()?;
        self.discriminator_adam.step()?;
        losses.terms.push(("discriminator", discriminator));
        Ok(losses)
    }

    /// The total holds what the discriminator says, which another one would not.
    fn is_ranked_by_loss(&self) -> bool {
        false
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        vec![("adam", &mut self.adam), ("discriminator_adam", &mut self.discriminator_adam)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_axis_is_exchanged_by_itself() {
        let codes = Tensor::arange(0, 90, 1).reshape([30, 3]).to_dtype(DType::F32);
        let exchanged = permute_axes(&codes, &Generator::new(1));
        let axis = |codes: &Tensor, axis: isize| codes.select(1, axis).contiguous().to_vec::<f32>();
        let row = |value: f32| value as usize / 3;
        let mut together = 0;
        for k in 0..3 {
            let mut values = axis(&exchanged, k);
            together += values.iter().zip(axis(&exchanged, 0)).filter(|(a, b)| row(**a) == row(*b)).count();
            values.sort_by(f32::total_cmp);
            assert_eq!(values, axis(&codes, k));
        }
        assert!(together < 45, "the axes move together: {together} of 90");
    }

    #[test]
    fn the_discriminator_loss_by_hand() {
        let (codes, exchanged) =
            (Tensor::from_slice(&[0.0, 2.0], [2, 1]), Tensor::from_slice(&[-1.0, 0.0], [2, 1]));
        let softplus = |x: f64| x.exp().ln_1p();
        let expected = 0.25 * (softplus(0.0) + softplus(-2.0) + softplus(-1.0) + softplus(0.0));
        assert!((discriminator_loss(&codes, &exchanged).item() - expected).abs() < 1e-12);
    }

    #[test]
    fn a_trained_discriminator_finds_the_total_correlation() {
        // Two normal numbers of correlation 0.8: TC = −½ ln (1 − 0.64).
        let rng = Generator::new(2);
        let network = mlp(&[2, 32, 32, 1], Nonlinearity::LeakyReLU, &rng);
        let mut adam = Adam::new(network.parameters(), 3e-3);
        let draw = |count: usize| {
            let z = rng.normal([count, 2], 0.0, 1.0, DType::F32);
            let second = z.narrow(1, 0, 1) * 0.8 + z.narrow(1, 1, 1) * 0.6;
            Tensor::cat(&[&z.narrow(1, 0, 1), &second], 1)
        };
        for _ in 0..600 {
            let codes = draw(256);
            let loss =
                discriminator_loss(&network.forward(&codes), &network.forward(&permute_axes(&codes, &rng)));
            adam.zero_grad();
            loss.backward().unwrap();
            adam.step().unwrap();
        }
        let found = network.forward(&draw(20_000)).mean_all().item();
        let expected = -0.5 * (1.0 - 0.64f64).ln();
        assert!((found - expected).abs() < 0.1, "{found} {expected}");
    }
}
