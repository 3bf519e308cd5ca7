//! `alpha-gan`: an autoencoder between two games, one of images and one of codes.
//!
//! With ẑ = E(x), x̂ = G(ẑ), a code z of the prior, logits d of the image discriminator and c of the code discriminator, and
//! sp(x) = ln(1 + eˣ):
//!
//! - E: λ·‖x − x̂‖₁ − c(ẑ),
//! - G: λ·‖x − x̂‖₁ − d(x̂) − d(G(z)),
//! - D: sp(−d(x)) + sp(d(x̂)) + sp(d(G(z))),
//! - C: sp(−c(z)) + sp(c(ẑ)).
//!
//! A logit is ln D − ln(1 − D), the estimate of a logarithm of a density ratio that the paper derives its losses from. The
//! reconstruction is a mean over pixels in −1..1. The code discriminator stands for the KL term of a variational
//! autoencoder, so the codes need no density.
//!
//! Rosca, Lakshminarayanan, Warde-Farley, Mohamed: Variational Approaches for Auto-Encoding Generative Adversarial
//! Networks, 2017, <https://arxiv.org/abs/1706.04987>: codes of 50, a code discriminator of two layers of 750; networks and
//! Adam of DCGAN.

use super::networks::{NetworkOptions, accuracies, centred, logits, uncentred};
use super::turns::{Contest, Turn, Turns};
use crate::config::Ranges;
use crate::gans::losses::cross_entropy::{cross_entropy, discriminator};
use crate::gans::networks::{Discriminator, ImageMaker, Judge};
use crate::registry::{ImageSet, Recipe};
use crate::{Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Layer, Sequential, module};
use wengert_tensor::{Generator, Reduction, Tensor};

/// The section `[alpha-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// λ, the weight of the reconstruction.
    pub reconstruction_weight: f64,
    /// Networks and optimisers.
    #[serde(flatten)]
    pub networks: NetworkOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self { reconstruction_weight: 40.0, networks: NetworkOptions::default() }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "alpha-gan";
    const DESCRIPTION: &'static str = "autoencoder with one adversary on its images and one on its codes";
    const PAPER: &'static str = "Rosca et al. 2017, arXiv:1706.04987";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("reconstruction_weight", self.reconstruction_weight, 0.0..=1e6)?;
        self.networks.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let networks = self.networks.clone();
        let training = Turns::new(AlphaGan::new(self, images, rng)?)
            .seat(Player::Encoder, "encoder", |model| networks.adam(&[&model.encoder]))
            .seat(Player::Maker, "generator", |model| networks.adam(&[&model.generator]))
            .seat(Player::Discriminator, "discriminator", |model| networks.adam(&[&model.discriminator]))
            .seat(Player::CodeDiscriminator, "code_discriminator", |model| {
                networks.adam(&[&model.code_discriminator])
            });
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// Images to codes.
    Encoder,
    /// Codes to images.
    Maker,
    /// Real images or made ones.
    Discriminator,
    /// Codes of the prior or of images.
    CodeDiscriminator,
}

/// The four networks.
#[derive(Debug)]
pub struct AlphaGan {
    image_shape: [usize; 3],
    options: Options,
    encoder: Sequential,
    generator: ImageMaker,
    discriminator: Discriminator,
    code_discriminator: Sequential,
}

module!(AlphaGan { modules: encoder, generator, discriminator, code_discriminator });

impl AlphaGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<AlphaGan> {
        let (shape, networks) = (images.shape, &options.networks);
        Ok(AlphaGan {
            image_shape: shape,
            encoder: networks.encoder(shape, networks.latent, rng)?,
            generator: networks.maker(networks.latent, shape, rng)?,
            discriminator: networks.discriminator(shape, 1, rng)?,
            code_discriminator: networks.code_discriminator(rng),
            options,
        })
    }

    fn reconstruction(&self, images: &Tensor, back: &Tensor) -> Tensor {
        images.l1_loss(back, Reduction::Mean) * self.options.reconstruction_weight
    }
}

impl Model for AlphaGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.networks.latent
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(uncentred(&self.generator.forward(codes)))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.encoder.forward(&centred(images)))
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.discriminator.judge(&centred(images)).scores)
    }
}

impl Contest for AlphaGan {
    type Player = Player;

    fn is_steady(&self, _step: u64) -> bool {
        true
    }

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Result<Turn> {
        let images = centred(&batch.images);
        let codes = self.encoder.forward(&images);
        let prior = rng.normal_like(&codes);
        let score = |images: &Tensor| self.discriminator.judge(images).scores;
        let code_score = |codes: &Tensor| logits(&self.code_discriminator, codes);
        Ok(match player {
            Player::Encoder => {
                let reconstruction = self.reconstruction(&images, &self.generator.forward(&codes));
                Turn::new(vec![
                    ("reconstruction", reconstruction),
                    ("encoder", -code_score(&codes).mean_all()),
                ])
            }
            Player::Maker => {
                let (back, generated) = (self.generator.forward(&codes), self.generator.forward(&prior));
                let adversarial = -(score(&back).mean_all() + score(&generated).mean_all());
                let total = self.reconstruction(&images, &back) + &adversarial;
                Turn::of(total, vec![("generator", adversarial)])
            }
            Player::Discriminator => {
                let (back, generated) =
                    (score(&self.generator.forward(&codes)), score(&self.generator.forward(&prior)));
                let real = score(&images);
                let loss = discriminator(&real, &generated, 0.0) + cross_entropy(&back, 0.0);
                Turn::new(vec![("discriminator", loss)])
                    .report(accuracies(&real, &Tensor::cat(&[&back, &generated], 0)))
            }
            Player::CodeDiscriminator => {
                let loss = discriminator(&code_score(&prior), &code_score(&codes), 0.0);
                Turn::new(vec![("code_discriminator", loss)])
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::Module;

    #[test]
    fn losses_of_discriminators_with_known_logits() {
        let rng = Generator::new(0);
        let images = ImageSet { shape: [1, 8, 8], classes: 10 };
        let networks = NetworkOptions { width: 4, latent: 3, ..NetworkOptions::default() };
        let model = AlphaGan::new(Options { networks, ..Options::default() }, &images, &rng).unwrap();
        // All weights 0 but the last biases, which are the logits: 2 of images, −1 of codes. The generator makes grey.
        model.set_requires_grad(false);
        for (name, tensor) in model.named_parameters() {
            let value = match name.as_str() {
                "discriminator.head.bias" => 2.0,
                "code_discriminator.4.bias" => -1.0,
                _ => 0.0,
            };
            tensor.update(|weights: &mut [f32]| weights.fill(value));
        }
        let batch = super::super::test::batch(&images, 4);
        let reconstruction = 40.0 * centred(&batch.images).abs().mean_all().item();
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        for (player, expected) in [
            (Player::Encoder, reconstruction + 1.0),
            (Player::Maker, reconstruction - 4.0),
            (Player::Discriminator, softplus(-2.0) + 2.0 * softplus(2.0)),
            (Player::CodeDiscriminator, softplus(1.0) + softplus(-1.0)),
        ] {
            let total = model.turn(player, &batch, &rng, None).unwrap().losses.total.item();
            assert!((total - expected).abs() < 1e-4, "{player:?}: {total} {expected}");
        }
    }
}
