//! `ss-gan`: a classifier of K classes learns from a few labels, and from images without labels as the discriminator of a
//! game.
//!
//! With logits ℓ of the classes and a logit of 0 for "made", the (K+1)-th, an image is real with the log-odds
//! d(x) = ln Σ_k exp ℓ_k(x). With CE(ℓ, y) = −ln softmax(ℓ)_y over the K classes and sp(x) = ln(1 + eˣ),
//!
//! - D: CE(ℓ(x), y) on labelled images + ½·(sp(−d(x)) + sp(d(G(z)))) + r·(w_c·‖p − p′‖² + w_e·H(p)) on all,
//! - G: ‖mean f(x) − mean f(G(z))‖² of the features f of D's last hidden layer (feature matching). With the non-saturating
//!   loss the images get better and the classifier worse.
//!
//! p is softmax(ℓ(x)), H its entropy, and p′ that of another pass with other noise and, where `shift` is set, another place of
//! the image; r rises from 0 to 1. The weights w are 0 in the paper, and by default.
//!
//! Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen: Improved Techniques for Training GANs, 2016,
//! <https://arxiv.org/abs/1606.03498>. From its authors' code for MNIST: D's layers of 1000, 500, 250, 250 and 250, noise of 0.3
//! on pixels (in 0..1) and of 0.5 on hidden numbers, weight normalisation; G's layers of 500; Adam with 3e-3 and β₁ = 0.5.
//! The learning rate falls to 0 by a straight line in the latter half of `decay_steps`, where they average weights too, and
//! labelled images can be moved about (`--set ss-gan.shift=2`) and seen by convolutions (`--set ss-gan.network=conv`): all ours.
//! The entropy is after Dai, Yang, Yang, Cohen, Salakhutdinov: Good Semi-supervised Learning That Requires a Bad GAN, 2017,
//! <https://arxiv.org/abs/1705.09783>, the second pass after Laine and Aila: Temporal Ensembling for Semi-Supervised Learning,
//! 2017, <https://arxiv.org/abs/1610.02242>.

use super::guesses::{disagreement, entropy};
use super::noisy::{GaussianNoise, noisy_convolutions, noisy_trunk};
use crate::augmentation::moved;
use crate::config::Ranges;
use crate::descent::latter_half;
use crate::domains::targets::accuracy;
use crate::few_labels::FewLabels;
use crate::gans::losses::cross_entropy;
use crate::gans::players::feature_distance;
use crate::hybrids::networks::accuracies;
use crate::hybrids::turns::{Contest, Turn, Turns};
use crate::networks::{Trunk, mlp_maker};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Layer, Linear, Module, Optimizer, Sequential, module};
use wengert_tensor::{Generator, Reduction, Tensor};

/// Widths of the discriminator's hidden layers, and of the generator's.
const DISCRIMINATOR: [usize; 5] = [1000, 500, 250, 250, 250];
const GENERATOR: [usize; 2] = [500, 500];
/// Channels of the first layer of a convolutional discriminator, and the widths of its layers after the convolutions.
const CHANNELS: usize = 16;
const AFTER_CONVOLUTIONS: [usize; 2] = [250, 250];

/// The section `[ss-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The discriminator: `mlp`, the authors' for MNIST, or `conv`, with a LeNet's convolutions before fewer layers.
    pub network: String,
    /// Labelled images, the same number of each class.
    pub labels: usize,
    /// Numbers in a code.
    pub latent: usize,
    /// Pixels by which labelled images, and those of the second pass, are moved at most, along both sides.
    pub shift: usize,
    /// w_c, the weight of the difference of two passes.
    pub consistency_weight: f64,
    /// w_e, the weight of the entropy of a guess.
    pub entropy_weight: f64,
    /// Steps in which r rises from 0 to 1.
    pub ramp_steps: u64,
    /// Standard deviation of the noise on pixels.
    pub input_noise: f64,
    /// Standard deviation of the noise on hidden numbers.
    pub hidden_noise: f64,
    /// Learning rate of both players.
    pub learning_rate: f64,
    /// Adam's β₁.
    pub beta1: f64,
    /// Steps in whose latter half the learning rate falls to 0; 0 for a constant rate.
    pub decay_steps: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: "mlp".into(),
            labels: 100,
            latent: 100,
            shift: 0,
            consistency_weight: 0.0,
            entropy_weight: 0.0,
            ramp_steps: 600,
            input_noise: 0.3,
            hidden_noise: 0.5,
            learning_rate: 3e-3,
            beta1: 0.5,
            decay_steps: 0,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "ss-gan";
    const DESCRIPTION: &'static str = "semi-supervised GAN: a discriminator of K+1 classes, feature matching";
    const PAPER: &'static str = "Salimans et al. 2016, arXiv:1606.03498";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("network", &self.network, &["mlp", "conv"])?;
        ranges.within("labels", self.labels, 1..=1_000_000)?;
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.within("shift", self.shift, 0..=64)?;
        ranges.within("consistency_weight", self.consistency_weight, 0.0..=1e4)?;
        ranges.within("entropy_weight", self.entropy_weight, 0.0..=1e4)?;
        ranges.within("ramp_steps", self.ramp_steps, 1..=1_000_000_000)?;
        ranges.within("input_noise", self.input_noise, 0.0..=100.0)?;
        ranges.within("hidden_noise", self.hidden_noise, 0.0..=100.0)?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.within("beta1", self.beta1, 0.0..=0.9999)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let adam = |options: &Options, networks: &[&dyn Module]| {
            let parameters = networks.iter().flat_map(|network| network.parameters()).collect();
            let adam = Adam::new(parameters, options.learning_rate).betas(options.beta1, 0.999);
            Box::new(adam) as Box<dyn Optimizer>
        };
        let training = Turns::new(SemiSupervisedGan::new(self, images, rng)?)
            .seat(Player::Discriminator, "discriminator", |model| {
                adam(&model.options, &[&model.trunk, &model.head])
            })
            .seat(Player::Generator, "generator", |model| adam(&model.options, &[&model.generator]));
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy)]
pub enum Player {
    /// Names classes, and tells real images from made ones.
    Discriminator,
    /// Makes images.
    Generator,
}

/// The two networks, and the labelled images once the data was shown.
#[derive(Debug)]
pub struct SemiSupervisedGan {
    image_shape: [usize; 3],
    options: Options,
    generator: Sequential,
    trunk: Sequential,
    head: Sequential,
    labelled: Option<FewLabels>,
}

module!(SemiSupervisedGan { modules: generator, trunk, head });

impl SemiSupervisedGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<SemiSupervisedGan> {
        let noise = [options.input_noise, options.hidden_noise];
        let generator = mlp_maker(options.latent, images.shape, &GENERATOR, true, rng);
        let Trunk { network, features } = match options.network.as_str() {
            "conv" => noisy_convolutions(images.shape, CHANNELS, &AFTER_CONVOLUTIONS, noise, rng)?,
            _ => noisy_trunk(images.shape, &DISCRIMINATOR, noise, rng),
        };
        let head = GaussianNoise::new(options.hidden_noise, rng);
        Ok(SemiSupervisedGan {
            image_shape: images.shape,
            generator,
            trunk: network,
            head: Sequential::new().add(head).add(Linear::new(features, images.classes, rng)),
            labelled: None,
            options,
        })
    }

    fn generate(&self, codes: &Tensor) -> Tensor {
        self.generator.forward(codes).sigmoid()
    }

    fn logits(&self, images: &Tensor) -> Tensor {
        self.head.forward(&self.trunk.forward(images))
    }

    fn discriminator_turn(&self, batch: &Batch, rng: &Generator, step: Option<u64>) -> Turn {
        let count = batch.images.dims()[0];
        let fake = self.generate(&self.draw_codes(count, rng));
        // Before the data was shown, as when the graph is printed, the batch stands for the labelled images.
        let of_batch = || FewLabels::of_batch(batch);
        let few = self.labelled.as_ref().map_or_else(of_batch, |few| few.draw(count, rng));
        let labelled = few.labels.numel();
        let options = &self.options;
        let shown = moved(&few.images, options.shift, rng);
        let mut images = vec![&shown, &batch.images, &fake];
        let second = (options.consistency_weight > 0.0).then(|| moved(&batch.images, options.shift, rng));
        images.extend(&second);
        // One pass for all of them: nothing in the network lets one image see another.
        let logits = self.logits(&Tensor::cat(&images, 0));
        let part = |index: usize| logits.narrow(0, labelled + index * count, count);
        let (real, fake) = (part(0), part(1));
        let odds = [&real, &fake].map(log_odds);
        let mut losses = vec![
            ("labels", logits.narrow(0, 0, labelled).cross_entropy(&few.labels, Reduction::Mean)),
            ("discriminator", cross_entropy::discriminator(&odds[0], &odds[1], 0.0) * 0.5),
        ];
        let ramp = step.map_or(1.0, |step| (step as f64 / options.ramp_steps as f64).min(1.0));
        let guess = real.softmax(1);
        if second.is_some() {
            let consistency = disagreement(&guess, &part(2).softmax(1));
            losses.push(("consistency", consistency * (ramp * options.consistency_weight)));
        }
        if options.entropy_weight > 0.0 {
            losses.push(("entropy", entropy(&guess) * (ramp * options.entropy_weight)));
        }
        let turn = Turn::new(losses).report(accuracies(&odds[0], &odds[1]));
        match step {
            Some(_) => turn,
            None => turn.report([("accuracy", accuracy(&real, &batch.labels))]),
        }
    }

    fn generator_turn(&self, batch: &Batch, rng: &Generator) -> Turn {
        let count = batch.images.dims()[0];
        let fake = self.generate(&self.draw_codes(count, rng));
        let features = self.trunk.forward(&Tensor::cat(&[&batch.images, &fake], 0));
        let [real, fake] = [0, count].map(|start| features.narrow(0, start, count));
        Turn::new(vec![("generator", feature_distance(&real, &fake))])
    }
}

/// The log-odds `[N]` that images are real, of logits of their classes `[N, classes]` beside a logit of 0 for made ones.
fn log_odds(logits: &Tensor) -> Tensor {
    logits.logsumexp(&[1], false)
}

impl Model for SemiSupervisedGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.latent
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.generate(codes))
    }

    fn classify(&self, images: &Tensor) -> Option<Tensor> {
        Some(self.logits(images))
    }

    fn score(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(log_odds(&self.logits(images)))
    }
}

impl Contest for SemiSupervisedGan {
    type Player = Player;

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, step: Option<u64>) -> Result<Turn> {
        Ok(match player {
            Player::Discriminator => self.discriminator_turn(batch, rng, step),
            Player::Generator => self.generator_turn(batch, rng),
        })
    }

    fn rate(&self, step: u64) -> f64 {
        latter_half(self.options.decay_steps, step)
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        self.labelled = Some(FewLabels::first_of_each_class(data, self.options.labels, "ss-gan.labels")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::batch;
    use super::*;
    use wengert_tensor::DType;

    const IMAGES: ImageSet = ImageSet { shape: [1, 4, 4], classes: 3 };

    #[test]
    fn an_image_is_real_with_the_odds_of_all_classes() {
        // Shares of (1, 2, 5) beside 1 for "made": real with 8/9.
        let odds = log_odds(&Tensor::from_slice(&[0f32, 2f32.ln(), 5f32.ln()], [1, 3]));
        assert!((odds.sigmoid().item() - 8.0 / 9.0).abs() < 1e-6);
    }

    #[test]
    fn a_discriminator_that_knows_nothing_pays_chance() {
        let model =
            SemiSupervisedGan::new(Options { latent: 2, ..Options::default() }, &IMAGES, &Generator::new(0))
                .unwrap();
        model.head.parameters().iter().for_each(|tensor| tensor.update(|w: &mut [f32]| w.fill(0.0)));
        let turn = model.turn(Player::Discriminator, &batch(&IMAGES, 4), &Generator::new(1), None).unwrap();
        // ln 3 for the class, and d = ln 3: the odds of real are 3 to 1.
        let expected = 3f64.ln() + 0.5 * ((4.0 / 3f64).ln() + 4f64.ln());
        assert!((turn.losses.total.item() - expected).abs() < 1e-6);
    }

    #[test]
    fn images_without_labels_teach_to_agree_and_to_be_sure() {
        let options =
            Options { latent: 2, consistency_weight: 10.0, entropy_weight: 0.5, ..Options::default() };
        let model = SemiSupervisedGan::new(options, &IMAGES, &Generator::new(0)).unwrap();
        let terms = |step| {
            let turn = model.turn(Player::Discriminator, &batch(&IMAGES, 4), &Generator::new(1), step);
            turn.unwrap().losses.terms.into_iter().map(|(name, value)| (name, value.item())).collect()
        };
        let of = |terms: &Vec<(&str, f64)>, wanted| terms.iter().find(|(name, _)| *name == wanted).unwrap().1;
        // Noise makes two passes differ, from the second step on; without it they agree.
        assert_eq!(of(&terms(Some(0)), "consistency"), 0.0);
        let training: Vec<_> = terms(Some(300));
        assert!(of(&training, "consistency") > 1e-6);
        model.eval();
        assert_eq!(of(&terms(None), "consistency"), 0.0);
        // A head of zeros is as unsure of three classes as can be.
        model.head.parameters().iter().for_each(|tensor| tensor.update(|w: &mut [f32]| w.fill(0.0)));
        assert!((of(&terms(None), "entropy") - 0.5 * 3f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn labels_of_batches_are_never_read_in_training() {
        let run = |label: i64| {
            let rng = Generator::new(1);
            let mut model =
                SemiSupervisedGan::new(Options { latent: 2, ..Options::default() }, &IMAGES, &rng).unwrap();
            model.labelled = Some(FewLabels::of_batch(&batch(&IMAGES, 3)));
            let labels = Tensor::full([6], label as f64, DType::I64);
            let batch = Batch { labels, ..batch(&IMAGES, 6) };
            let turn = model.turn(Player::Discriminator, &batch, &rng, Some(0)).unwrap();
            turn.losses.values()
        };
        assert_eq!(run(0), run(2));
    }
}
