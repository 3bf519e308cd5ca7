//! `gan-on-codes`: a GAN whose codes are those that a variational autoencoder gives to images.
//!
//! The autoencoder, q(z | x) = N(μ, diag σ²) and a decoder, learns from images alone, by its evidence lower bound with Bernoulli
//! pixels: BCE(Dec(z), x) + KL(q ‖ N(0, 1)). The generator of the game draws its codes not from N(0, 1) but from the
//! aggregate posterior q(z) = E_x q(z | x): a code of a training image for each image it makes. So near codes mean like
//! images before the game has begun, and E, which the game never touches, is an encoder for G. The players' losses are
//! sp(−d(x)) + sp(d(G(z))) and sp(−d(G(z))) with logits d and sp(x) = ln(1 + eˣ).
//!
//! To draw codes without images the model keeps means and variances of the first 1024 training images, taken at the end of
//! each epoch; before the first it draws from N(0, 1).
//!
//! After the tutorials that put a GAN behind a VAE's encoder; the parts are Kingma and Welling, 2013,
//! <https://arxiv.org/abs/1312.6114>, and Radford et al., 2015, <https://arxiv.org/abs/1511.06434>, whose networks and Adam
//! these are.

use super::networks::{NetworkOptions, accuracies, centred, uncentred};
use super::turns::{Contest, Turn, Turns};
use crate::autoencoders::gaussian::DiagonalGaussian;
use crate::config::Ranges;
use crate::gans::losses::cross_entropy;
use crate::gans::networks::{Discriminator, ImageMaker, Judge};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::{Batch, Position};
use wengert_nn::{Layer, Module, Sequential, module};
use wengert_tensor::{DType, Generator, Reduction, Tensor, no_grad};

/// Images whose codes stand for the aggregate posterior.
const KEPT: usize = 1024;

/// Images encoded at a time.
const PORTION: usize = 256;

/// The section `[gan-on-codes]` of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Networks and optimisers.
    #[serde(flatten)]
    pub networks: NetworkOptions,
}

impl Recipe for Options {
    const NAME: &'static str = "gan-on-codes";
    const DESCRIPTION: &'static str = "GAN whose codes are drawn from a VAE's aggregate posterior";
    const PAPER: &'static str =
        "parts: Kingma & Welling 2013, arXiv:1312.6114; Radford et al. 2015, arXiv:1511.06434";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.networks.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let training = Turns::new(GanOnCodes::new(&self.networks, images, rng)?)
            .seat(Player::Autoencoder, "autoencoder", |model| {
                self.networks.adam(&[&model.encoder, &model.decoder])
            })
            .seat(Player::Discriminator, "discriminator", |model| self.networks.adam(&[&model.discriminator]))
            .seat(Player::Maker, "generator", |model| self.networks.adam(&[&model.generator]));
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// Encoder and decoder.
    Autoencoder,
    /// Real images or made ones.
    Discriminator,
    /// Codes to images.
    Maker,
}

/// The networks, and codes that stand for all.
#[derive(Debug)]
pub struct GanOnCodes {
    image_shape: [usize; 3],
    latent: usize,
    encoder: Sequential,
    decoder: Sequential,
    generator: ImageMaker,
    discriminator: Discriminator,
    /// μ and ln σ² of the kept images, `[2, KEPT, latent]`.
    kept: Tensor,
}

module!(GanOnCodes { modules: encoder, decoder, generator, discriminator; buffers: kept });

impl GanOnCodes {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(options: &NetworkOptions, images: &ImageSet, rng: &Generator) -> Result<GanOnCodes> {
        let shape = images.shape;
        Ok(GanOnCodes {
            image_shape: shape,
            latent: options.latent,
            encoder: options.encoder(shape, 2 * options.latent, rng)?,
            decoder: options.logit_maker(options.latent, shape, rng)?,
            generator: options.maker(options.latent, shape, rng)?,
            discriminator: options.discriminator(shape, 1, rng)?,
            kept: Tensor::zeros([2, KEPT, options.latent], DType::F32),
        })
    }

    /// q(z | x) of images in 0..1.
    fn posterior(&self, images: &Tensor) -> DiagonalGaussian {
        DiagonalGaussian::from_halves(&self.encoder.forward(&centred(images)))
    }
}

impl Model for GanOnCodes {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.latent
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let chosen = rng.randint(0, KEPT as i64, [count]);
        let [mean, log_variance] = [0, 1].map(|half| self.kept.select(0, half).index_select(0, &chosen));
        DiagonalGaussian { mean, log_variance }.sample(rng)
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(uncentred(&self.generator.forward(codes)))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.posterior(images).mean)
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.discriminator.judge(&centred(images)).scores)
    }
}

impl Contest for GanOnCodes {
    type Player = Player;

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Result<Turn> {
        let images = &batch.images;
        let posterior = self.posterior(images);
        let codes = posterior.sample(rng);
        let score = |images: &Tensor| self.discriminator.judge(images).scores;
        Ok(match player {
            Player::Autoencoder => {
                let reconstruction =
                    self.decoder.forward(&codes).binary_cross_entropy_with_logits(images, Reduction::Sum)
                        * (1.0 / images.dims()[0] as f64);
                Turn::new(vec![("reconstruction", reconstruction), ("kl", posterior.kl())])
            }
            Player::Discriminator => {
                let (real, fake) = (score(&centred(images)), score(&self.generator.forward(&codes)));
                Turn::new(vec![("discriminator", cross_entropy::discriminator(&real, &fake, 0.0))])
                    .report(accuracies(&real, &fake))
            }
            Player::Maker => {
                let fake = score(&self.generator.forward(&codes));
                Turn::new(vec![("generator", cross_entropy::non_saturating_generator(&fake))])
            }
        })
    }

    fn end_epoch(&mut self, data: &Dataset, _rng: &Generator) -> Result<()> {
        let count = data.train.dataset().len();
        self.eval();
        // Fewer images than are kept are taken round and round.
        let indices: Vec<usize> = (0..KEPT).map(|index| index % count).collect();
        let parts: Vec<Tensor> = indices
            .chunks(PORTION)
            .map(|chunk| no_grad(|| self.posterior(&data.train.images(chunk, Position::default()))))
            .map(|posterior| Tensor::stack(&[&posterior.mean, &posterior.log_variance], 0))
            .collect();
        self.kept.assign(&Tensor::cat(&parts.iter().collect::<Vec<_>>(), 1))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_drawn_around_the_kept_means() {
        let networks = NetworkOptions { width: 4, latent: 3, ..NetworkOptions::default() };
        let images = ImageSet { shape: [1, 8, 8], classes: 10 };
        let model = GanOnCodes::new(&networks, &images, &Generator::new(0)).unwrap();
        // Half of the kept codes are N(10, e⁻²⁰), the others N(−10, e⁻²⁰).
        model.kept.update(|values: &mut [f32]| {
            let (means, log_variances) = values.split_at_mut(KEPT * 3);
            let (upper, lower) = means.split_at_mut(KEPT * 3 / 2);
            upper.fill(10.0);
            lower.fill(-10.0);
            log_variances.fill(-20.0);
        });
        let codes = model.draw_codes(400, &Generator::new(1)).to_vec::<f32>();
        assert!(codes.iter().all(|code| (code.abs() - 10.0).abs() < 0.01));
        assert!(codes.chunks(3).all(|code| code.iter().all(|value| value.signum() == code[0].signum())));
        let upper = codes.chunks(3).filter(|code| code[0] > 0.0).count();
        assert!((140..260).contains(&upper), "{upper}");
    }

    #[test]
    fn the_game_does_not_touch_the_encoder() {
        let networks = NetworkOptions { width: 4, latent: 3, ..NetworkOptions::default() };
        let images = ImageSet { shape: [1, 8, 8], classes: 10 };
        let build = || Options { networks: networks.clone() }.build(&images, &Generator::new(0)).unwrap();
        let (mut training, batch) = (build(), super::super::test::batch(&images, 4));
        let before = training.model().state_dict();
        for (name, optimizer) in training.optimizers() {
            if name == "autoencoder" {
                optimizer.set_learning_rate(0.0);
            }
        }
        training.step(&batch, &Generator::new(1), 0).unwrap();
        for (name, tensor) in training.model().named_parameters() {
            let still = tensor.to_vec::<f32>() == before[&name].to_vec::<f32>();
            assert_eq!(still, name.starts_with("encoder") || name.starts_with("decoder"), "{name}");
        }
    }
}
