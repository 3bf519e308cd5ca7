//! The adversarial autoencoder: a discriminator of codes, rather than a divergence, holds them to a prior.
//!
//! - The discriminator D tells draws z̃ of N(0, σ²) from codes z: `sp(−D(z̃)) + sp(D(z))`, sp the softplus.
//! - Encoder and decoder lower `R(x, x̂) + λ·sp(−D(z))`, R the loss of a reconstruction.
//!
//! With `--set aae.categories=K` the code also has the logits of K groups, whose softmax is held to one-hot vectors by a
//! second discriminator in the same way: images sort themselves. With `--set aae.labels=N` there are as many groups as
//! classes, and the encoder is shown N labelled images, the same number of each class, with the weight μ: `μ·CE`. No other
//! label is used.
//!
//! Layers of 1000, codes of 8 numbers and σ = 5 are the paper's for its likelihood, N = 100 that of its classification.
//! λ, μ and Adam, where the paper has gradient descent in three phases with rates of their own, are ours, and so are
//! convolutions (`--set aae.network=conv`) and labelled images that are moved about (`--set aae.shift=2`).
//!
//! Makhzani, Shlens, Jaitly, Goodfellow, Frey 2015: Adversarial Autoencoders, <https://arxiv.org/abs/1511.05644>.

use super::relaxation::one_hot;
use crate::augmentation::moved;
use crate::autoencoders::coder::CoderOptions;
use crate::autoencoders::likelihood::Likelihood;
use crate::config::Ranges;
use crate::few_labels::FewLabels;
use crate::gans::losses::cross_entropy::{discriminator, non_saturating_generator};
use crate::gans::objective::accuracies;
use crate::hybrids::turns::{Contest, Turn, Turns};
use crate::networks::{Nonlinearity, mlp};
use crate::registry::{ImageSet, Recipe};
use crate::{CodePart, Dataset, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Layer, Module, Optimizer, Schedule, Sequential, module};
use wengert_tensor::ops::loss::Reduction;
use wengert_tensor::{DType, Generator, Tensor, scope};

/// The section `[aae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
    /// Width of the two hidden layers of a discriminator.
    pub discriminator_hidden: usize,
    /// σ of the prior.
    pub prior_deviation: f64,
    /// Groups that images are sorted into; 0 for none.
    pub categories: usize,
    /// Labelled images, the same number of each class; 0 for none.
    pub labels: usize,
    /// Pixels that labelled images are moved by at most, along both sides.
    pub shift: usize,
    /// Standard deviation of the noise that is added to what the encoder is shown in training.
    pub noise: f64,
    /// λ, the weight of what the discriminators say.
    pub adversarial_weight: f64,
    /// μ, the weight of the labels.
    pub label_weight: f64,
    /// Learning rate of the discriminators.
    pub discriminator_learning_rate: f64,
    /// Steps in which the learning rates fall to 0 along half a cosine; 0 for rates that stay.
    pub decay_steps: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            coder: CoderOptions {
                latent: 8,
                hidden: 1000,
                layers: 2,
                reconstruction: "l2".into(),
                learning_rate: 5e-4,
                ..CoderOptions::default()
            },
            discriminator_hidden: 1000,
            prior_deviation: 5.0,
            categories: 0,
            labels: 0,
            shift: 0,
            noise: 0.0,
            adversarial_weight: 5.0,
            label_weight: 10.0,
            discriminator_learning_rate: 2e-4,
            decay_steps: 0,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "aae";
    const DESCRIPTION: &'static str =
        "adversarial autoencoder: a discriminator of codes; can learn from a few labels";
    const PAPER: &'static str = "Makhzani et al. 2015, arXiv:1511.05644";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.coder.check(ranges)?;
        ranges.within("discriminator_hidden", self.discriminator_hidden, 1..=8192)?;
        ranges.within("prior_deviation", self.prior_deviation, 1e-3..=1e3)?;
        ranges.within("categories", self.categories, 0..=4096)?;
        ranges.within("labels", self.labels, 0..=1_000_000)?;
        ranges.within("shift", self.shift, 0..=64)?;
        ranges.within("noise", self.noise, 0.0..=10.0)?;
        ranges.within("adversarial_weight", self.adversarial_weight, 0.0..=1e6)?;
        ranges.within("label_weight", self.label_weight, 0.0..=1e6)?;
        ranges.learning_rate("discriminator_learning_rate", self.discriminator_learning_rate)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let adam =
            |parameters, rate| Box::new(Adam::new(parameters, rate).betas(0.5, 0.999)) as Box<dyn Optimizer>;
        let training = Turns::new(AdversarialCoder::new(self, images, rng)?)
            .seat(Player::Discriminators, "discriminators", |model| {
                let judges = [model.discriminator.parameters(), model.group_discriminator.parameters()];
                adam(judges.concat(), model.options.discriminator_learning_rate)
            })
            .seat(Player::Coder, "coder", |model| {
                let AdversarialCoder { encoder, decoder, likelihood, .. } = model;
                let parameters = [encoder.parameters(), decoder.parameters(), likelihood.parameters()];
                adam(parameters.concat(), model.options.coder.learning_rate)
            });
        Ok(Box::new(training))
    }
}

/// Who plays.
#[derive(Debug, Clone, Copy)]
pub enum Player {
    /// Tell draws of the prior from codes.
    Discriminators,
    /// The encoder and the decoder.
    Coder,
}

/// Encoder, decoder and the discriminators of the parts of a code.
#[derive(Debug)]
pub struct AdversarialCoder {
    image_shape: [usize; 3],
    options: Options,
    /// Groups in the code.
    categories: usize,
    encoder: Sequential,
    decoder: Sequential,
    likelihood: Likelihood,
    discriminator: Sequential,
    /// Of the groups, where there are any.
    group_discriminator: Option<Sequential>,
    labelled: Option<FewLabels>,
}

module!(AdversarialCoder { modules: encoder, decoder, likelihood, discriminator, group_discriminator });

/// The parts of a code.
struct Parts {
    /// `[batch, latent]`.
    numbers: Tensor,
    /// Logits of the groups, `[batch, categories]`.
    groups: Option<Tensor>,
}

impl Parts {
    /// The groups' probabilities.
    fn shares(&self) -> Option<Tensor> {
        self.groups.as_ref().map(|logits| logits.softmax(1))
    }
}

impl AdversarialCoder {
    /// Fresh networks.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<AdversarialCoder> {
        let (coder, hidden) = (&options.coder, options.discriminator_hidden);
        let categories = if options.labels > 0 { images.classes } else { options.categories };
        let size = coder.latent + categories;
        let judge = |inputs| mlp(&[inputs, hidden, hidden, 1], Nonlinearity::LeakyReLU, rng);
        Ok(AdversarialCoder {
            image_shape: images.shape,
            categories,
            encoder: coder.encoder(images.shape, size, rng)?,
            decoder: coder.decoder(size, images.shape, rng)?,
            likelihood: coder.likelihood()?,
            discriminator: judge(coder.latent),
            group_discriminator: (categories > 0).then(|| judge(categories)),
            labelled: None,
            options,
        })
    }

    fn parts(&self, images: &Tensor) -> Parts {
        let outputs = self.encoder.forward(images);
        let latent = self.options.coder.latent;
        Parts {
            numbers: outputs.narrow(1, 0, latent),
            groups: (self.categories > 0).then(|| outputs.narrow(1, latent, self.categories)),
        }
    }

    /// The images as the encoder is shown them in training.
    fn disturbed(&self, images: &Tensor, rng: &Generator) -> Tensor {
        match self.options.noise {
            0.0 => images.clone(),
            noise => images + rng.normal_like(images) * noise,
        }
    }

    /// One-hot vectors of even odds.
    fn draw_groups(&self, count: usize, rng: &Generator) -> Tensor {
        rng.randint(0, self.categories as i64, count).one_hot(self.categories).to_dtype(DType::F32)
    }

    fn draw_numbers(&self, count: usize, rng: &Generator) -> Tensor {
        rng.normal([count, self.options.coder.latent], 0.0, self.options.prior_deviation, DType::F32)
    }

    /// The losses of the discriminators, added up, and how much the one of the numbers sorts rightly.
    fn judge(&self, images: &Tensor, rng: &Generator) -> Turn {
        let count = images.dims()[0];
        let parts = self.parts(&self.disturbed(images, rng));
        let real = self.discriminator.forward(&self.draw_numbers(count, rng));
        let fake = self.discriminator.forward(&parts.numbers.detach());
        let _scope = scope::enter("loss");
        let mut loss = discriminator(&real, &fake, 0.0);
        if let Some((judge, shares)) = self.group_discriminator.as_ref().zip(parts.shares()) {
            let drawn = judge.forward(&self.draw_groups(count, rng));
            loss = loss + discriminator(&drawn, &judge.forward(&shares.detach()), 0.0);
        }
        Turn::new(vec![("discriminator", loss)]).report(accuracies(&real, &fake, 0.0))
    }

    /// What encoder and decoder lower. Labelled images are encoded among the others, so that batch normalisation sees
    /// one batch.
    fn code(&self, batch: &Batch, rng: &Generator, is_training: bool) -> Turn {
        let count = batch.images.dims()[0];
        let (mut shown, mut labels) = (batch.images.clone(), None);
        if let Some(labelled) = &self.labelled {
            let few = labelled.draw(count, rng);
            shown = Tensor::cat(&[&shown, &moved(&few.images, self.options.shift, rng)], 0);
            labels = Some(few.labels);
        }
        if is_training {
            shown = self.disturbed(&shown, rng);
        }
        let all = self.parts(&shown);
        let parts = Parts {
            numbers: all.numbers.narrow(0, 0, count),
            groups: all.groups.as_ref().map(|groups| groups.narrow(0, 0, count)),
        };
        let shares = parts.shares();
        let code = match &shares {
            None => parts.numbers.clone(),
            Some(shares) => Tensor::cat(&[&parts.numbers, shares], 1),
        };
        let outputs = self.decoder.forward(&code);

        let _scope = scope::enter("loss");
        let reconstruction = self.likelihood.loss(&outputs, &batch.images.flatten(1, -1));
        let mut generator = non_saturating_generator(&self.discriminator.forward(&parts.numbers));
        if let Some((judge, shares)) = self.group_discriminator.as_ref().zip(shares) {
            generator = generator + non_saturating_generator(&judge.forward(&shares));
        }
        let mut total = &reconstruction + &generator * self.options.adversarial_weight;
        let mut terms = vec![("reconstruction", reconstruction), ("generator", generator)];
        if let Some((labels, groups)) = labels.zip(all.groups) {
            let of_labelled = groups.narrow(0, count, labels.numel());
            let loss = of_labelled.cross_entropy(&labels, Reduction::Mean);
            total = total + &loss * self.options.label_weight;
            terms.push(("labels", loss));
        }
        if let Some(logits) = parts.groups.filter(|_| !is_training && self.options.labels > 0) {
            terms.push(("error", logits.argmax(1, false).ne(&batch.labels).to_dtype(DType::F32).mean_all()));
        }
        Turn::of(total, terms)
    }
}

impl Contest for AdversarialCoder {
    type Player = Player;

    fn is_steady(&self, _step: u64) -> bool {
        // The host moves labelled images about.
        self.labelled.is_none()
    }

    fn turn(&self, player: Player, batch: &Batch, rng: &Generator, step: Option<u64>) -> Result<Turn> {
        Ok(match player {
            Player::Discriminators => self.judge(&batch.images, rng),
            Player::Coder => self.code(batch, rng, step.is_some()),
        })
    }

    fn rate(&self, step: u64) -> f64 {
        match self.options.decay_steps {
            0 => 1.0,
            steps => Schedule::Cosine { steps, minimum: 0.0 }.factor(step),
        }
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        if self.options.labels > 0 {
            self.labelled = Some(FewLabels::first_of_each_class(data, self.options.labels, "aae.labels")?);
        }
        Ok(())
    }
}

impl Model for AdversarialCoder {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.options.coder.latent + self.categories
    }

    fn code_parts(&self) -> Vec<CodePart> {
        let mut parts = vec![CodePart::Number; self.options.coder.latent];
        parts.extend((self.categories > 0).then_some(CodePart::Category(self.categories)));
        parts
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let numbers = self.draw_numbers(count, rng);
        match self.categories {
            0 => numbers,
            _ => Tensor::cat(&[&numbers, &self.draw_groups(count, rng)], 1),
        }
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let [channels, height, width] = self.image_shape;
        let pixels = self.likelihood.mean(&self.decoder.forward(codes));
        Some(pixels.reshape([codes.dims()[0], channels, height, width]))
    }

    /// The numbers and, one-hot, the likeliest group.
    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let Parts { numbers, groups } = self.parts(images);
        Some(match groups {
            None => numbers,
            Some(logits) => Tensor::cat(&[&numbers, &one_hot(&logits)], 1),
        })
    }

    fn classify(&self, images: &Tensor) -> Option<Tensor> {
        self.parts(images).groups.filter(|_| self.options.labels > 0)
    }

    fn cluster(&self, images: &Tensor) -> Option<Tensor> {
        self.parts(images).groups.filter(|_| self.options.labels == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;

    const IMAGES: ImageSet = ImageSet { shape: [1, 4, 4], classes: 3 };

    fn model(options: Options) -> AdversarialCoder {
        let coder = CoderOptions { latent: 2, hidden: 16, layers: 1, ..options.coder.clone() };
        let options = Options { coder, discriminator_hidden: 8, adversarial_weight: 2.0, ..options };
        let model = AdversarialCoder::new(options, &IMAGES, &Generator::new(1)).unwrap();
        model.assign_names();
        model
    }

    fn batch() -> Batch {
        Batch {
            images: Generator::new(3).uniform([6, 1, 4, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::from_slice(&[0i64, 1, 2, 0, 1, 2], 6),
            indices: (0..6).collect(),
            position: Position::default(),
        }
    }

    fn value(turn: &Turn, name: &str) -> f64 {
        turn.losses.terms.iter().find(|(term, _)| *term == name).unwrap().1.item()
    }

    #[test]
    fn terms_add_up_and_undecided_discriminators_cost_ln_2() {
        for (categories, judges) in [(0, 1.0), (4, 2.0)] {
            let model = model(Options { categories, ..Options::default() });
            let parameters =
                [model.discriminator.parameters(), model.group_discriminator.parameters()].concat();
            parameters.iter().for_each(|p| p.update(|values: &mut [f32]| values.fill(0.0)));
            let turn = |player| model.turn(player, &batch(), &Generator::new(2), Some(0)).unwrap();
            let judged = turn(Player::Discriminators);
            assert!((value(&judged, "discriminator") - judges * 2.0 * 2f64.ln()).abs() < 1e-6);
            let coded = turn(Player::Coder);
            assert!((value(&coded, "generator") - judges * 2f64.ln()).abs() < 1e-6);
            let total = value(&coded, "reconstruction") + 2.0 * value(&coded, "generator");
            assert!((coded.losses.total.item() - total).abs() < 1e-5);
        }
    }

    #[test]
    fn only_the_shown_labels_teach_and_only_a_semi_supervised_model_classifies() {
        let plain = model(Options { categories: 3, ..Options::default() });
        assert!(plain.classify(&batch().images).is_none() && plain.cluster(&batch().images).is_some());

        let mut model = model(Options { labels: 6, label_weight: 3.0, ..Options::default() });
        assert!(model.classify(&batch().images).is_some() && model.cluster(&batch().images).is_none());
        model.labelled = Some(FewLabels::of_batch(&batch()));
        let turn = |labels: Tensor| {
            let batch = Batch { labels, ..batch() };
            model.turn(Player::Coder, &batch, &Generator::new(2), Some(0)).unwrap()
        };
        let (right, wrong) = (turn(batch().labels), turn(Tensor::zeros([6], DType::I64)));
        assert_eq!(right.losses.values(), wrong.losses.values());
        let terms = ["reconstruction", "generator", "labels"].map(|name| value(&right, name));
        let total = terms[0] + 2.0 * terms[1] + 3.0 * terms[2];
        assert!((right.losses.total.item() - total).abs() < 1e-5);
    }

    #[test]
    fn a_few_labels_teach_classes() {
        let mut model = model(Options { labels: 6, ..Options::default() });
        model.labelled = Some(FewLabels::of_batch(&batch()));
        let adam = |parameters| Box::new(Adam::new(parameters, 3e-3)) as Box<dyn Optimizer>;
        let mut training = Turns::new(model)
            .seat(Player::Discriminators, "discriminators", |model| adam(model.discriminator.parameters()))
            .seat(Player::Coder, "coder", |model| {
                adam([model.encoder.parameters(), model.decoder.parameters()].concat())
            });
        let rng = Generator::new(2);
        for step in 0..400 {
            training.step(&batch(), &rng, step).unwrap();
        }
        let found = training.contest().classify(&batch().images).unwrap().argmax(1, false);
        assert_eq!(found.to_vec::<i64>(), batch().labels.to_vec::<i64>());
    }

    #[test]
    fn the_learning_rates_fall_if_they_are_to() {
        let rates = |decay_steps| {
            let model = model(Options { decay_steps, ..Options::default() });
            [0, 50, 100].map(|step| (model.rate(step) * 1e9).round() / 1e9)
        };
        assert_eq!((rates(0), rates(100)), ([1.0; 3], [1.0, 0.5, 0.0]));
    }
}
