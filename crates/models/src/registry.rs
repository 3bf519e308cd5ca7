//! The models by name.

use crate::config::{Ranges, from_table, to_table};
use crate::suggest::did_you_mean;
use crate::{Error, Result, Training};
use crate::{autoencoders, conditional, domains, gans, hybrids, latent, sequences};
use serde::{Serialize, de::DeserializeOwned};
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

/// The options of a model, which know how to build it: their fields with their defaults are the model's section of a
/// configuration.
pub trait Recipe: Serialize + DeserializeOwned + Default {
    /// The model's name on the command line and in configurations.
    const NAME: &'static str;
    /// One line for `wengert models`.
    const DESCRIPTION: &'static str;
    /// Where the model comes from: authors, year, number of the paper.
    const PAPER: &'static str;
    /// The data set that the model is trained on unless another is asked for.
    const DATA: &'static str = "mnist";
    /// The data set of the second domain, for a model that needs one, unless another is asked for.
    const TARGET: &'static str = "";

    /// An error for the first option outside its range.
    fn check(&self, ranges: &Ranges) -> Result<()>;

    /// The model with fresh weights and optimisers. The options have passed [`Recipe::check`].
    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>>;
}

/// A model of the registry.
#[derive(Debug)]
pub struct Entry {
    /// See [`Recipe::NAME`].
    pub name: &'static str,
    /// See [`Recipe::DESCRIPTION`].
    pub description: &'static str,
    /// See [`Recipe::PAPER`].
    pub paper: &'static str,
    /// See [`Recipe::DATA`].
    pub data: &'static str,
    /// See [`Recipe::TARGET`].
    pub target: &'static str,
    /// The model's options with their defaults: its section of a configuration, with every key it has.
    pub defaults: fn() -> Table,
    /// Checks the options.
    pub check: fn(&Table) -> Result<()>,
    /// Checks the options and builds the model with fresh weights and optimisers.
    pub build: fn(&Table, &ImageSet, &Generator) -> Result<Box<dyn Training>>,
}

/// The entry of a model.
pub const fn entry<R: Recipe>() -> Entry {
    Entry {
        name: R::NAME,
        description: R::DESCRIPTION,
        paper: R::PAPER,
        data: R::DATA,
        target: R::TARGET,
        defaults: || to_table(&R::default()),
        check: |table| read::<R>(table).map(|_| ()),
        build: |table, images, rng| read::<R>(table)?.build(images, rng),
    }
}

/// The options in a table, checked.
fn read<R: Recipe>(table: &Table) -> Result<R> {
    let options: R = from_table(R::NAME, table)?;
    options.check(&Ranges::new(R::NAME))?;
    Ok(options)
}

/// Models of a kind.
#[derive(Debug)]
pub struct Family {
    /// What they are, as a title.
    pub title: &'static str,
    /// The models.
    pub models: &'static [Entry],
}

/// All models by kind.
pub const FAMILIES: &[Family] = &[
    autoencoders::FAMILY,
    latent::FAMILY,
    gans::FAMILY,
    conditional::FAMILY,
    hybrids::FAMILY,
    domains::FAMILY,
    sequences::FAMILY,
];

/// All models.
pub fn models() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().flat_map(|family| family.models)
}

/// The model of a name, or an error that suggests the nearest.
pub fn find(name: &str) -> Result<&'static Entry> {
    models().find(|entry| entry.name == name).ok_or_else(|| {
        let hint = did_you_mean(name, models().map(|entry| entry.name));
        Error::setting(format!("there is no model `{name}`{hint} (`wengert models` lists them)"))
    })
}
