//! `info-gan`: a GAN whose images must tell part of their codes, and which so finds groups and properties by itself.
//!
//! A code is noise z, a group c of `groups` and properties u in U(−1, 1). A head Q beside the discriminator's, on the same
//! trunk, reads groups (logits ℓ) and properties (û) from an image. With logits d of real, CE(ℓ, c) = −ln softmax(ℓ)_c and
//! sp(x) = ln(1 + eˣ), I = CE(ℓ(G), c) + λ·‖û(G) − u‖², a mean over the properties, bounds the information that images lack
//! of the code, and
//!
//! - D with Q: sp(−d(x)) + sp(d(G)) + I,
//! - G: sp(−d(G)) + I.
//!
//! As in the authors' code Q moves with D. No label is ever read: groups are found, and the number of each is arbitrary.
//!
//! With `warp` Q finds the group in images that were turned, sheared, stretched and moved at random, by maps of that
//! strength: slant, size and place then tell little of a group, and groups become kinds of shapes. D sees them as they are.
//!
//! Chen et al.: InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial Nets,
//! 2016, <https://arxiv.org/abs/1606.03657>: for MNIST 62 numbers of noise, 10 groups and 2 properties, a weight of 1 for
//! the groups and a smaller λ for the properties (which it does not name; ours is 0.1), fully connected layers of 1024
//! before and after the convolutions and of 128 in Q, Adam with 2e-4 for D and 1e-3 for G. The convolutions are those of
//! our DCGAN.

use super::codes::Layout;
use crate::augmentation::warped;
use crate::config::Ranges;
use crate::gans::game::{Game, Players, Round};
use crate::gans::losses::cross_entropy;
use crate::gans::networks::{Discriminator, ImageMaker};
use crate::gans::options;
use crate::gans::techniques::Average;
use crate::hybrids::networks::{accuracies, centred, uncentred};
use crate::networks::start_as_dcgan;
use crate::registry::{ImageSet, Recipe};
use crate::{CodePart, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_nn::{BatchNorm1d, Layer, LeakyReLU, Linear, Module, Sequential, module};
use wengert_tensor::{DType, Generator, Reduction, Tensor};

/// Width of Q's hidden layer.
const RECOGNISER: usize = 128;

/// The section `[info-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Numbers of noise in a code.
    pub noise: usize,
    /// Groups that the model sorts images into.
    pub groups: usize,
    /// Properties in a code.
    pub properties: usize,
    /// λ, the weight of the properties.
    pub properties_weight: f64,
    /// Channels of the first layer of the discriminator; the others have a multiple.
    pub width: usize,
    /// Width of the fully connected layer between code and convolutions, and of that after the discriminator's.
    pub hidden: usize,
    /// The generator's learning rate.
    pub learning_rate: f64,
    /// The learning rate of the discriminator and of Q.
    pub discriminator_learning_rate: f64,
    /// Strength of the affine maps under which Q finds groups in training; 0 for none.
    pub warp: f64,
    /// Adam's β₁.
    pub beta1: f64,
    /// Steps in whose latter half both learning rates fall to 0 by a straight line; 0 for constant rates.
    pub decay_steps: u64,
    /// Decay of the running average of the generator's weights, which then makes the model's images; 0 for none.
    pub average_decay: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            noise: 62,
            groups: 10,
            properties: 2,
            properties_weight: 0.1,
            width: 64,
            hidden: 1024,
            learning_rate: 1e-3,
            discriminator_learning_rate: 2e-4,
            warp: 0.0,
            beta1: 0.5,
            decay_steps: 0,
            average_decay: 0.0,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "info-gan";
    const DESCRIPTION: &'static str = "GAN that finds groups and properties without labels";
    const PAPER: &'static str = "Chen et al. 2016, arXiv:1606.03657";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.game().check(ranges)?;
        ranges.within("noise", self.noise, 1..=4096)?;
        ranges.within("groups", self.groups, 2..=1000)?;
        ranges.within("properties", self.properties, 1..=1000)?;
        ranges.within("properties_weight", self.properties_weight, 0.0..=1e6)?;
        ranges.within("hidden", self.hidden, 1..=65_536)?;
        ranges.learning_rate("discriminator_learning_rate", self.discriminator_learning_rate)?;
        ranges.within("warp", self.warp, 0.0..=1.0)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let game = self.game();
        Ok(Box::new(Game::new(InfoGan::new(self, images, rng)?, &game)))
    }
}

impl Options {
    /// The options in the words of all games.
    fn game(&self) -> options::Options {
        options::Options {
            width: self.width,
            learning_rate: self.learning_rate,
            discriminator_learning_rate: self.discriminator_learning_rate,
            beta1: self.beta1,
            hidden: self.hidden,
            decay_steps: self.decay_steps,
            average_decay: self.average_decay,
            ..options::Options::default()
        }
    }
}

/// What the discriminator and Q say of the images of one batch.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Logits of real, `[N]`.
    scores: Tensor,
    /// Logits of the groups, `[N, groups]`.
    groups: Tensor,
    /// Properties, `[N, properties]`.
    properties: Tensor,
    /// The images as groups are to be found in them, where that is not as they are.
    warped: Option<Tensor>,
}

/// Generator, and discriminator with Q.
#[derive(Debug)]
pub struct InfoGan {
    image_shape: [usize; 3],
    layout: Layout,
    properties_weight: f64,
    warp: f64,
    generator: ImageMaker,
    discriminator: Discriminator,
    recogniser: Sequential,
    average: Option<Average<ImageMaker>>,
}

module!(InfoGan { modules: generator, discriminator, recogniser, average });

impl InfoGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<InfoGan> {
        let Options { noise, groups, properties, hidden, .. } = options;
        let (layout, game) = (Layout { noise, deviation: 1.0, groups, properties }, options.game());
        let recogniser = Sequential::new()
            .add(Linear::builder(hidden, RECOGNISER).bias(false).build(rng))
            .add(BatchNorm1d::new(RECOGNISER))
            .add(LeakyReLU::new(0.2))
            .add(Linear::new(RECOGNISER, groups + properties, rng));
        start_as_dcgan(&recogniser, rng);
        let build = || ImageMaker::new(layout.size(), images.shape, &game, rng);
        let generator = build()?;
        let average = match game.average_decay {
            0.0 => None,
            decay => Some(Average::new(build()?, &generator, decay)?),
        };
        Ok(InfoGan {
            image_shape: images.shape,
            layout,
            properties_weight: options.properties_weight,
            warp: options.warp,
            generator,
            discriminator: Discriminator::new(images.shape, 1, &game, rng)?,
            recogniser,
            average,
        })
    }

    /// What the discriminator and Q say of images in −1..1.
    fn read(&self, images: &Tensor) -> Reading {
        let features = self.discriminator.features(images);
        let read = self.recogniser.forward(&features);
        Reading {
            scores: self.discriminator.outputs(&features).flatten(0, -1),
            groups: read.narrow(1, 0, self.layout.groups),
            properties: read.narrow(1, self.layout.groups, self.layout.properties),
            warped: None,
        }
    }

    /// What images lack of their codes: of the groups, and of the properties with their weight.
    fn missing(&self, codes: &Tensor, reading: &Reading) -> [Tensor; 2] {
        let warped = reading.warped.as_ref().map(|images| self.read(images).groups);
        let groups = warped.as_ref().unwrap_or(&reading.groups);
        let groups = groups.cross_entropy(&self.layout.groups(codes), Reduction::Mean);
        let properties = reading.properties.mse_loss(&self.layout.properties(codes), Reduction::Mean);
        [groups, properties * self.properties_weight]
    }
}

impl Model for InfoGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.layout.size()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        self.layout.draw(count, rng)
    }

    fn code_parts(&self) -> Vec<CodePart> {
        self.layout.parts()
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let images = match &self.average {
            Some(average) => average.forward(codes),
            None => self.generator.forward(codes),
        };
        Some((images + 1.0) * 0.5)
    }

    /// The group and the properties that Q reads, with the mean of the noise, which no image tells.
    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let reading = self.read(&(images * 2.0 - 1.0));
        let noise = Tensor::zeros([images.dims()[0], self.layout.noise], DType::F32);
        let properties = reading.properties.clamp(Some(-1.0), Some(1.0));
        Some(self.layout.join(&noise, &reading.groups.argmax(1, false), &properties))
    }

    fn cluster(&self, images: &Tensor) -> Option<Tensor> {
        Some(self.read(&(images * 2.0 - 1.0)).groups)
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.read(&(images * 2.0 - 1.0)).scores)
    }
}

impl Players for InfoGan {
    type Verdict = Reading;

    fn generator_parameters(&self) -> Vec<Tensor> {
        self.generator.parameters()
    }

    fn discriminator_parameters(&self) -> Vec<Tensor> {
        [self.discriminator.parameters(), self.recogniser.parameters()].concat()
    }

    fn is_steady(&self, _step: u64) -> bool {
        // The host draws how pictures are warped.
        self.warp == 0.0
    }

    fn generate(&self, codes: &Tensor, _labels: &Tensor) -> Tensor {
        self.generator.forward(codes)
    }

    fn judge(&self, images: &Tensor, _round: &Round, rng: &Generator) -> Reading {
        let warped = (self.warp > 0.0).then(|| centred(&warped(&uncentred(images), self.warp, rng)));
        Reading { warped, ..self.read(images) }
    }

    fn discriminator_loss(
        &self,
        round: &Round,
        real: &Reading,
        fake: &Reading,
        _rng: &Generator,
    ) -> Result<Losses> {
        let loss = cross_entropy::discriminator(&real.scores, &fake.scores, 0.0);
        let [groups, properties] = self.missing(&round.codes, fake);
        let total = &loss + groups + properties;
        let mut terms = vec![("discriminator", loss)];
        terms.extend(accuracies(&real.scores, &fake.scores));
        Ok(Losses { total, terms })
    }

    fn generator_loss(&self, round: &Round, fake: &Reading, _real: &dyn Fn() -> Reading) -> Result<Losses> {
        let loss = cross_entropy::non_saturating_generator(&fake.scores);
        let [groups, properties] = self.missing(&round.codes, fake);
        let total = &loss + &groups + &properties;
        Ok(Losses { total, terms: vec![("generator", loss), ("groups", groups), ("properties", properties)] })
    }

    fn end_step(&self, round: &Round, generator_moved: bool, _real: &Reading, _fake: &Reading) -> Result<()> {
        match self.average.as_ref().filter(|_| generator_moved) {
            Some(average) => average.update(&self.generator, &round.codes),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::batch;
    use super::*;
    use wengert_data::Batch;

    const IMAGES: ImageSet = ImageSet { shape: [1, 8, 8], classes: 10 };

    fn options() -> Options {
        Options { noise: 3, groups: 3, properties: 2, width: 4, hidden: 16, ..Options::default() }
    }

    #[test]
    fn what_images_lack_of_given_codes() {
        let model = InfoGan::new(options(), &IMAGES, &Generator::new(0)).unwrap();
        let groups = Tensor::from_slice(&[2i64, 0], 2);
        let properties = Tensor::from_slice(&[0.5f32, -1.0, 0.0, 1.0], [2, 2]);
        let codes = model.layout.join(&Tensor::zeros([2, 3], DType::F32), &groups, &properties);
        let shares = [0f32, 2f32.ln(), 5f32.ln(), 0.0, 2f32.ln(), 5f32.ln()];
        let reading = Reading {
            scores: Tensor::zeros([2], DType::F32),
            groups: Tensor::from_slice(&shares, [2, 3]),
            properties: Tensor::zeros([2, 2], DType::F32),
            warped: None,
        };
        let [groups, properties] = model.missing(&codes, &reading).map(|term| term.item());
        assert!((groups + ((5.0 / 8f64).ln() + (1.0 / 8f64).ln()) / 2.0).abs() < 1e-6, "{groups}");
        assert!((properties - 0.1 * (0.25 + 1.0 + 1.0) / 4.0).abs() < 1e-6, "{properties}");
    }

    #[test]
    fn labels_are_never_read() {
        let run = |label: i64| {
            let rng = Generator::new(1);
            let mut training = options().build(&IMAGES, &rng).unwrap();
            for step in 0..3 {
                let labels = Tensor::full([6], label as f64, DType::I64);
                training.step(&Batch { labels, ..batch(&IMAGES, 6) }, &rng, step).unwrap();
            }
            training.model().parameters().iter().flat_map(Tensor::to_vec::<f32>).collect::<Vec<_>>()
        };
        assert_eq!(run(0), run(7));
    }
}
