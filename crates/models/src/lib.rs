//! Generative models, their training loop, metrics and pictures.
//!
//! - [`MODELS`]: the registry, by which the program finds a model and its options.
//! - [`Model`] and [`Training`]: what every model offers, and what trains it.
//! - [`Config`] and [`settings`]: the resolved configuration, and the layers it is made of.
//! - [`trainer`]: the loop, with evaluation, checkpoints and resumption.
//! - [`run`]: the folder of a run, and the writers of what lies in it.
//!
//! Nothing here writes to a terminal: a run tells its [`trainer::Event`]s to an observer.

pub mod checkpoint;
pub mod config;
pub mod dataset;
mod error;
mod memory;
mod model;
pub mod pictures;
mod record;
mod registry;
pub mod run;
pub mod settings;
pub mod suggest;
pub mod trainer;
pub mod vae;

pub use checkpoint::Checkpoint;
pub use config::Config;
pub use dataset::Dataset;
pub use error::{Error, Result};
pub use model::{Losses, Model, Training};
pub use registry::{Entry, ImageSet, MODELS, find};
pub use trainer::Trainer;
