//! `triple-gan`: a generator of images for classes and a classifier of images both make pairs of an image and a class, and a
//! discriminator tells their pairs from true ones. The classifier learns from a few labels.
//!
//! The discriminator gives one logit d(x, y) for each class, so that the mean over the classifier's p(y | x) needs no draws.
//! With sp(x) = ln(1 + eˣ), labelled pairs (x_l, y_l), images x without labels, ŷ the classifier's choice for them and
//! p = p(y | x):
//!
//! - D: ½·(sp(−d(x_l, y_l)) + sp(−d(x, ŷ))) + α·Σ_y p_y·sp(d(x, y)) + (1 − α)·sp(d(G(z, y), y)),
//! - G: (1 − α)·sp(−d(G(z, y), y)),
//! - C: CE(x_l, y_l) + r·(w_d·α·Σ_y p_y·sp(−d(x, y)) + w_g·CE(G(z, y), y) + w_c·‖p − p′‖² + w_e·H(p)) − r·w_b·H(mean p),
//!
//! where p′ is of another pass with other noise, dropout and, where `shift` is set, another place of the image, H the
//! entropy, and r rises from 0 to 1. Few labelled images can be learned by heart, so the discriminator takes the
//! classifier's pairs for true ones too, as the paper advises.
//!
//! Li, Xu, Zhu, Zhang: Triple Generative Adversarial Nets, 2017, <https://arxiv.org/abs/1703.02291>: the three players, α = ½,
//! the term of made pairs (its "pseudo-discriminative loss") and the regularisers of images without labels. The classifier is
//! our LeNet with noise and dropout, generator and discriminator are DCGAN's; the weights w, r and `shift` are ours.

use super::guesses::{disagreement, entropy, expected};
use super::noisy::GaussianNoise;
use crate::augmentation::moved;
use crate::config::Ranges;
use crate::descent::latter_half;
use crate::domains::targets::accuracy;
use crate::few_labels::FewLabels;
use crate::gans::networks::{Discriminator, ImageMaker};
use crate::hybrids::networks::{NetworkOptions, accuracies, centred, uncentred};
use crate::hybrids::turns::{Contest, Turn, Turns};
use crate::networks::{Normalisation, lenet};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Dropout, Layer, Module, Optimizer, Sequential, module};
use wengert_tensor::{DType, Generator, Reduction, Tensor, no_grad};

/// Channels of the classifier's first layer.
const CLASSIFIER_WIDTH: usize = 16;

/// The section `[triple-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Labelled images, the same number of each class.
    pub labels: usize,
    /// α, the classifier's share of the made pairs.
    pub alpha: f64,
    /// w_d, what the classifier wants of the discriminator.
    pub adversarial_weight: f64,
    /// w_g, the weight of the classifier's loss on made pairs.
    pub generated_weight: f64,
    /// w_c, the weight of the difference of two passes.
    pub consistency_weight: f64,
    /// w_e, the weight of the entropy of a guess.
    pub entropy_weight: f64,
    /// w_b, the weight of the balance of the classes.
    pub balance_weight: f64,
    /// Steps in which r rises from 0 to 1.
    pub ramp_steps: u64,
    /// Pixels by which what the classifier learns from is moved at most, along both sides.
    pub shift: usize,
    /// Standard deviation of the noise on the classifier's pixels, in 0..1.
    pub input_noise: f64,
    /// The classifier's learning rate.
    pub classifier_learning_rate: f64,
    /// Steps in whose latter half all learning rates fall to 0 by a straight line; 0 for constant rates.
    pub decay_steps: u64,
    /// Networks of the generator and the discriminator, and their optimisers.
    #[serde(flatten)]
    pub networks: NetworkOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            labels: 100,
            alpha: 0.5,
            adversarial_weight: 0.01,
            generated_weight: 0.1,
            consistency_weight: 10.0,
            entropy_weight: 0.1,
            balance_weight: 0.1,
            ramp_steps: 2000,
            shift: 0,
            input_noise: 0.3,
            classifier_learning_rate: 1e-3,
            decay_steps: 0,
            networks: NetworkOptions { latent: 100, ..NetworkOptions::default() },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "triple-gan";
    const DESCRIPTION: &'static str =
        "three players: generator, classifier, and discriminator of their pairs";
    const PAPER: &'static str = "Li et al. 2017, arXiv:1703.02291";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("labels", self.labels, 1..=1_000_000)?;
        ranges.within("alpha", self.alpha, 0.0..=1.0)?;
        for (key, weight) in [
            ("adversarial_weight", self.adversarial_weight),
            ("generated_weight", self.generated_weight),
            ("consistency_weight", self.consistency_weight),
            ("entropy_weight", self.entropy_weight),
            ("balance_weight", self.balance_weight),
        ] {
            ranges.within(key, weight, 0.0..=1e6)?;
        }
        ranges.within("ramp_steps", self.ramp_steps, 1..=1_000_000_000)?;
        ranges.within("shift", self.shift, 0..=64)?;
        ranges.within("input_noise", self.input_noise, 0.0..=100.0)?;
        ranges.learning_rate("classifier_learning_rate", self.classifier_learning_rate)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)?;
        self.networks.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let networks = self.networks.clone();
        let training = Turns::new(TripleGan::new(self, images, rng)?)
            .seat(Player::Discriminator, "discriminator", |model| networks.adam(&[&model.discriminator]))
            .seat(Player::Generator, "generator", |model| networks.adam(&[&model.generator]))
            .seat(Player::Classifier, "classifier", |model| {
                let rate = model.options.classifier_learning_rate;
                Box::new(Adam::new(model.classifier.parameters(), rate)) as Box<dyn Optimizer>
            });
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy)]
pub enum Player {
    /// Tells true pairs from made ones.
    Discriminator,
    /// Makes images for classes.
    Generator,
    /// Finds classes for images.
    Classifier,
}

/// The three networks, and the labelled images once the data was shown.
#[derive(Debug)]
pub struct TripleGan {
    image_shape: [usize; 3],
    classes: usize,
    options: Options,
    generator: ImageMaker,
    discriminator: Discriminator,
    classifier: Sequential,
    labelled: Option<FewLabels>,
}

module!(TripleGan { modules: generator, discriminator, classifier });

impl TripleGan {
    /// Fresh networks.
    ///
    /// # Errors
    /// When the images do not fit the networks.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<TripleGan> {
        let ImageSet { shape, classes } = *images;
        let trunk = lenet(shape, CLASSIFIER_WIDTH, rng)?;
        let classifier = Sequential::new()
            .add(GaussianNoise::new(options.input_noise, rng))
            .add(trunk.network)
            .add(Dropout::new(0.5, rng))
            .add_boxed(crate::networks::head(trunk.features, classes, Normalisation::None, rng));
        Ok(TripleGan {
            image_shape: shape,
            classes,
            generator: options.networks.maker(options.networks.latent + classes, shape, rng)?,
            discriminator: options.networks.discriminator(shape, classes, rng)?,
            classifier,
            labelled: None,
            options,
        })
    }

    /// Images in −1..1 of codes and classes.
    fn generate(&self, codes: &Tensor, labels: &Tensor) -> Tensor {
        let classes = labels.one_hot(self.classes).to_dtype(DType::F32);
        self.generator.forward(&Tensor::cat(&[codes, &classes], 1))
    }

    /// Images in −1..1 of new codes and classes of even odds.
    fn draw(&self, count: usize, rng: &Generator) -> (Tensor, Tensor) {
        let labels = rng.randint(0, self.classes as i64, [count]);
        (self.generate(&self.draw_codes(count, rng), &labels), labels)
    }

    /// Logits `[N, classes]` of the truth of pairs of images in −1..1 with each class.
    fn judge(&self, images: &Tensor) -> Tensor {
        self.discriminator.outputs(&self.discriminator.features(images))
    }

    /// The labelled images of a step. Before the data was shown, as when the graph is printed, the batch stands for them.
    fn labelled(&self, batch: &Batch, rng: &Generator) -> FewLabels {
        let count = batch.images.dims()[0];
        self.labelled.as_ref().map_or_else(|| FewLabels::of_batch(batch), |few| few.draw(count, rng))
    }

    fn discriminator_turn(&self, batch: &Batch, rng: &Generator) -> Turn {
        let alpha = self.options.alpha;
        let few = self.labelled(batch, rng);
        let guessed = self.classifier.forward(&batch.images);
        let (fake, classes) = self.draw(batch.images.dims()[0], rng);
        let real = self.judge(&centred(&batch.images));
        let few_odds = of_pairs(&self.judge(&centred(&few.images)), &few.labels);
        let real_odds = of_pairs(&real, &guessed.argmax(1, false));
        let fake_odds = of_pairs(&self.judge(&fake), &classes);
        let loss = ((-&few_odds).softplus().mean_all() + (-&real_odds).softplus().mean_all()) * 0.5
            + expected(&guessed.softmax(1), &real.softplus()) * alpha
            + fake_odds.softplus().mean_all() * (1.0 - alpha);
        Turn::new(vec![("discriminator", loss)]).report(accuracies(&real_odds, &fake_odds))
    }

    fn generator_turn(&self, batch: &Batch, rng: &Generator) -> Turn {
        let (fake, classes) = self.draw(batch.images.dims()[0], rng);
        let odds = of_pairs(&self.judge(&fake), &classes);
        Turn::new(vec![("generator", (-odds).softplus().mean_all() * (1.0 - self.options.alpha))])
    }

    fn classifier_turn(&self, batch: &Batch, rng: &Generator, step: Option<u64>) -> Turn {
        let options = &self.options;
        let count = batch.images.dims()[0];
        let few = self.labelled(batch, rng);
        let (fake, classes) = no_grad(|| self.draw(count, rng));
        let labelled = few.labels.numel();
        let shown = Tensor::cat(&[&few.images, &uncentred(&fake), &batch.images, &batch.images], 0);
        let logits = self.classifier.forward(&moved(&shown, options.shift, rng));
        let part = |index: usize| logits.narrow(0, labelled + index * count, count);
        let label = logits.narrow(0, 0, labelled).cross_entropy(&few.labels, Reduction::Mean);
        let generated = part(0).cross_entropy(&classes, Reduction::Mean);
        let (guess, again) = (part(1).softmax(1), part(2).softmax(1));
        let judged = no_grad(|| (-self.judge(&centred(&batch.images))).softplus());
        let adversarial = expected(&guess, &judged) * options.alpha;
        let consistency = disagreement(&guess, &again);
        let doubt = entropy(&guess) * options.entropy_weight
            - entropy(&guess.mean(&[0], true)) * options.balance_weight;
        let ramp = step.map_or(1.0, |step| (step as f64 / options.ramp_steps as f64).min(1.0));
        let unlabelled = adversarial * options.adversarial_weight
            + &generated * options.generated_weight
            + &consistency * options.consistency_weight
            + doubt;
        let turn = Turn::of(
            &label + unlabelled * ramp,
            vec![("labels", label), ("generated_labels", generated), ("consistency", consistency)],
        );
        match step {
            Some(_) => turn,
            None => turn.report([("accuracy", accuracy(&part(1), &batch.labels))]),
        }
    }
}

/// Of logits `[N, classes]` those of the given classes, `[N]`.
fn of_pairs(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.gather(1, &labels.unsqueeze(1)).squeeze(1)
}

impl Model for TripleGan {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.networks.latent
    }

    fn classes(&self) -> Option<usize> {
        Some(self.classes)
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(uncentred(&self.generate(codes, labels?)))
    }

    fn classify(&self, images: &Tensor) -> Option<Tensor> {
        Some(self.classifier.forward(images))
    }

    fn score(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(of_pairs(&self.judge(&centred(images)), labels?))
    }
}

impl Contest for TripleGan {
    type Player = Player;

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, step: Option<u64>) -> Result<Turn> {
        Ok(match player {
            Player::Discriminator => self.discriminator_turn(batch, rng),
            Player::Generator => self.generator_turn(batch, rng),
            Player::Classifier => self.classifier_turn(batch, rng, step),
        })
    }

    fn rate(&self, step: u64) -> f64 {
        latter_half(self.options.decay_steps, step)
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        self.labelled = Some(FewLabels::first_of_each_class(data, self.options.labels, "triple-gan.labels")?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::batch;
    use super::*;

    const IMAGES: ImageSet = ImageSet { shape: [1, 12, 12], classes: 3 };

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }

    #[test]
    fn a_pair_has_the_logit_of_its_class() {
        let values = Tensor::from_slice(&[1f32, 2.0, 4.0, 5.0, 6.0, 7.0], [2, 3]);
        let labels = Tensor::from_slice(&[2i64, 0], 2);
        assert_eq!(of_pairs(&values, &labels).to_vec::<f32>(), [4.0, 5.0]);
    }

    #[test]
    fn players_that_know_nothing_pay_chance() {
        let networks = NetworkOptions { width: 4, latent: 2, ..NetworkOptions::default() };
        let options = Options { networks, alpha: 0.25, ..Options::default() };
        let model = TripleGan::new(options, &IMAGES, &Generator::new(0)).unwrap();
        for tensor in [model.discriminator.parameters(), model.classifier.parameters()].concat() {
            tensor.update(|weights: &mut [f32]| weights.fill(0.0));
        }
        let total = |player, step| {
            let turn = model.turn(player, &batch(&IMAGES, 4), &Generator::new(1), step).unwrap();
            turn.losses.total.item()
        };
        let (two, three) = (2f64.ln(), 3f64.ln());
        close(total(Player::Discriminator, Some(0)), 2.0 * two);
        close(total(Player::Generator, Some(0)), 0.75 * two);
        // Labels alone at first; in the end made pairs, the discriminator and the two entropies, which are equal, too.
        close(total(Player::Classifier, Some(0)), three);
        close(total(Player::Classifier, None), three + 0.01 * 0.25 * two + 0.1 * three);
    }
}
