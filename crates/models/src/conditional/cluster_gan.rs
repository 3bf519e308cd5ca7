//! `cluster-gan`: a GAN whose codes hold a group, with an encoder that finds the code of an image again.
//!
//! A code is noise z of N(0, 0.1²) and a group c, one-hot: parts of the space of codes that do not touch. An encoder E reads
//! both from an image, as numbers ẑ and logits ℓ. With a critic's scores d, the mean squared error of ẑ over its numbers and
//! CE(ℓ, c) = −ln softmax(ℓ)_c,
//!
//! - critic: mean d(G) − mean d(x) + λ·mean (‖∇d(x̂)‖ − 1)², with x̂ on the lines from made to real images,
//! - G and E: −mean d(G) + β_n·MSE(ẑ(G), z) + β_c·CE(ℓ(G), c).
//!
//! E sees made images only in training, and no label: the number of each group is arbitrary.
//!
//! Mukherjee, Asnani, Lin, Kannan: ClusterGAN: Latent Space Clustering in Generative Adversarial Networks, 2018,
//! <https://arxiv.org/abs/1809.03627>: for MNIST 30 numbers of noise, 10 groups, β_n = β_c = 10, Adam with 1e-4 and
//! (0.5, 0.9), five moves of the critic for one of the others. The convolutions are those of our DCGAN.

use super::codes::Layout;
use crate::config::Ranges;
use crate::gans::game::{Game, Players, Round};
use crate::gans::losses::gradient_penalty::{Form, GradientPenalty, Place};
use crate::gans::losses::wasserstein;
use crate::gans::networks::{Discriminator, ImageMaker, Judge};
use crate::gans::options;
use crate::hybrids::networks::{NetworkOptions, centred, uncentred};
use crate::registry::{ImageSet, Recipe};
use crate::{CodePart, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_nn::{Layer, Module, Sequential, module};
use wengert_tensor::autograd::is_grad_enabled;
use wengert_tensor::{Generator, Reduction, Tensor};

/// Standard deviation of the noise.
const DEVIATION: f64 = 0.1;

/// The section `[cluster-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Numbers of noise in a code.
    pub noise: usize,
    /// Groups that the model sorts images into.
    pub groups: usize,
    /// β_n, the weight of the noise that the encoder finds again.
    pub noise_weight: f64,
    /// β_c, the weight of the group.
    pub group_weight: f64,
    /// λ, the weight of the penalty.
    pub gradient_penalty: f64,
    /// Channels of the first layer of the critic; the others have a multiple.
    pub width: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Moves of the critic for each of the generator and the encoder.
    pub critic_steps: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            noise: 30,
            groups: 10,
            noise_weight: 10.0,
            group_weight: 10.0,
            gradient_penalty: 10.0,
            width: 64,
            learning_rate: 1e-4,
            critic_steps: 5,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "cluster-gan";
    const DESCRIPTION: &'static str = "Wasserstein GAN with an encoder that finds groups without labels";
    const PAPER: &'static str = "Mukherjee et al. 2018, arXiv:1809.03627";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("noise", self.noise, 1..=4096)?;
        ranges.within("groups", self.groups, 2..=1000)?;
        ranges.within("noise_weight", self.noise_weight, 0.0..=1e6)?;
        ranges.within("group_weight", self.group_weight, 0.0..=1e6)?;
        ranges.within("gradient_penalty", self.gradient_penalty, 0.0..=1e6)?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.within("critic_steps", self.critic_steps, 1..=1000)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let game = self.game();
        Ok(Box::new(Game::new(ClusterGan::new(self, images, rng)?, &game)))
    }
}

impl Options {
    /// The options in the words of all games.
    fn game(&self) -> options::Options {
        options::Options {
            width: self.width,
            normalisation: "none".into(),
            learning_rate: self.learning_rate,
            beta2: 0.9,
            critic_steps: self.critic_steps,
            ..options::Options::default()
        }
    }
}

/// Generator, critic and encoder.
#[derive(Debug)]
pub struct ClusterGan {
    image_shape: [usize; 3],
    layout: Layout,
    options: Options,
    penalty: GradientPenalty,
    generator: ImageMaker,
    critic: Discriminator,
    encoder: Sequential,
}

module!(ClusterGan { modules: generator, critic, encoder });

impl ClusterGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<ClusterGan> {
        let layout =
            Layout { noise: options.noise, deviation: DEVIATION, groups: options.groups, properties: 0 };
        let encoder = NetworkOptions { width: options.width, ..NetworkOptions::default() };
        Ok(ClusterGan {
            image_shape: images.shape,
            layout,
            penalty: GradientPenalty {
                weight: options.gradient_penalty,
                form: Form::TwoSided,
                place: Place::Between,
            },
            generator: ImageMaker::new(layout.size(), images.shape, &options.game(), rng)?,
            critic: Discriminator::new(images.shape, 1, &options.game(), rng)?,
            encoder: encoder.encoder(images.shape, layout.size(), rng)?,
            options,
        })
    }

    /// The noise, and logits of the groups, of images in −1..1.
    fn read(&self, images: &Tensor) -> [Tensor; 2] {
        let read = self.encoder.forward(images);
        [read.narrow(1, 0, self.layout.noise), read.narrow(1, self.layout.noise, self.layout.groups)]
    }

    /// What a reading lacks of the codes: of the noise and of the groups, each with its weight.
    fn missing(&self, codes: &Tensor, [noise, groups]: &[Tensor; 2]) -> [Tensor; 2] {
        let noise = noise.mse_loss(&self.layout.noise(codes), Reduction::Mean);
        let groups = groups.cross_entropy(&self.layout.groups(codes), Reduction::Mean);
        [noise * self.options.noise_weight, groups * self.options.group_weight]
    }

    fn critic(&self, images: &Tensor) -> Tensor {
        self.critic.judge(images).scores
    }
}

impl Model for ClusterGan {
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
        Some(uncentred(&self.generator.forward(codes)))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let [noise, groups] = self.read(&centred(images));
        let properties = noise.narrow(1, 0, 0);
        Some(self.layout.join(&noise, &groups.argmax(1, false), &properties))
    }

    fn cluster(&self, images: &Tensor) -> Option<Tensor> {
        let [_, groups] = self.read(&centred(images));
        Some(groups)
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.critic(&centred(images)))
    }
}

impl Players for ClusterGan {
    type Verdict = Tensor;

    fn generator_parameters(&self) -> Vec<Tensor> {
        [self.generator.parameters(), self.encoder.parameters()].concat()
    }

    fn discriminator_parameters(&self) -> Vec<Tensor> {
        self.critic.parameters()
    }

    fn is_steady(&self, _step: u64) -> bool {
        true
    }

    fn generate(&self, codes: &Tensor, _labels: &Tensor) -> Tensor {
        self.generator.forward(codes)
    }

    fn judge(&self, images: &Tensor, _round: &Round, _rng: &Generator) -> Tensor {
        self.critic(images)
    }

    fn discriminator_loss(
        &self,
        round: &Round,
        real: &Tensor,
        fake: &Tensor,
        rng: &Generator,
    ) -> Result<Losses> {
        let loss = wasserstein::critic(real, fake);
        let mut terms = vec![("discriminator", loss.clone())];
        if !is_grad_enabled() {
            return Ok(Losses { total: loss, terms });
        }
        let scores = |images: &Tensor| self.critic(images);
        let penalty = self.penalty.apply(scores, &round.real, &round.fake.detach(), rng)?;
        terms.push(("penalty", penalty.clone()));
        Ok(Losses { total: loss + penalty, terms })
    }

    fn generator_loss(&self, round: &Round, fake: &Tensor, _real: &dyn Fn() -> Tensor) -> Result<Losses> {
        let loss = wasserstein::generator(fake);
        let [noise, groups] = self.missing(&round.codes, &self.read(&round.fake));
        let total = &loss + &noise + &groups;
        Ok(Losses { total, terms: vec![("generator", loss), ("noise", noise), ("groups", groups)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn what_images_lack_of_given_codes() {
        let options = Options { noise: 2, groups: 3, width: 4, ..Options::default() };
        let images = ImageSet { shape: [1, 8, 8], classes: 10 };
        let model = ClusterGan::new(options, &images, &Generator::new(0)).unwrap();
        let noise = Tensor::from_slice(&[0.5f32, -1.0, 0.0, 1.0], [2, 2]);
        let codes =
            model.layout.join(&noise, &Tensor::from_slice(&[2i64, 0], 2), &Tensor::zeros([2, 0], DType::F32));
        let shares = [0f32, 2f32.ln(), 5f32.ln(), 0.0, 2f32.ln(), 5f32.ln()];
        let read = [Tensor::zeros([2, 2], DType::F32), Tensor::from_slice(&shares, [2, 3])];
        let [noise, groups] = model.missing(&codes, &read).map(|term| term.item());
        assert!((noise - 10.0 * (0.25 + 1.0 + 1.0) / 4.0).abs() < 1e-6, "{noise}");
        let expected = -10.0 * ((5.0 / 8f64).ln() + (1.0 / 8f64).ln()) / 2.0;
        assert!((groups - expected).abs() < 1e-5, "{groups} {expected}");
    }
}
