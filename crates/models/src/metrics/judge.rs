//! Real images as the classifier sees them, and what it says of samples beside them.

use super::classifier::{Classifier, ClassifierOptions, ClassifierProgress};
use super::gaussian::Gaussian;
use super::inception::{agreement, class_histogram, inception_score, predictions};
use super::kernel::kernel_distance;
use super::manifold::Manifold;
use super::report::{Report, class_name};
use crate::pictures::Samples;
use crate::{Dataset, Error, Model, Result, pictures};
use std::path::Path;
use wengert_data::{BatchOptions, Loader, Position};
use wengert_tensor::{DType, Generator, Tensor};

/// Neighbours that span a ball of precision, recall, density and coverage.
const NEIGHBOURS: usize = 5;
/// Images in a block of the kernel distance, as in the paper.
const BLOCK: usize = 1000;
/// Seed of the choice of training images that give the floor.
const FLOOR_SEED: u64 = 0;
/// Of the draw of which images share a block of the kernel distance.
const BLOCK_SEED: u64 = 1;

/// The test images of a data set, its classifier, and what it sees in them.
pub struct Judge {
    classifier: Classifier,
    digest: String,
    train: Loader,
    test: Tensor,
    test_labels: Vec<i64>,
    features: Tensor,
    gaussian: Gaussian,
    accuracy: f64,
}

impl Judge {
    /// A judge by the test images of a data set, with the data set's classifier from `folder`, or a new one.
    ///
    /// # Errors
    /// When LeNet cannot read the images, or they are too few, and those of [`Classifier::cached`].
    pub fn new(
        data: &Dataset,
        options: &ClassifierOptions,
        folder: &Path,
        observer: &mut dyn FnMut(ClassifierProgress),
    ) -> Result<Judge> {
        if data.test.dataset().len() <= NEIGHBOURS {
            let count = data.test.dataset().len();
            return Err(Error::setting(format!("{count} test images are too few to compare samples with")));
        }
        let classifier = Classifier::cached(data.train.dataset(), options, folder, observer)?;
        let (test, test_labels) = all(&grey(&data.test)?);
        let reading = classifier.judge(&test);
        Ok(Judge {
            digest: classifier.digest(),
            accuracy: agreement(&predictions(&reading.logits), &test_labels),
            gaussian: Gaussian::fit(&reading.features),
            features: reading.features,
            classifier,
            train: grey(&data.train)?,
            test,
            test_labels,
        })
    }

    /// The classifier.
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// SHA-256 of the classifier's weights, which stands beside every score that rests on it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The classifier's accuracy on the test images.
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// The test images.
    pub fn test(&self) -> &Tensor {
        &self.test
    }

    /// The classes of the test images.
    pub fn test_labels(&self) -> &[i64] {
        &self.test_labels
    }

    /// A seeded choice of `count` training images, or all where there are fewer, with their classes.
    pub fn training_images(&self, count: usize) -> (Tensor, Tensor) {
        let order = Generator::new(FLOOR_SEED).randperm(self.train.dataset().len()).to_vec::<i64>();
        let chosen: Vec<usize> = order.into_iter().take(count).map(|index| index as usize).collect();
        (self.train.images(&chosen, Position::default()), self.train.labels(&chosen))
    }

    /// The FID between images and the test images: the Fréchet distance of the Gaussians fitted to their features.
    pub fn fid(&self, images: &Tensor) -> f64 {
        Gaussian::fit(&self.classifier.judge(images).features).frechet_distance(&self.gaussian)
    }

    /// What is quickly known of samples: `fid` beside `fid_floor`, which as many training images reach in their place,
    /// and `fid_ratio` of the two; `inception_score`; the share of the rarest class among them, `smallest_class`; and
    /// `label_accuracy`, the share of samples that show what was asked for, where that was a class.
    pub fn quick(&self, samples: &Samples) -> Report {
        let mut report = Report::default();
        let reading = self.classifier.judge(&samples.images);
        let fid = Gaussian::fit(&reading.features).frechet_distance(&self.gaussian);
        let floor = self.fid(&self.training_images(samples.images.dims()[0]).0);
        report.add("fid", fid);
        report.add("fid_floor", floor);
        report.add("fid_ratio", fid / floor);
        report.add("inception_score", inception_score(&reading.logits));
        let seen = predictions(&reading.logits);
        let histogram = class_histogram(&seen, self.classifier.image_set().classes);
        report.add("smallest_class", histogram.iter().copied().fold(f64::INFINITY, f64::min));
        for (class, share) in histogram.iter().enumerate() {
            report.add(&class_name(class), *share);
        }
        if let Some(labels) = &samples.labels {
            report.add("label_accuracy", agreement(&seen, &labels.to_vec::<i64>()));
        }
        report
    }

    /// All scores of `count` training images, as if they were samples.
    pub fn of_training_images(&self, count: usize) -> Report {
        let (images, labels) = self.training_images(count);
        let codes = Tensor::zeros([images.dims()[0], 0], DType::F32);
        let samples = Samples { images, codes, labels: Some(labels) };
        let mut report = self.quick(&samples);
        report.extend(self.thorough(&samples));
        report
    }

    /// [`Judge::quick`] of a model's own samples; `None` for a model that makes no images. The model must be in
    /// evaluation mode.
    pub fn quick_of(&self, model: &dyn Model, count: usize, rng: &Generator) -> Option<Report> {
        Some(self.quick(&pictures::draw_to_judge(model, count, rng)?))
    }

    /// What takes longer: the kernel distance `kid` beside its floor `kid_floor`; `precision`, `recall`, `density` and
    /// `coverage` among the test images.
    pub fn thorough(&self, samples: &Samples) -> Report {
        let mut report = Report::default();
        let features = self.classifier.judge(&samples.images).features;
        let blocks = Generator::new(BLOCK_SEED);
        let distance = kernel_distance(&self.features, &features, BLOCK, &blocks);
        let real = self.classifier.judge(&self.training_images(features.dims()[0]).0).features;
        report.add("kid", distance.mean);
        report.add("kid_standard_error", distance.standard_error);
        report.add("kid_floor", kernel_distance(&self.features, &real, BLOCK, &blocks).mean);
        if features.dims()[0] > NEIGHBOURS {
            let manifold = Manifold::compare(&self.features, &features, NEIGHBOURS);
            report.add("precision", manifold.precision);
            report.add("recall", manifold.recall);
            report.add("density", manifold.density);
            report.add("coverage", manifold.coverage);
        }
        report
    }
}

/// The images of a loader as they are in the files, whatever a run makes of their grey levels.
pub(super) fn grey(loader: &Loader) -> Result<Loader> {
    Ok(Loader::new(loader.dataset().clone(), BatchOptions::default())?)
}

/// All images of a loader with their classes, in the order of the files.
pub fn all(loader: &Loader) -> (Tensor, Vec<i64>) {
    let indices: Vec<usize> = (0..loader.dataset().len()).collect();
    (loader.images(&indices, Position::default()), loader.labels(&indices).to_vec::<i64>())
}
