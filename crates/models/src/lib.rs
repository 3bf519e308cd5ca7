//! Generative models, their training loop, metrics and pictures.
//!
//! - [`FAMILIES`]: the registry, by which the program finds a model and its options. Each family is a folder, each model
//!   a file with its loss, its paper and where its settings come from.
//! - [`Model`] and [`Training`]: what every model offers, and what trains it.
//! - [`networks`]: what the models are built of, so that their losses can be compared on the same nets.
//! - [`Config`] and [`settings`]: the resolved configuration, and the layers it is made of.
//! - [`trainer`]: the loop, with evaluation, checkpoints and resumption.
//! - [`alarm`]: signs of a collapse, told with what to try.
//! - [`pictures`], [`traversal`] and [`code_space`]: images out of a trained model, and ways through its codes.
//! - [`metrics`]: what a trained model is worth, in numbers.
//! - [`export`] and [`import`]: the parts of a trained model as ONNX files, and runs that begin with weights from elsewhere.
//! - [`run`]: the folder of a run, and the writers of what lies in it.
//!
//! Nothing here writes to a terminal: a run tells its [`event::Event`]s to an observer.

pub mod alarm;
pub mod augmentation;
pub mod autoencoders;
pub mod checkpoint;
pub mod code_space;
pub mod conditional;
pub mod config;
pub mod dataset;
pub mod descent;
pub mod domains;
mod error;
pub mod event;
pub mod export;
pub mod few_labels;
mod fresh;
pub mod gans;
mod gradients;
pub mod hybrids;
pub mod import;
pub mod latent;
pub mod means;
mod memory;
pub mod metrics;
mod model;
pub mod networks;
pub mod pictures;
mod record;
mod registry;
mod replay;
pub mod run;
pub mod sequences;
pub mod settings;
pub mod suggest;
pub mod trainer;
pub mod traversal;
pub mod wording;

pub use checkpoint::Checkpoint;
pub use config::Config;
pub use dataset::Dataset;
pub use error::{Error, Result};
pub use fresh::fresh;
pub use model::{CodePart, Losses, Model, Training};
pub use registry::{Entry, FAMILIES, Family, ImageSet, Recipe, find, models};
pub use trainer::Trainer;
