//! The models by name.

use crate::suggest::did_you_mean;
use crate::{Error, Result, Training, vae};
use toml::Table;
use wengert_tensor::Generator;

/// What a model must know of the images it is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSet {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Number of classes of the labels.
    pub classes: usize,
}

impl Default for ImageSet {
    /// MNIST.
    fn default() -> Self {
        Self { shape: [1, 28, 28], classes: 10 }
    }
}

/// A model of the registry.
#[derive(Debug)]
pub struct Entry {
    /// The name on the command line and in configurations.
    pub name: &'static str,
    /// One line for `wengert models`.
    pub description: &'static str,
    /// Where the model comes from.
    pub paper: &'static str,
    /// The model's options with their defaults: its section of a configuration, with every key it has.
    pub defaults: fn() -> Table,
    /// Checks the options.
    pub check: fn(&Table) -> Result<()>,
    /// Checks the options and builds the model with fresh weights and optimisers.
    pub build: fn(&Table, &ImageSet, &Generator) -> Result<Box<dyn Training>>,
}

/// Every model.
pub const MODELS: &[Entry] = &[vae::ENTRY];

/// The model of a name, or an error that suggests the nearest.
pub fn find(name: &str) -> Result<&'static Entry> {
    MODELS.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|entry| entry.name).collect();
        let hint = did_you_mean(name, names.iter().copied());
        Error::setting(format!("there is no model `{name}`{hint} (models: {})", names.join(", ")))
    })
}
