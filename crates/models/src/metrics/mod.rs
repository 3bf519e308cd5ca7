//! Metrics: what a trained model is worth, in numbers.
//!
//! Each is a function of tensors or slices, in a file with its formula and its paper.
//!
//! - [`Classifier`]: the LeNet that judges images, trained by this engine, kept in a cache.
//! - [`Judge`]: a data set as the classifier sees it. [`Evaluation`]: everything that can be measured of a model, as a
//!   [`Report`].
//! - Samples against real images by its features: [`Gaussian::frechet_distance`] (FID), [`kernel_distance`] (KID),
//!   [`Manifold`] (precision, recall, density, coverage); by its logits: [`inception_score`], [`class_histogram`].
//! - [`Memorisation`]: samples beside the nearest training images. [`accuracy_from_samples`]: what samples teach.
//! - Likelihood: [`evidence_bound`], [`importance_bound`], [`annealed_log_weights`], [`Parzen`].
//! - Codes and groups: [`nearest_neighbour_accuracy`], [`probe_accuracy`], [`active_units`],
//!   [`mutual_information_gap`], [`Gaussian::total_correlation`], [`cluster_accuracy`].

mod annealed;
mod assignment;
mod cache;
mod classifier;
mod codes;
pub mod distance;
mod evaluation;
mod gaussian;
mod inception;
mod judge;
mod kernel;
mod likelihood;
mod manifold;
mod memorisation;
mod report;
mod student;

pub use annealed::{AnnealedOptions, annealed_log_weights, bernoulli_log_likelihood};
pub use assignment::{assign, cluster_accuracy, cluster_purity};
pub use cache::{CACHE_VARIABLE, cache_folder};
pub use classifier::{Classifier, ClassifierOptions, ClassifierProgress, Reading};
pub use codes::{
    Labelled, Probe, active_units, mutual_information_gap, nearest_neighbour_accuracy, probe_accuracy,
};
pub use evaluation::{Evaluated, Evaluation, EvaluationEvent, EvaluationOptions};
pub use gaussian::{Gaussian, PrincipalComponents};
pub use inception::{agreement, class_histogram, inception_score, predictions};
pub use judge::{Judge, all};
pub use kernel::kernel_distance;
pub use likelihood::{Mean, Parzen, evidence_bound, importance_bound, parzen_widths};
pub use manifold::Manifold;
pub use memorisation::{Memorisation, median, quantile};
pub use report::{Report, number};
pub use student::accuracy_from_samples;
