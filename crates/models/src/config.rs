//! The resolved configuration of a run: everything that decides its result, and how far it goes.

use crate::registry::Entry;
use crate::{Error, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::ops::RangeInclusive;
use toml::Table;
use wengert_tensor::{Device, Precision};

/// The configuration of a run, as written to `config.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The version of wengert that wrote the configuration.
    pub version: String,
    /// Name of the model in the registry; its options stand in the section of the same name.
    pub model: String,
    /// Seed of every random stream of the run.
    pub seed: u64,
    /// Which images.
    pub data: DataConfig,
    /// How long, and in what portions.
    pub train: TrainConfig,
    /// The options of the model, already checked against its defaults.
    #[serde(skip)]
    pub options: Table,
}

/// The section `[data]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataConfig {
    /// Name of a data set that `wengert data list` knows.
    pub name: String,
    /// Name of a second data set, for a model that carries what it learns to another domain; empty for none. Its images
    /// and those of the first are brought to one shape, and the same limits hold for both.
    pub target: String,
    /// Whether grey levels are made black and white: `none`, `threshold` (white from a half on), `static` (white with the
    /// grey as probability, drawn once for each image and the same in every run) or `dynamic` (drawn anew in each step).
    pub binarisation: String,
    /// Folder that holds the data set; empty to look in the usual places.
    pub directory: String,
    /// Use only the first so many training images; 0 for all.
    pub limit: usize,
    /// Use only the first so many test images; 0 for all.
    pub test_limit: usize,
}

/// The section `[train]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Passes over the training images.
    pub epochs: u64,
    /// Stop after so many steps in all; 0 for no limit.
    pub steps: u64,
    /// Images in a step.
    pub batch: usize,
    /// Threads to compute on; 0 for one on each core. The result does not depend on it.
    pub threads: usize,
    /// Arithmetic of matrix products and convolutions: the name of a [`Precision`].
    pub precision: String,
    /// Where to compute: `cpu`, `cuda`, `cuda:N`, or `auto` for a GPU where there is one that can be used.
    pub device: String,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            name: "mnist".into(),
            target: String::new(),
            binarisation: "none".into(),
            directory: String::new(),
            limit: 0,
            test_limit: 0,
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 10,
            steps: 0,
            batch: 128,
            threads: 0,
            precision: Precision::F32.name().into(),
            device: AUTO.into(),
        }
    }
}

impl Config {
    /// The defaults for a model.
    pub fn defaults(entry: &Entry) -> Config {
        Config {
            version: env!("CARGO_PKG_VERSION").into(),
            model: entry.name.into(),
            seed: 0,
            data: DataConfig {
                name: entry.data.into(),
                target: entry.target.into(),
                ..DataConfig::default()
            },
            train: TrainConfig::default(),
            options: (entry.defaults)(),
        }
    }

    /// The configuration as one table, the model's options in the section of its name.
    pub fn to_table(&self) -> Table {
        let mut table = to_table(self);
        table.insert(self.model.clone(), self.options.clone().into());
        table
    }

    /// The configuration as a TOML document.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.to_table()).expect("a table of plain values is TOML")
    }

    /// What decides the bits of the result, as a TOML document: all but the length of the run, the number of threads
    /// and where the data lies. It stands in the checkpoint, and two runs that agree in it can continue one another.
    pub fn identity(&self) -> Table {
        let mut table = self.to_table();
        for key in FREE_KEYS {
            let (section, key) = key.split_once('.').expect("free keys stand in sections");
            if let Some(toml::Value::Table(section)) = table.get_mut(section) {
                section.remove(key);
            }
        }
        table.remove("version");
        table
    }

    /// Checks ranges of what every model shares; the model checks its own options when it is built.
    pub fn validate(&self) -> Result<()> {
        in_range("train.batch", self.train.batch, 1..=65_536)?;
        in_range("train.epochs", self.train.epochs, 1..=1_000_000)?;
        in_range("train.threads", self.train.threads, 0..=1024)?;
        Ranges::new("data").one_of("binarisation", &self.data.binarisation, &BINARISATIONS)?;
        self.device()?;
        self.precision().map(|_| ())
    }

    /// Where to compute, by the name in `train.device`; `None` leaves it to the program.
    pub fn device(&self) -> Result<Option<Device>> {
        if self.train.device == AUTO {
            return Ok(None);
        }
        let name = &self.train.device;
        name.parse().map(Some).map_err(|_| Error::Range {
            key: "train.device".into(),
            detail: format!("is {name}; it must be auto, cpu, cuda or cuda:N"),
        })
    }

    /// Arithmetic of matrix products and convolutions, by the name in `train.precision`.
    pub fn precision(&self) -> Result<Precision> {
        let name = &self.train.precision;
        Precision::ALL.into_iter().find(|precision| precision.name() == name).ok_or_else(|| {
            let names = Precision::ALL.map(Precision::name).join(", ");
            Error::Range {
                key: "train.precision".into(),
                detail: format!("is {name}; it must be one of {names}"),
            }
        })
    }
}

/// The value of `train.device` that leaves the choice to the program.
const AUTO: &str = "auto";

/// The names of [`Binarisation`](wengert_data::Binarisation)s in `data.binarisation`.
const BINARISATIONS: [&str; 4] = ["none", "threshold", "static", "dynamic"];

/// Keys that may change when a run is resumed, because they do not decide the value of any step.
///
/// The device does, in the last bits: a run that goes on elsewhere is no longer the very same, but a good one.
const FREE_KEYS: [&str; 5] =
    ["data.directory", "train.device", "train.epochs", "train.steps", "train.threads"];

/// An error unless the setting lies within its range.
pub fn in_range<T: PartialOrd + std::fmt::Display>(
    key: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let detail = format!("is {value}; it must be from {} to {}", range.start(), range.end());
    Err(Error::Range { key: key.into(), detail })
}

/// Checks of the options of one section, by their names in it.
#[derive(Debug, Clone, Copy)]
pub struct Ranges {
    section: &'static str,
}

impl Ranges {
    /// Checks for the options of `section`.
    pub const fn new(section: &'static str) -> Ranges {
        Ranges { section }
    }

    /// An error unless the option lies within its range.
    pub fn within<T: PartialOrd + std::fmt::Display>(
        &self,
        key: &str,
        value: T,
        range: RangeInclusive<T>,
    ) -> Result<()> {
        in_range(&format!("{}.{key}", self.section), value, range)
    }

    /// An error unless what else the options say lets this one have an effect; `detail` says what is missing.
    pub fn takes_effect(&self, key: &str, has_effect: bool, detail: &str) -> Result<()> {
        if has_effect {
            return Ok(());
        }
        Err(Error::Range { key: format!("{}.{key}", self.section), detail: detail.into() })
    }

    /// An error unless the rate of an optimiser is above 0 and at most 1000.
    pub fn learning_rate(&self, key: &str, value: f64) -> Result<()> {
        if value > 0.0 && value <= 1e3 {
            return Ok(());
        }
        let detail = format!("is {value}; it must be above 0 and at most 1000");
        Err(Error::Range { key: format!("{}.{key}", self.section), detail })
    }

    /// An error unless the option is one of the names.
    pub fn one_of(&self, key: &str, value: &str, names: &[&str]) -> Result<()> {
        if names.contains(&value) {
            return Ok(());
        }
        let detail = format!("is `{value}`; it must be one of {}", names.join(", "));
        Err(Error::Range { key: format!("{}.{key}", self.section), detail })
    }
}

/// A plain struct of options as a TOML table.
pub fn to_table(options: &impl Serialize) -> Table {
    Table::try_from(options).expect("options are a struct of plain values")
}

/// The options of a model from their table.
pub fn from_table<T: DeserializeOwned>(section: &str, table: &Table) -> Result<T> {
    table
        .clone()
        .try_into()
        .map_err(|error| Error::setting(format!("section [{section}]: {}", error.message())))
}
