//! Everything that can be measured of a trained model, by what it can do.

use super::annealed::{AnnealedOptions, annealed_log_weights};
use super::assignment::{cluster_accuracy, cluster_purity};
use super::classifier::{ClassifierOptions, ClassifierProgress};
use super::codes::{
    Labelled, Probe, active_units, mutual_information_gap, nearest_neighbour_accuracy, numbers,
    probe_accuracy,
};
use super::gaussian::Gaussian;
use super::inception::{agreement, class_histogram, predictions};
use super::judge::{Judge, all, grey};
use super::likelihood::{Mean, Parzen, evidence_bound, importance_bound, parzen_widths};
use super::memorisation::Memorisation;
use super::report::Report;
use super::student::accuracy_from_samples;
use crate::dataset::STATIC_SEED;
use crate::means::Means;
use crate::pictures::{self, Samples, in_portions};
use crate::run::Picture;
use crate::{Dataset, Model, Result, Training};
use std::sync::Arc;
use wengert_data::{BatchOptions, Binarisation, ImageDataset, Loader, Position};
use wengert_tensor::{Generator, Tensor, no_grad};

/// Random streams of an evaluation's seed, apart from those of a trainer: no code is judged that chose weights.
const SAMPLES: u64 = 16;
const LOSSES: u64 = 17;
const WEIGHTS: u64 = 18;
const CHAINS: u64 = 19;

/// Seed of the draws that "dynamic" means: of each image a new one for each evaluation seed.
const DYNAMIC_SEED: u64 = 1;

/// Samples whose nearest training images are looked for, and pairs of them in the picture.
const NEIGHBOURS_OF: usize = 1000;
const PAIRS: usize = 20;
/// Images that choose the width of a Parzen window: the last of the training set, as in the GAN paper's code.
const VALIDATION: usize = 1000;
/// Intervals of a code's numbers for mutual information.
const BINS: usize = 20;
/// Variance below which a number of the code is taken for a constant.
const CONSTANT: f64 = 1e-8;
/// Probes of what a code holds of digits and speakers.
const PROBES: [Probe; 2] = [Probe::Linear, Probe::Hidden(256)];
/// Rows that importance samples of a portion of images make.
const ROWS: usize = 8192;

/// What is measured, and on how much.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationOptions {
    /// Images to draw.
    pub samples: usize,
    /// Importance samples of an image, the K of IWAE-K.
    pub importance_samples: usize,
    /// Test images, evenly spread over all, whose likelihood is estimated.
    pub likelihood_images: usize,
    /// Test images whose likelihood is estimated by annealed importance sampling; 0 for none, because it takes long.
    pub annealed_images: usize,
    /// The chains of annealed importance sampling.
    pub annealed: AnnealedOptions,
    /// How a classifier is trained on samples; `None` leaves it out.
    pub student: Option<ClassifierOptions>,
    /// Seed of codes and noise.
    pub seed: u64,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self {
            samples: 10_000,
            importance_samples: 500,
            likelihood_images: 1000,
            annealed_images: 0,
            annealed: AnnealedOptions::default(),
            student: Some(ClassifierOptions { epochs: 5, ..ClassifierOptions::default() }),
            seed: 0,
        }
    }
}

/// What an evaluation is doing, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EvaluationEvent {
    /// The next part begins.
    Part(&'static str),
    /// A classifier learns from samples.
    Student(ClassifierProgress),
}

/// A model beside the data it was trained on.
pub struct Evaluation<'a> {
    /// The model, in evaluation mode and prepared.
    pub training: &'a dyn Training,
    /// The data set, whole.
    pub data: &'a Dataset,
    /// The judge of its samples; without one, what rests on the classifier is left out.
    pub judge: Option<&'a Judge>,
    /// What to measure.
    pub options: EvaluationOptions,
}

/// The outcome of an evaluation.
#[derive(Debug)]
pub struct Evaluated {
    /// The scores.
    pub report: Report,
    /// Samples above the training images nearest to them, where the model makes images.
    pub neighbours: Option<Picture>,
}

impl Evaluation<'_> {
    /// Measures everything that the model's capabilities allow.
    ///
    /// # Errors
    /// When a loss or a training that belongs to a metric fails.
    pub fn run(&self, observer: &mut dyn FnMut(EvaluationEvent)) -> Result<Evaluated> {
        let mut report = Report::default();
        let mut neighbours = None;
        observer(EvaluationEvent::Part("samples"));
        if let Some(samples) = pictures::draw_to_judge(self.model(), self.options.samples, &self.rng(SAMPLES))
        {
            if let Some(judge) = self.judge {
                report.extend(judge.quick(&samples));
                report.extend(judge.thorough(&samples));
            }
            observer(EvaluationEvent::Part("nearest training images"));
            neighbours = Some(self.memorisation(&samples, &mut report)?);
            observer(EvaluationEvent::Part("Parzen windows"));
            self.parzen(&samples, &mut report)?;
            if let (Some(judge), Some(options)) = (self.judge, &self.options.student) {
                observer(EvaluationEvent::Part("a classifier trained on samples"));
                self.student(&samples, judge, options, &mut report, observer)?;
            }
        }
        observer(EvaluationEvent::Part("test losses"));
        self.losses(&mut report)?;
        observer(EvaluationEvent::Part("likelihood"));
        self.likelihood(&mut report)?;
        observer(EvaluationEvent::Part("codes and labels"));
        self.reconstructions(&mut report);
        self.codes(&mut report)?;
        self.labels(&mut report);
        Ok(Evaluated { report, neighbours })
    }

    /// What is known within seconds of the model's samples: [`Judge::quick`].
    pub fn quick(&self) -> Report {
        let found = self
            .judge
            .and_then(|judge| judge.quick_of(self.model(), self.options.samples, &self.rng(SAMPLES)));
        found.unwrap_or_default()
    }

    fn model(&self) -> &dyn Model {
        self.training.model()
    }

    fn rng(&self, stream: u64) -> Generator {
        Generator::new(self.options.seed).stream(stream)
    }

    /// `sample_distance`, `test_distance`, `memorised`: see [`Memorisation`].
    fn memorisation(&self, samples: &Samples, report: &mut Report) -> Result<Picture> {
        let (train, _) = all(&grey(&self.data.train)?);
        let (test, _) = spread(&grey(&self.data.test)?, NEIGHBOURS_OF);
        let samples = samples.images.narrow(0, 0, NEIGHBOURS_OF.min(samples.images.dims()[0]));
        let found = Memorisation::look(&samples, &test, &train);
        report.add("sample_distance", found.sample_distance);
        report.add("test_distance", found.test_distance);
        report.add("memorised", found.suspicious);
        Ok(found.picture(&samples, &train, PAIRS))
    }

    /// `parzen`, `parzen_standard_error`, `parzen_width`: see [`Parzen`].
    fn parzen(&self, samples: &Samples, report: &mut Report) -> Result<()> {
        let train = grey(&self.data.train)?;
        let count = train.dataset().len();
        let last: Vec<usize> = (count - VALIDATION.min(count)..count).collect();
        let validation = train.images(&last, Position::default());
        let [samples, validation, test] = [&samples.images, &validation, &all(&grey(&self.data.test)?).0]
            .map(|images| images.flatten(1, -1));
        let found = Parzen::estimate(&samples, &validation, &test, &parzen_widths());
        report.add("parzen", found.likelihood.mean);
        report.add("parzen_standard_error", found.likelihood.standard_error);
        report.add("parzen_width", found.width);
        Ok(())
    }

    /// `student_accuracy` of a classifier trained on samples of the classes that were asked for, or
    /// `student_accuracy_judged` where the judge had to name the classes.
    fn student(
        &self,
        samples: &Samples,
        judge: &Judge,
        options: &ClassifierOptions,
        report: &mut Report,
        observer: &mut dyn FnMut(EvaluationEvent),
    ) -> Result<()> {
        let (name, labels) = match &samples.labels {
            Some(labels) => ("student_accuracy", labels.to_vec::<i64>()),
            None => {
                let logits = judge.classifier().judge(&samples.images).logits;
                ("student_accuracy_judged", predictions(&logits))
            }
        };
        let accuracy = accuracy_from_samples(
            &samples.images,
            &labels,
            judge.test(),
            judge.test_labels(),
            judge.classifier().image_set().classes,
            options,
            &mut |progress| observer(EvaluationEvent::Student(progress)),
        )?;
        report.add(name, accuracy);
        Ok(())
    }

    /// The terms of the model's own loss over the test images as `test_TERM`; where it has terms `kl` and `reconstruction`,
    /// also, in nats, as `rate` (KL(q(z | x) ‖ p(z)), of a code's numbers and, where it has a term `choice`, of that) and
    /// `distortion` (−E ln p(x | z), without the constants that the
    /// [`Likelihood`](crate::autoencoders::likelihood::Likelihood) leaves out).
    fn losses(&self, report: &mut Report) -> Result<()> {
        let (mut means, rng) = (Means::default(), self.rng(LOSSES));
        for batch in self.data.test.epoch(Position::default()) {
            let losses = no_grad(|| self.training.losses(&batch, &rng))?;
            means.add(&losses, batch.indices.len());
        }
        report.add("test_loss", means.total());
        means.terms().for_each(|(name, value)| report.add(&format!("test_{name}"), value));
        if let (Some(distortion), Some(rate)) = (means.get("reconstruction"), means.get("kl")) {
            report.add("rate", rate + means.get("choice").unwrap_or(0.0));
            report.add("distortion", distortion);
        }
        Ok(())
    }

    /// `elbo_…` and `nll_…` (of IWAE-K), in nats, of test images made black and white: `…_static` by the one draw of each
    /// image that is the same in every evaluation, `…_dynamic` by draws that differ from evaluation seed to evaluation
    /// seed. They are bounds on the probability of the images where the reconstruction is `bernoulli`, and on a density of
    /// their pixels otherwise: no two of those can be compared. The `…_standard_error` is that of the choice of test images. And
    /// `ais_static`, the negative log-likelihood by annealed importance sampling.
    fn likelihood(&self, report: &mut Report) -> Result<()> {
        let images = self.data.test.dataset();
        // Colours have no black and white.
        if images.shape()[0] != 1 {
            return Ok(());
        }
        for (name, binarisation) in [
            ("static", Binarisation::Static { seed: STATIC_SEED }),
            ("dynamic", Binarisation::Dynamic { seed: DYNAMIC_SEED.wrapping_add(self.options.seed) }),
        ] {
            let loader = binarised(images, binarisation)?;
            let (chosen, labels) = spread(&loader, self.options.likelihood_images);
            if let Some(weights) = self.log_weights(&chosen, &labels) {
                let (elbo, nll) =
                    (Mean::of(&evidence_bound(&weights)), Mean::of(&importance_bound(&weights)));
                report.add(&format!("elbo_{name}"), elbo.mean);
                report.add(&format!("nll_{name}"), -nll.mean);
                report.add(&format!("nll_{name}_standard_error"), nll.standard_error);
            }
            if name == "static" && self.options.annealed_images > 0 {
                let (chosen, labels) = spread(&loader, self.options.annealed_images);
                if let Some(value) = self.annealed(&chosen, &labels)? {
                    report.add("ais_static", -value);
                }
            }
        }
        if report.get("nll_static").is_some() {
            report.add("importance_samples", self.options.importance_samples as f64);
        }
        Ok(())
    }

    /// The model's log-weights `[K, N]` of images.
    fn log_weights(&self, images: &Tensor, labels: &Tensor) -> Option<Tensor> {
        let (count, rng) = (images.dims()[0], self.rng(WEIGHTS));
        let labels = self.model().classes().map(|_| labels);
        let portion = (ROWS / self.options.importance_samples).max(1);
        let parts: Option<Vec<Tensor>> = (0..count)
            .step_by(portion)
            .map(|start| {
                let length = portion.min(count - start);
                let labels = labels.map(|labels| labels.narrow(0, start, length));
                let images = images.narrow(0, start, length);
                no_grad(|| {
                    self.model().log_weights(&images, labels.as_ref(), self.options.importance_samples, &rng)
                })
            })
            .collect();
        Some(Tensor::cat(&parts?.iter().collect::<Vec<_>>(), 1))
    }

    /// The mean log-likelihood of images by annealed importance sampling.
    fn annealed(&self, images: &Tensor, labels: &Tensor) -> Result<Option<f64>> {
        let (model, chains) = (self.model(), self.options.annealed.chains);
        let count = images.dims()[0];
        let repeated = images.tile(&[chains, 1, 1, 1]);
        let labels = model.classes().map(|_| labels.tile(&[chains]));
        let log_likelihood = |codes: &Tensor| model.log_likelihood(codes, &repeated, labels.as_ref());
        let rng = self.rng(CHAINS);
        if no_grad(|| log_likelihood(&model.draw_codes(chains * count, &rng))).is_none() {
            return Ok(None);
        }
        let known = |codes: &Tensor| log_likelihood(codes).expect("the model gave likelihoods a moment ago");
        let weights = annealed_log_weights(count, model.code_size(), &known, &self.options.annealed, &rng)?;
        Ok(Some(Mean::of(&importance_bound(&weights)).mean))
    }

    /// `fid_reconstructions`, beside the same floor as samples: of as many training images.
    fn reconstructions(&self, report: &mut Report) {
        let Some(judge) = self.judge else { return };
        let (images, labels) = judge.training_images(self.options.samples);
        if let Some(images) = pictures::reconstruct(self.model(), &images, &labels) {
            report.add("fid_reconstructions", judge.fid(&images));
        }
    }

    /// Of the codes `active_units` and `total_correlation` (of their numbers, where they have some and these do not give each
    /// other), `mig` (the mutual information gap), `nearest_neighbour_accuracy`
    /// and `linear_probe_accuracy`; of the layer before them, where the model gives it, `feature_nearest_neighbour_accuracy`
    /// and `feature_linear_probe_accuracy`; and where the images have speakers what [`Self::speakers`] says.
    fn codes(&self, report: &mut Report) -> Result<()> {
        // An encoder that was told the class would only be asked to give it back.
        if self.model().classes().is_some() {
            return Ok(());
        }
        let encode = |images: &Tensor| self.in_portions(images, &|images| self.model().encode(images, None));
        let (images, labels) = all(&self.data.test);
        let Some(codes) = encode(&images) else { return Ok(()) };
        let (train_images, train_labels) = all(&self.data.train);
        let train_codes = encode(&train_images).expect("it has encoded images");
        let train = Labelled { codes: &train_codes, labels: &train_labels };
        let test = Labelled { codes: &codes, labels: &labels };
        let (classes, seed) = (self.data.image_set().classes, self.options.seed);
        let parts = self.model().code_parts();
        if let Some(numbers) = numbers(&codes, &parts) {
            report.add("active_units", active_units(&numbers) as f64);
            if let Some(value) = Gaussian::fit(&numbers).total_correlation(CONSTANT) {
                report.add("total_correlation", value);
            }
        }
        report.add("mig", mutual_information_gap(test, &parts, BINS));
        report.add("nearest_neighbour_accuracy", nearest_neighbour_accuracy(train, test));
        report.add("linear_probe_accuracy", probe_accuracy(Probe::Linear, train, test, classes, seed)?);
        let features = |images: &Tensor| self.in_portions(images, &|images| self.model().features(images));
        if let (Some(of_train), Some(of_test)) = (features(&train_images), features(&images)) {
            let train = Labelled { codes: &of_train, ..train };
            let test = Labelled { codes: &of_test, ..test };
            report.add("feature_nearest_neighbour_accuracy", nearest_neighbour_accuracy(train, test));
            report.add(
                "feature_linear_probe_accuracy",
                probe_accuracy(Probe::Linear, train, test, classes, seed)?,
            );
        }
        let pixels = [train_images, images].map(|images| images.flatten(1, -1));
        self.speakers([&train_codes, &codes], [&pixels[0], &pixels[1]], report)
    }

    /// What the [content](Model::content_size) of codes holds of the digit that is spoken, `digit_probe_accuracy`, and of
    /// who speaks, `speaker_probe_accuracy`: the better of two probes, one with a hidden layer. Beside each stand
    /// `…_probe_chance`, the share of the most frequent class, and `…_probe_baseline`, what the same probes find in the
    /// pictures themselves.
    fn speakers(&self, codes: [&Tensor; 2], pixels: [&Tensor; 2], report: &mut Report) -> Result<()> {
        let sets = [&self.data.train, &self.data.test].map(|loader| loader.dataset().as_ref());
        let (Some(train), Some(test)) = (sets[0].groups(), sets[1].groups()) else { return Ok(()) };
        let wide = |labels: &[u8]| labels.iter().map(|&label| i64::from(label)).collect::<Vec<_>>();
        let digits = sets.map(|set| wide(set.labels()));
        let speakers = [wide(&train.of), wide(&test.of)];
        let content = codes.map(|codes| codes.narrow(1, 0, self.model().content_size()));
        for (name, labels, classes) in
            [("digit", digits, sets[0].classes().len()), ("speaker", speakers, train.names.len())]
        {
            let best = |inputs: [&Tensor; 2]| -> Result<f64> {
                let [train, test] =
                    [0, 1].map(|part| Labelled { codes: inputs[part], labels: &labels[part] });
                let accuracies = PROBES
                    .map(|probe| probe_accuracy(probe, train, test, classes, self.options.seed))
                    .into_iter()
                    .collect::<Result<Vec<f64>>>()?;
                Ok(accuracies.into_iter().fold(0.0, f64::max))
            };
            report.add(&format!("{name}_probe_accuracy"), best([&content[0], &content[1]])?);
            report.add(&format!("{name}_probe_baseline"), best(pixels)?);
            let shares = class_histogram(&labels[1], classes);
            report.add(&format!("{name}_probe_chance"), shares.into_iter().fold(0.0, f64::max));
        }
        Ok(())
    }

    /// `accuracy` and `error` of the model's own labels; of a model of two domains these are also its
    /// `source_accuracy`, beside its `target_accuracy`. `cluster_accuracy` and `cluster_purity` of its groups.
    fn labels(&self, report: &mut Report) {
        let accuracy = |loader: &Loader| {
            let (images, labels) = all(loader);
            let logits = self.in_portions(&images, &|images| self.model().classify(images))?;
            Some(agreement(&predictions(&logits), &labels))
        };
        if let Some(of_source) = accuracy(&self.data.test) {
            report.add("accuracy", of_source);
            report.add("error", 1.0 - of_source);
            if let Some(of_target) = self.data.target.as_ref().and_then(|target| accuracy(&target.test)) {
                report.add("source_accuracy", of_source);
                report.add("target_accuracy", of_target);
            }
        }
        let (images, labels) = all(&self.data.test);
        if let Some(logits) = self.in_portions(&images, &|images| self.model().cluster(images)) {
            let groups = predictions(&logits);
            report.add("cluster_accuracy", cluster_accuracy(&groups, &labels));
            report.add("cluster_purity", cluster_purity(&groups, &labels));
        }
    }

    /// What `part` gives for all images, in portions and without gradients.
    fn in_portions(&self, images: &Tensor, part: &dyn Fn(&Tensor) -> Option<Tensor>) -> Option<Tensor> {
        no_grad(|| in_portions(images.dims()[0], |start, length| part(&images.narrow(0, start, length))))
    }
}

fn binarised(images: &Arc<ImageDataset>, binarisation: Binarisation) -> Result<Loader> {
    Ok(Loader::new(images.clone(), BatchOptions { binarisation, ..BatchOptions::default() })?)
}

/// `count` images of a loader, evenly spread over all, with their labels: the halves of a test set may differ.
fn spread(loader: &Loader, count: usize) -> (Tensor, Tensor) {
    let all = loader.dataset().len();
    let count = count.clamp(1, all);
    let indices: Vec<usize> = (0..count).map(|index| index * all / count).collect();
    (loader.images(&indices, Position::default()), loader.labels(&indices))
}
