//! Metrics: what a trained model is worth, in numbers.
//!
//! Each is a function of tensors or slices, in a file with its formula and its paper.
//!
//! - [`Classifier`]: the LeNet that judges images, trained by this engine, kept in a cache.

mod cache;
mod classifier;

pub use cache::{CACHE_VARIABLE, cache_folder};
pub use classifier::{Classifier, ClassifierOptions, ClassifierProgress, Reading};
