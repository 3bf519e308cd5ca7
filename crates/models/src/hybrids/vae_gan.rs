//! `vae-gan`: a variational autoencoder whose pictures are compared by the features of a discriminator, and whose decoder is
//! the generator of a game.
//!
//! With q(z | x) = N(μ, diag σ²), a code z of it, the reconstruction x̃ = Dec(z), an image x_p = Dec(z_p) of a code of the prior,
//! and features f of the discriminator's last convolution, each network has a loss of its own:
//!
//! - encoder: β·KL(q ‖ N(0, 1)) + R, with R = ½·‖f(x) − f(x̃)‖² summed over the features,
//! - decoder: γ·R + G, with G what x̃ and x_p lack of passing for real,
//! - discriminator: what it pays for telling x, x_p and x̃ apart (see [`origins`](super::origins)): by one logit as in the
//!   paper (`discriminator = "binary"`), or by three (`"three-way"`).
//!
//! As in the authors' code one of the two waits where the other has lost touch: the discriminator while it pays less than
//! `equilibrium − margin` for real or made images, the decoder while the discriminator pays more than
//! `equilibrium + margin`; if both would wait, both move. For three origins what it pays is measured in units of
//! ln 3 / ln 2, because so much is chance.
//!
//! Larsen, Sønderby, Larochelle, Winther: Autoencoding beyond pixels using a learned similarity metric, 2015,
//! <https://arxiv.org/abs/1512.09300>; equilibrium 0.68 and margin 0.4 from the code beside it. Networks and Adam are DCGAN's,
//! as in our other models; γ and β were chosen on MNIST by looking at samples and reconstructions.

use super::networks::{NetworkOptions, accuracies, centred, uncentred};
use super::origins::{Origin, Origins};
use super::turns::{Contest, Turn, Turns};
use crate::autoencoders::gaussian::DiagonalGaussian;
use crate::config::Ranges;
use crate::gans::networks::{Discriminator, ImageMaker};
use crate::registry::{ImageSet, Recipe};
use crate::{Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Layer, Sequential, module};
use wengert_tensor::{Generator, Tensor};

/// The section `[vae-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// What the discriminator tells apart: `binary` or `three-way`.
    pub discriminator: String,
    /// γ, the weight of the feature reconstruction in the decoder's loss.
    pub reconstruction_weight: f64,
    /// β, the weight of the KL term in the encoder's loss.
    pub beta: f64,
    /// What the discriminator should pay for images of one origin.
    pub equilibrium: f64,
    /// How far it may be from that before a player waits.
    pub margin: f64,
    /// Networks and optimisers.
    #[serde(flatten)]
    pub networks: NetworkOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            discriminator: "binary".into(),
            reconstruction_weight: 1e-3,
            beta: 1.0,
            equilibrium: 0.68,
            margin: 0.4,
            networks: NetworkOptions::default(),
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "vae-gan";
    const DESCRIPTION: &'static str =
        "VAE with a GAN's features as its measure; binary or three-way discriminator";
    const PAPER: &'static str = "Larsen et al. 2015, arXiv:1512.09300";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("discriminator", &self.discriminator, &Origins::NAMES)?;
        ranges.within("reconstruction_weight", self.reconstruction_weight, 0.0..=1e6)?;
        ranges.within("beta", self.beta, 0.0..=1e6)?;
        ranges.within("equilibrium", self.equilibrium, 0.0..=100.0)?;
        ranges.within("margin", self.margin, 0.0..=100.0)?;
        self.networks.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let networks = self.networks.clone();
        let training = Turns::new(VaeGan::new(self, images, rng)?)
            .seat(Player::Encoder, "encoder", |model| networks.adam(&[&model.encoder]))
            .seat(Player::Decoder, "decoder", |model| networks.adam(&[&model.decoder]))
            .seat(Player::Discriminator, "discriminator", |model| networks.adam(&[&model.discriminator]));
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// Images to codes.
    Encoder,
    /// Codes to images.
    Decoder,
    /// Where images come from.
    Discriminator,
}

/// The three networks.
#[derive(Debug)]
pub struct VaeGan {
    image_shape: [usize; 3],
    options: Options,
    origins: Origins,
    encoder: Sequential,
    decoder: ImageMaker,
    discriminator: Discriminator,
}

module!(VaeGan { modules: encoder, decoder, discriminator });

impl VaeGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<VaeGan> {
        let (shape, networks) = (images.shape, &options.networks);
        let origins = Origins::named(&options.discriminator);
        Ok(VaeGan {
            image_shape: shape,
            origins,
            encoder: networks.encoder(shape, 2 * networks.latent, rng)?,
            decoder: networks.maker(networks.latent, shape, rng)?,
            discriminator: networks.discriminator(shape, origins.outputs(), rng)?,
            options,
        })
    }

    /// q(z | x) of images in −1..1.
    fn posterior(&self, images: &Tensor) -> DiagonalGaussian {
        DiagonalGaussian::from_halves(&self.encoder.forward(images))
    }

    /// Whether the decoder and the discriminator move where the discriminator pays so much for images of each origin.
    fn movers(&self, losses: &[&Tensor]) -> (bool, bool) {
        let Options { equilibrium, margin, .. } = self.options;
        let unit = self.origins.chance() / 2f64.ln();
        let any = |is_so: &dyn Fn(f64) -> bool| losses.iter().any(|loss| is_so(loss.item() / unit));
        let (wins, loses) =
            (any(&|paid| paid < equilibrium - margin), any(&|paid| paid > equilibrium + margin));
        (!loses || wins, !wins || loses)
    }

    fn encoder_turn(&self, images: &Tensor, rng: &Generator) -> Turn {
        let posterior = self.posterior(images);
        let back = self.decoder.forward(&posterior.sample(rng));
        let kl = posterior.kl();
        let distance =
            feature_distance(&self.discriminator.features(images), &self.discriminator.features(&back));
        let total = &distance + &kl * self.options.beta;
        Turn::of(total, vec![("kl", kl), ("feature_distance", distance)])
    }

    /// Images of the three origins, in −1..1: those of a code of the prior, and those of the images' own codes.
    fn made(&self, images: &Tensor, rng: &Generator) -> [Tensor; 2] {
        let codes = self.posterior(images).sample(rng);
        [self.decoder.forward(&rng.normal_like(&codes)), self.decoder.forward(&codes)]
    }

    fn decoder_turn(&self, images: &Tensor, rng: &Generator) -> Turn {
        let [generated, back] = self.made(images, rng).map(|made| self.discriminator.features(&made));
        let real = self.discriminator.features(images);
        let distance = feature_distance(&real, &back);
        let [real, generated, back] =
            [&real, &generated, &back].map(|features| self.discriminator.outputs(features));
        let loss = |outputs, origin| self.origins.loss(outputs, origin);
        let adversarial = loss(&generated, Origin::Real) + loss(&back, Origin::Real);
        let (moves, _) = self.movers(&[
            &loss(&real, Origin::Real),
            &loss(&generated, Origin::Generated),
            &loss(&back, Origin::Reconstructed),
        ]);
        let total = distance * self.options.reconstruction_weight + &adversarial;
        Turn::of(total, vec![("generator", adversarial)]).only_if(moves)
    }

    fn discriminator_turn(&self, images: &Tensor, rng: &Generator) -> Turn {
        let judge = |images: &Tensor| self.discriminator.outputs(&self.discriminator.features(images));
        let [generated, back] = self.made(images, rng).map(|made| judge(&made));
        let real = judge(images);
        let paid = [(&real, Origin::Real), (&generated, Origin::Generated), (&back, Origin::Reconstructed)]
            .map(|(outputs, origin)| self.origins.loss(outputs, origin));
        let (_, moves) = self.movers(&[&paid[0], &paid[1], &paid[2]]);
        let fake = Tensor::cat(&[&generated, &back], 0);
        Turn::new(vec![("discriminator", &paid[0] + &paid[1] + &paid[2])])
            .report(accuracies(&self.origins.log_odds(&real), &self.origins.log_odds(&fake)))
            .only_if(moves)
    }
}

/// ½·‖a − b‖² of features `[N, features]`, summed over the features, a mean per image.
fn feature_distance(a: &Tensor, b: &Tensor) -> Tensor {
    (a - b).square().sum(&[1], false).mean_all() * 0.5
}

impl Model for VaeGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.networks.latent
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(uncentred(&self.decoder.forward(codes)))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.posterior(&centred(images)).mean)
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let features = self.discriminator.features(&centred(images));
        Some(self.origins.log_odds(&self.discriminator.outputs(&features)))
    }
}

impl Contest for VaeGan {
    type Player = Player;

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Result<Turn> {
        let images = centred(&batch.images);
        Ok(match player {
            Player::Encoder => self.encoder_turn(&images, rng),
            Player::Decoder => self.decoder_turn(&images, rng),
            Player::Discriminator => self.discriminator_turn(&images, rng),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::Module;

    fn model(discriminator: &str) -> VaeGan {
        let networks = NetworkOptions { width: 4, latent: 3, ..NetworkOptions::default() };
        let options = Options { discriminator: discriminator.into(), networks, ..Options::default() };
        VaeGan::new(options, &ImageSet { shape: [1, 8, 8], classes: 10 }, &Generator::new(0)).unwrap()
    }

    #[test]
    fn features_are_compared_by_half_their_squared_distance() {
        let (a, b) = (
            Tensor::from_slice(&[1f32, 2.0, 0.0, 0.0], [2, 2]),
            Tensor::zeros([2, 2], wengert_tensor::DType::F32),
        );
        assert_eq!(feature_distance(&a, &b).item(), 0.5 * 5.0 / 2.0);
    }

    #[test]
    fn the_player_that_wins_waits() {
        for (discriminator, unit) in [("binary", 1.0), ("three-way", 3f64.ln() / 2f64.ln())] {
            let model = model(discriminator);
            let movers = |paid: [f64; 2]| {
                let [a, b] = paid.map(|paid| Tensor::scalar(paid * unit));
                model.movers(&[&a, &b])
            };
            assert_eq!(movers([0.6, 0.7]), (true, true));
            assert_eq!(movers([0.1, 0.7]), (true, false));
            assert_eq!(movers([0.6, 1.2]), (false, true));
            assert_eq!(movers([0.1, 1.2]), (true, true));
        }
    }

    #[test]
    fn a_discriminator_that_knows_nothing_pays_chance() {
        for discriminator in Origins::NAMES {
            let model = model(discriminator);
            for tensor in model.discriminator.parameters() {
                tensor.update(|weights: &mut [f32]| weights.fill(0.0));
            }
            let batch = super::super::test::batch(&ImageSet { shape: [1, 8, 8], classes: 10 }, 4);
            let chance = model.origins.chance();
            for (player, expected) in [(Player::Discriminator, 3.0 * chance), (Player::Decoder, 2.0 * chance)]
            {
                let total = model.turn(player, &batch, &Generator::new(1), None).unwrap().losses.total.item();
                assert!((total - expected).abs() < 1e-5, "{discriminator} {player:?}: {total}");
            }
            // Features are zero too, so that nothing is left of the encoder's loss but the divergence.
            let losses = model.turn(Player::Encoder, &batch, &Generator::new(1), None).unwrap().losses;
            assert_eq!(losses.total.item(), losses.terms[0].1.item());
        }
    }
}
