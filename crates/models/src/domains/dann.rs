//! Domain-adversarial training: a classifier whose features do not tell which domain an image is of, so that what it
//! learns from labels in the source domain holds in the target domain, of which it sees images without labels.
//!
//! With features f, label predictor y and domain classifier d, the features descend
//!
//! `L_y − λ·L_d`, `L_y` = cross-entropy of y(f(x)) on the source, `L_d` = cross-entropy of d(f(x)) on both domains,
//!
//! while y descends L_y and d descends L_d. In the order `reversal` this is one descent through a layer that turns the
//! gradient round; in the order `alternating` d, y and f take turns, each on the others' new weights. λ grows with the
//! progress p from 0 to 1 as λ(p) = λ₁·(2/(1 + e^(−10p)) − 1), and the learning rate falls as (1 + 10p)^(−¾).
//! With λ₁ = 0 nothing crosses over: the source-only baseline.
//!
//! A `conditional` adversary is shown f(x) ⊗ softmax y(f(x)) instead of f(x), the features in the place of each class by its
//! probability: what must not tell the domains are then the features of each class, not of all of them together.
//!
//! Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky: Domain-Adversarial Training of Neural
//! Networks, 2016, <https://arxiv.org/abs/1505.07818>: the networks of its MNIST → MNIST-M experiment, its schedules,
//! learning rate 0.01 and momentum 0.9. The conditional adversary: Long, Cao, Wang, Jordan: Conditional Adversarial Domain
//! Adaptation, 2018, <https://arxiv.org/abs/1705.10667>.

use super::networks::{Features, WIDTH, label_head};
use super::targets::{Labelled, Targets, accuracy, domain_loss};
use crate::config::Ranges;
use crate::networks::{Nonlinearity, mlp};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Layer, Module, Optimizer, Sequential, Sgd, module};
use wengert_tensor::autograd::gradient_reversal;
use wengert_tensor::{Generator, Reduction, Tensor, no_grad};

/// The order of the updates of a step.
const ORDERS: [&str; 2] = ["reversal", "alternating"];

/// The section `[dann]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// λ₁, what λ grows to; 0 trains on the source alone.
    pub domain_weight: f64,
    /// Steps in which λ grows and the learning rate falls.
    pub ramp_steps: u64,
    /// `reversal`, one update through a layer that reverses the gradient, or `alternating`: domain classifier, label
    /// predictor, features.
    pub order: String,
    /// Whether the domain classifier sees the features class by class.
    pub conditional: bool,
    /// The learning rate at the beginning.
    pub learning_rate: f64,
    /// Momentum of the descent.
    pub momentum: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            domain_weight: 1.0,
            ramp_steps: 4000,
            order: ORDERS[0].into(),
            conditional: false,
            learning_rate: 0.01,
            momentum: 0.9,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "dann";
    const DESCRIPTION: &'static str = "classifier adapted to a second domain by gradient reversal";
    const PAPER: &'static str = "Ganin et al. 2016, arXiv:1505.07818";
    const TARGET: &'static str = "mnist-m";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("domain_weight", self.domain_weight, 0.0..=1e3)?;
        ranges.within("ramp_steps", self.ramp_steps, 1..=1_000_000_000)?;
        ranges.one_of("order", &self.order, &ORDERS)?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.within("momentum", self.momentum, 0.0..=0.999)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        Ok(Box::new(DannTraining::new(self, images, rng)?))
    }
}

/// λ(p)/λ₁ = 2/(1 + e^(−10p)) − 1, from 0 to nearly 1 as p goes from 0 to 1.
pub fn ramp(progress: f64) -> f64 {
    2.0 / (1.0 + (-10.0 * progress).exp()) - 1.0
}

/// The share of the learning rate at progress p: (1 + 10p)^(−¾).
pub fn anneal(progress: f64) -> f64 {
    (1.0 + 10.0 * progress).powf(-0.75)
}

/// The network.
#[derive(Debug)]
pub struct Dann {
    image_shape: [usize; 3],
    features: Features,
    label: Sequential,
    domain: Sequential,
    conditional: bool,
}

impl Dann {
    /// What the domain classifier says of features, `[N, 1]`.
    fn domain_logits(&self, features: &Tensor) -> Tensor {
        if !self.conditional {
            return self.domain.forward(features);
        }
        // A guess is taken as it is: the domains should not grow alike by changing it.
        let guess = no_grad(|| self.label.forward(features).softmax(1));
        self.domain.forward(&(guess.unsqueeze(2) * features.unsqueeze(1)).flatten(1, -1))
    }
}

module!(Dann { modules: features, label, domain });

impl Model for Dann {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        0
    }

    fn classify(&self, images: &Tensor) -> Option<Tensor> {
        Some(self.label.forward(&self.features.forward(images)))
    }
}

/// The network with an optimiser for each of its three parts.
#[derive(Debug)]
pub struct DannTraining {
    model: Dann,
    options: Options,
    descents: [Sgd; 3],
    /// Known once the data was shown.
    targets: Option<Targets>,
}

/// The features of both domains, the source's first, with what there is to say of them.
struct Both<'a> {
    features: &'a Tensor,
    source: &'a Tensor,
    target: &'a Tensor,
}

impl DannTraining {
    /// A fresh network.
    ///
    /// # Errors
    /// When the images are too small.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> Result<DannTraining> {
        let features = Features::new(images.shape, rng)?;
        let judged = features.count * if options.conditional { images.classes } else { 1 };
        let model = Dann {
            image_shape: images.shape,
            label: label_head(features.count, images.classes, rng),
            domain: mlp(&[judged, WIDTH, 1], Nonlinearity::ReLU, rng),
            conditional: options.conditional,
            features,
        };
        model.assign_names();
        let parts: [&dyn Module; 3] = [&model.features, &model.label, &model.domain];
        let descents =
            parts.map(|part| Sgd::new(part.parameters(), options.learning_rate).momentum(options.momentum));
        Ok(DannTraining { model, options, descents, targets: None })
    }

    /// Features of the images of both domains.
    fn features(&self, source: &Batch, target: &Labelled) -> Tensor {
        self.model.features.forward(&Tensor::cat(&[&source.images, &target.images], 0))
    }

    /// Both losses and the accuracies. `reversed` are the features as the domain classifier gets them.
    fn judge(&self, features: &Tensor, reversed: &Tensor, both: &Both) -> Losses {
        let sources = both.source.dims()[0];
        let logits = self.model.label.forward(&features.narrow(0, 0, sources));
        let label = logits.cross_entropy(both.source, Reduction::Mean);
        let (domain, told) = domain_loss(&self.model.domain_logits(reversed), sources);
        let targets = both.target.dims()[0];
        let on_target = no_grad(|| self.model.label.forward(&both.features.narrow(0, sources, targets)));
        let terms = vec![
            ("label", label.clone()),
            ("domain", domain.clone()),
            ("accuracy_source", accuracy(&logits, both.source)),
            ("accuracy_target", accuracy(&on_target, both.target)),
            ("accuracy_domain", told),
        ];
        Losses { total: label + domain, terms }
    }

    /// One descent of all parts, the gradient of the domain loss turned round before it reaches the features.
    fn reverse(&mut self, batch: &Batch, target: &Labelled, weight: f64) -> Result<Losses> {
        let features = self.features(batch, target);
        let both = Both { features: &features, source: &batch.labels, target: &target.labels };
        let losses = self.judge(&features, &gradient_reversal(&features, weight), &both);
        losses.check_finite()?;
        self.model.zero_grad();
        losses.total.backward()?;
        for descent in &mut self.descents {
            descent.step()?;
        }
        Ok(losses)
    }

    /// The domain classifier, then the label predictor, then the features against both.
    fn alternate(&mut self, batch: &Batch, target: &Labelled, weight: f64) -> Result<Losses> {
        let features = self.features(batch, target);
        let fixed = features.detach();
        let both = Both { features: &fixed, source: &batch.labels, target: &target.labels };
        // Both heads learn from features that stay as they are, so their gradients do not meet.
        let losses = self.judge(&fixed, &fixed, &both);
        losses.check_finite()?;
        let [ours, label, domain] = &mut self.descents;
        self.model.zero_grad();
        losses.total.backward()?;
        domain.step()?;
        label.step()?;

        let sources = batch.labels.dims()[0];
        let logits = self.model.label.forward(&features.narrow(0, 0, sources));
        let kept = logits.cross_entropy(&batch.labels, Reduction::Mean);
        let (told, _) = domain_loss(&self.model.domain_logits(&features), sources);
        self.model.zero_grad();
        (kept - told * weight).backward()?;
        ours.step()?;
        Ok(losses)
    }
}

impl Training for DannTraining {
    fn model(&self) -> &dyn Model {
        &self.model
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.model
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        self.targets = Some(Targets::new(data)?);
        Ok(())
    }

    /// On test images of both domains. Before the data was shown, as when the graph is printed, the source stands for the
    /// target.
    fn losses(&self, batch: &Batch, _rng: &Generator) -> Result<Losses> {
        let target = match &self.targets {
            Some(targets) => targets.beside(&batch.indices),
            None => Labelled { images: batch.images.clone(), labels: batch.labels.clone() },
        };
        let features = self.features(batch, &target);
        let both = Both { features: &features, source: &batch.labels, target: &target.labels };
        Ok(self.judge(&features, &features, &both))
    }

    fn step(&mut self, batch: &Batch, _rng: &Generator, step: u64) -> Result<Losses> {
        let target = match &mut self.targets {
            Some(targets) => targets.of_step(step),
            None => Labelled { images: batch.images.clone(), labels: batch.labels.clone() },
        };
        let progress = (step as f64 / self.options.ramp_steps as f64).min(1.0);
        let weight = self.options.domain_weight * ramp(progress);
        for descent in &mut self.descents {
            descent.scale_learning_rate(anneal(progress));
        }
        match self.options.order.as_str() {
            "alternating" => self.alternate(batch, &target, weight),
            _ => self.reverse(batch, &target, weight),
        }
    }

    fn is_ranked_by_loss(&self) -> bool {
        false
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        let [features, label, domain] = &mut self.descents;
        vec![("features", features), ("label", label), ("domain", domain)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;
    use wengert_tensor::DType;

    fn training(options: Options) -> (DannTraining, Batch) {
        let rng = Generator::new(3);
        let images = ImageSet { shape: [1, 16, 16], classes: 3 };
        let batch = Batch {
            images: rng.uniform([4, 1, 16, 16], 0.0, 1.0, DType::F32),
            labels: Tensor::from_slice(&[0i64, 1, 2, 0], 4),
            indices: vec![0, 1, 2, 3],
            position: Position::default(),
        };
        (DannTraining::new(options, &images, &rng).unwrap(), batch)
    }

    #[test]
    fn schedules_by_hand() {
        assert_eq!(ramp(0.0), 0.0);
        // tanh(5p) is the same function.
        for (progress, expected) in [(0.1, 0.46211715726), (0.5, 0.98661429815), (1.0, 0.99990920426)] {
            assert!((ramp(progress) - expected).abs() < 1e-10, "{}", ramp(progress));
            assert!((ramp(progress) - (5.0 * progress).tanh()).abs() < 1e-12);
        }
        assert_eq!(anneal(0.0), 1.0);
        assert!((anneal(1.0) - 0.16556002607).abs() < 1e-10, "{}", anneal(1.0));
    }

    /// The gradient of a part, after a step that does not move far.
    fn gradients(part: &dyn Module) -> Vec<f32> {
        part.parameters().iter().flat_map(|parameter| parameter.grad().unwrap().to_vec::<f32>()).collect()
    }

    #[test]
    fn features_climb_the_domain_loss_that_the_domain_classifier_descends() {
        for conditional in [false, true] {
            check_reversal(Options { conditional, learning_rate: 1e-12, ..Options::default() }, 0.7);
        }
    }

    fn check_reversal(options: Options, weight: f64) {
        let (mut training, batch) = training(options);
        let target = Labelled {
            images: Generator::new(9).uniform([5, 1, 16, 16], 0.0, 1.0, DType::F32),
            labels: Tensor::from_slice(&[0i64, 1, 2, 0, 1], 5),
        };
        training.reverse(&batch, &target, weight).unwrap();
        let features = gradients(&training.model.features);
        let domain = gradients(&training.model.domain);

        // The same by the definition: each loss backwards by itself.
        let of = |training: &DannTraining, which: usize| {
            let seen = training.features(&batch, &target);
            let both = Both { features: &seen, source: &batch.labels, target: &target.labels };
            training.model.zero_grad();
            training.judge(&seen, &seen, &both).terms[which].1.backward().unwrap();
        };
        of(&training, 0);
        let by_label = gradients(&training.model.features);
        of(&training, 1);
        let by_domain = gradients(&training.model.features);
        for ((both, label), other) in features.iter().zip(&by_label).zip(&by_domain) {
            assert!((both - (label - weight as f32 * other)).abs() < 1e-5, "{both} {label} {other}");
        }
        let direct = gradients(&training.model.domain);
        assert!(domain.iter().zip(&direct).all(|(a, b)| (a - b).abs() < 1e-5));

        // Taking turns moves the features the same way, where the others' steps are too small to matter.
        training.alternate(&batch, &target, weight).unwrap();
        let in_turns = gradients(&training.model.features);
        assert!(in_turns.iter().zip(&features).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn a_conditional_adversary_sees_the_features_in_the_place_of_the_class() {
        let (training, _) = training(Options { conditional: true, ..Options::default() });
        let model = &training.model;
        // Sure of class 1: all logits are biases.
        let label = model.label.parameters();
        label.iter().for_each(|tensor| tensor.update(|w: &mut [f32]| w.fill(0.0)));
        label.last().unwrap().update(|bias: &mut [f32]| bias[1] = 100.0);
        let count = model.features.count;
        let features = Generator::new(5).normal([2, count], 0.0, 1.0, DType::F32);
        let nothing = Tensor::zeros([2, count], DType::F32);
        let placed = Tensor::cat(&[&nothing, &features, &nothing], 1);
        let found = model.domain_logits(&features).to_vec::<f32>();
        assert_eq!(found, model.domain.forward(&placed).to_vec::<f32>());
    }

    #[test]
    fn without_weight_the_features_learn_from_the_source_alone() {
        let (mut training, batch) = training(Options { learning_rate: 1e-12, ..Options::default() });
        let other = |seed| Labelled {
            images: Generator::new(seed).uniform([4, 1, 16, 16], 0.0, 1.0, DType::F32),
            labels: batch.labels.clone(),
        };
        training.reverse(&batch, &other(1), 0.0).unwrap();
        let first = gradients(&training.model.features);
        training.reverse(&batch, &other(2), 0.0).unwrap();
        let second = gradients(&training.model.features);
        assert!(first.iter().zip(&second).all(|(a, b)| (a - b).abs() < 1e-6));
        assert!(first.iter().any(|slope| *slope != 0.0));
    }

    #[test]
    fn a_second_domain_is_asked_for_by_name() {
        let (mut training, _) = training(Options::default());
        let images = wengert_data::ImageDataset::new(
            "made",
            wengert_data::Split::Train,
            [1, 16, 16],
            vec![0; 256],
            vec![0],
            vec!["a".into()],
        );
        let loader = wengert_data::Loader::new(images.unwrap().into(), Default::default()).unwrap();
        let data = Dataset { train: loader.clone(), test: loader, target: None };
        assert!(training.prepare(&data).unwrap_err().to_string().contains("data.target"));
    }
}
