//! `bi-gan`: a generator, an encoder, and a discriminator of pairs of an image and a code.
//!
//! The discriminator, with logits d, tells pairs (x, E(x)) of real images from pairs (G(z), z) of codes of the prior; G and E
//! make them alike together, by the losses whose gradients do not vanish ("inverse objective"):
//!
//! - D: sp(−d(x, E(x))) + sp(d(G(z), z)),
//! - G and E: sp(d(x, E(x))) + sp(−d(G(z), z)), with sp(x) = ln(1 + eˣ).
//!
//! At the optimum E and G invert each other, although no loss compares an image with its reconstruction.
//!
//! Donahue, Krähenbühl, Darrell: Adversarial Feature Learning, 2016, <https://arxiv.org/abs/1605.09782>. From its appendix
//! on MNIST: codes U(−1, 1)⁵⁰, two hidden layers of 1024 in each network, Adam with 2e-4 and (0.5, 0.999), weight decay
//! 2.5e-5 on the weights, N(0, 0.02²) as their start, and a rate that falls to a hundredth in the latter half of the
//! 400 epochs, exponentially. With `network=dcgan` images are made and read by convolutions, and a pair is judged by what
//! one network reads of the image and another of the code: Dumoulin et al.: Adversarially Learned Inference, 2017,
//! <https://arxiv.org/abs/1606.00704>. Its generator normalises unit by unit, as `normalise_units` of the games does.
//! `shift` is ours: an encoder that sees moved images, while the discriminator sees them in their place, cannot spend its
//! features on where a stroke lies to the pixel.
//!
//! What the paper reports of nearest neighbours is measured in the encoder's last hidden layer, [`Model::features`]: its code
//! prints both that (97.35 %) and the same of the codes (92.10 %), <https://github.com/jeffdonahue/bigan>.

use super::networks::{accuracies, centred, logits, uncentred};
use super::turns::{Contest, Turn, Turns};
use crate::augmentation::moved;
use crate::config::Ranges;
use crate::gans;
use crate::gans::losses::cross_entropy;
use crate::gans::networks::ImageMaker;
use crate::networks::{Nonlinearity, Normalisation, dcgan_trunk, mlp_maker, mlp_trunk, start_as_dcgan};
use crate::registry::{ImageSet, Recipe};
use crate::{Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Flatten, Layer, Module, Optimizer, ParameterGroup, Sequential, Tanh, module};
use wengert_tensor::{DType, Generator, Tensor};

/// The section `[bi-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// `mlp`: two hidden layers in each network, a pair being one long row of pixels and numbers; `dcgan`: convolutions
    /// make and read the images, and a layer of `hidden` units makes one verdict of the features of an image and of a code.
    pub network: String,
    /// Numbers in a code.
    pub latent: usize,
    /// Width of the two hidden layers of each network of `mlp`, and of the hidden layers of `dcgan`.
    pub hidden: usize,
    /// Channels of the layer of `dcgan` that is nearest to the image; the others have a multiple. `mlp` has none.
    pub width: usize,
    /// Pixels by which the images that the encoder sees in training are moved at most, along both sides; the discriminator
    /// sees the same images in their place.
    pub shift: usize,
    /// What normalises the discriminator's layers: `none`, `batch`, `layer` or `spectral`.
    pub normalisation: String,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Adam's β₁.
    pub beta1: f64,
    /// Weight decay of the matrices.
    pub weight_decay: f64,
    /// Steps in whose latter half the learning rate falls to a hundredth; 0 for a constant rate.
    pub decay_steps: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: "mlp".into(),
            latent: 50,
            hidden: 1024,
            width: 32,
            shift: 0,
            normalisation: "batch".into(),
            learning_rate: 2e-4,
            beta1: 0.5,
            weight_decay: 2.5e-5,
            decay_steps: 0,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "bi-gan";
    const DESCRIPTION: &'static str = "bidirectional GAN: an encoder and a discriminator of pairs, MLP";
    const PAPER: &'static str = "Donahue et al. 2016, arXiv:1605.09782";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.one_of("network", &self.network, &["mlp", "dcgan"])?;
        ranges.within("hidden", self.hidden, 1..=8192)?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.within("shift", self.shift, 0..=64)?;
        ranges.one_of("normalisation", &self.normalisation, &["none", "batch", "layer", "spectral"])?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.within("beta1", self.beta1, 0.0..=0.9999)?;
        ranges.within("weight_decay", self.weight_decay, 0.0..=1.0)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let optimizer = |options: &Options, networks: &[&dyn Module]| {
            let parameters = networks.iter().flat_map(|network| network.parameters());
            let (matrices, others): (Vec<_>, Vec<_>) = parameters.partition(|tensor| tensor.rank() > 1);
            let mut adam = Adam::new(others, options.learning_rate).betas(options.beta1, 0.999);
            let group = ParameterGroup::new(matrices, options.learning_rate);
            adam.add_group(group.weight_decay(options.weight_decay));
            Box::new(adam) as Box<dyn Optimizer>
        };
        let training = Turns::new(BiGan::new(self, images, rng)?)
            .seat(Player::Discriminator, "discriminator", |model| {
                optimizer(
                    &model.options,
                    &[&model.image_features, &model.code_features, &model.discriminator],
                )
            })
            .seat(Player::Makers, "generator_and_encoder", |model| {
                optimizer(&model.options, &[&model.generator, &model.encoder])
            });
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy)]
pub enum Player {
    /// Tells real images with their codes from codes with their images.
    Discriminator,
    /// The generator and the encoder.
    Makers,
}

/// The three networks.
#[derive(Debug)]
pub struct BiGan {
    image_shape: [usize; 3],
    options: Options,
    generator: Sequential,
    encoder: Sequential,
    /// What the discriminator reads of an image, and of a code.
    image_features: Sequential,
    code_features: Sequential,
    discriminator: Sequential,
}

module!(BiGan { modules: generator, encoder, image_features, code_features, discriminator });

impl BiGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<BiGan> {
        let normalisation = match options.normalisation.as_str() {
            "none" => Normalisation::None,
            "layer" => Normalisation::Layer,
            "spectral" => Normalisation::Spectral,
            _ => Normalisation::Batch,
        };
        if options.network == "dcgan" {
            return BiGan::convolutional(options, images, normalisation, rng);
        }
        let widths = [options.hidden; 2];
        let trunk = |shape, between| mlp_trunk(shape, &widths, Nonlinearity::LeakyReLU, between, rng);
        // A pair is one long row of pixels and numbers of the code.
        let pair = [1, 1, images.shape.iter().product::<usize>() + options.latent];
        let model = BiGan {
            image_shape: images.shape,
            generator: mlp_maker(options.latent, images.shape, &widths, true, rng).add(Tanh::new()),
            encoder: trunk(images.shape, Normalisation::Batch).with_head(
                options.latent,
                Normalisation::None,
                rng,
            ),
            image_features: Sequential::new().add(Flatten::new()),
            code_features: Sequential::new(),
            discriminator: trunk(pair, normalisation).with_head(1, normalisation, rng),
            options,
        };
        start_as_dcgan(&model.generator, rng);
        start_as_dcgan(&model.encoder, rng);
        // Spectral normalisation has already measured the weights as they are.
        if normalisation != Normalisation::Spectral {
            start_as_dcgan(&model.discriminator, rng);
        }
        Ok(model)
    }

    /// The networks of `dcgan`.
    fn convolutional(
        options: Options,
        images: &ImageSet,
        normalisation: Normalisation,
        rng: &Generator,
    ) -> Result<BiGan> {
        let Options { latent, hidden, width, .. } = options;
        let connected =
            |inputs, between| mlp_trunk([1, 1, inputs], &[hidden], Nonlinearity::LeakyReLU, between, rng);
        let game = gans::options::Options {
            width,
            hidden,
            normalise_units: true,
            ..gans::options::Options::default()
        };
        let generator = ImageMaker::new(latent, images.shape, &game, rng)?;
        let encoder = dcgan_trunk(images.shape, width, Normalisation::Batch, rng)?;
        start_as_dcgan(&encoder.network, rng);
        let image_features = dcgan_trunk(images.shape, width, normalisation, rng)?;
        let code_features = connected(latent, normalisation);
        let pair = connected(image_features.features + code_features.features, normalisation);
        Ok(BiGan {
            image_shape: images.shape,
            generator: Sequential::new().add(generator),
            encoder: encoder.with_head(latent, Normalisation::None, rng),
            image_features: image_features.network,
            code_features: code_features.network,
            discriminator: pair.with_head(1, normalisation, rng),
            options,
        })
    }

    /// Logits `[N]` of pairs of images `[N, C, H, W]` in −1..1 and codes `[N, code size]`: more is more like a real image
    /// with its code.
    fn judge(&self, images: &Tensor, codes: &Tensor) -> Tensor {
        let features = [self.image_features.forward(images), self.code_features.forward(codes)];
        logits(&self.discriminator, &Tensor::cat(&[&features[0], &features[1]], 1))
    }
}

impl Model for BiGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.latent
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        rng.uniform([count, self.options.latent], -1.0, 1.0, DType::F32)
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(uncentred(&self.generator.forward(codes)))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.encoder.forward(&centred(images)))
    }

    fn features(&self, images: &Tensor) -> Option<Tensor> {
        // The last layer makes the codes.
        self.encoder.forward_all(&centred(images)).into_iter().rev().nth(1)
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let images = centred(images);
        Some(self.judge(&images, &self.encoder.forward(&images)))
    }
}

impl Contest for BiGan {
    type Player = Player;

    fn is_steady(&self, _step: u64) -> bool {
        // Images are moved on the host.
        self.options.shift == 0
    }

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, step: Option<u64>) -> Result<Turn> {
        let images = centred(&batch.images);
        let codes = self.draw_codes(images.dims()[0], rng);
        // In training alone.
        let reach = step.map_or(0, |_| self.options.shift);
        let shown = centred(&moved(&batch.images, reach, rng));
        let real = self.judge(&images, &self.encoder.forward(&shown));
        let fake = self.judge(&self.generator.forward(&codes), &codes);
        Ok(match player {
            Player::Discriminator => {
                Turn::new(vec![("discriminator", cross_entropy::discriminator(&real, &fake, 0.0))])
                    .report(accuracies(&real, &fake))
            }
            Player::Makers => Turn::new(vec![
                ("generator", cross_entropy::non_saturating_generator(&fake)),
                ("encoder", cross_entropy::cross_entropy(&real, 0.0)),
            ]),
        })
    }

    fn rate(&self, step: u64) -> f64 {
        let half = self.options.decay_steps as f64 / 2.0;
        let over = if half > 0.0 { ((step as f64 - half) / half).clamp(0.0, 1.0) } else { 0.0 };
        0.01f64.powf(over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_in_the_latter_half() {
        let options = Options { latent: 2, hidden: 4, decay_steps: 100, ..Options::default() };
        let images = ImageSet { shape: [1, 4, 4], classes: 10 };
        let model = BiGan::new(options.clone(), &images, &Generator::new(0)).unwrap();
        for (step, expected) in [(0, 1.0), (50, 1.0), (75, 0.1), (100, 0.01), (1000, 0.01)] {
            assert!((model.rate(step) - expected).abs() < 1e-12, "{step}");
        }
        let constant = Options { decay_steps: 0, ..options };
        assert_eq!(BiGan::new(constant, &images, &Generator::new(0)).unwrap().rate(1_000_000), 1.0);
    }

    #[test]
    fn each_player_is_moved_by_its_own_loss() {
        let rng = Generator::new(0);
        let images = ImageSet { shape: [1, 4, 4], classes: 10 };
        let batch = super::super::test::batch(&images, 6);
        for network in ["mlp", "dcgan"] {
            let options =
                Options { network: network.into(), latent: 2, hidden: 8, width: 4, ..Options::default() };
            let model = BiGan::new(options, &images, &rng).unwrap();
            // A discriminator of zeros says 0 of everything: ln 2 for each of four answers.
            model
                .discriminator
                .parameters()
                .iter()
                .for_each(|tensor| tensor.update(|w: &mut [f32]| w.fill(0.0)));
            for player in [Player::Discriminator, Player::Makers] {
                let losses = model.turn(player, &batch, &rng, None).unwrap().losses;
                assert!((losses.total.item() - 2.0 * 2f64.ln()).abs() < 1e-6, "{network} {player:?}");
            }
        }
    }

    #[test]
    fn the_encoder_alone_sees_moved_images() {
        let images = ImageSet { shape: [1, 8, 8], classes: 10 };
        let batch = super::super::test::batch(&images, 6);
        let losses = |shift, step| {
            let rng = Generator::new(0);
            let options = Options { latent: 2, hidden: 8, shift, ..Options::default() };
            let model = BiGan::new(options, &images, &rng).unwrap();
            let turn = model.turn(Player::Makers, &batch, &Generator::new(1), step).unwrap();
            let of = |name| turn.losses.terms.iter().find(|(term, _)| *term == name).unwrap().1.item();
            (of("generator"), of("encoder"))
        };
        let (still, moved) = (losses(0, Some(0)), losses(3, Some(0)));
        assert_eq!(still.0, moved.0, "what the generator makes is judged where it is");
        assert_ne!(still.1, moved.1);
        assert_eq!(losses(3, None), still, "an evaluation moves nothing");
    }

    #[test]
    fn a_verdict_hangs_on_the_image_and_on_the_code() {
        let rng = Generator::new(0);
        let images = ImageSet { shape: [1, 8, 8], classes: 10 };
        for normalisation in ["none", "batch", "layer", "spectral"] {
            for network in ["mlp", "dcgan"] {
                let options = Options {
                    network: network.into(),
                    latent: 2,
                    hidden: 8,
                    width: 4,
                    normalisation: normalisation.into(),
                    ..Options::default()
                };
                options.check(&Ranges::new("bi-gan")).unwrap();
                let model = BiGan::new(options, &images, &rng).unwrap();
                let codes = model.draw_codes(5, &rng);
                let made = model.generator.forward(&codes);
                assert_eq!(made.dims(), [5, 1, 8, 8]);
                assert_eq!(model.encoder.forward(&made).dims(), codes.dims());
                let features = model.features(&uncentred(&made)).unwrap();
                // A hidden layer, or planes of one pixel in four times `width` channels.
                let width = if network == "mlp" { 8 } else { 16 };
                assert_eq!(features.dims(), [5, width], "{network}");
                let verdicts = model.judge(&made, &codes).to_vec::<f32>();
                assert_eq!(verdicts.len(), 5);
                for other in [model.judge(&(&made * 0.5), &codes), model.judge(&made, &(&codes * 0.5))] {
                    let is_other = verdicts.iter().zip(other.to_vec::<f32>()).any(|(a, b)| *a != b);
                    assert!(is_other, "{network} {normalisation}");
                }
            }
        }
    }
}
