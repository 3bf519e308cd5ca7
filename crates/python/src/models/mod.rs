//! The zoo: its models by name, training, and trained models.

mod run;
mod training;

use crate::errors::{Failure, refused, try_run};
use crate::tensor::Tensor;
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use wengert_data::{BatchOptions, Loader, Places, Position, Split, load_images};
use wengert_models::FAMILIES;

pub use run::Run;
pub use training::train;

/// Name, family, description and paper of every model.
#[pyfunction]
pub fn models() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let of = |family: &'static wengert_models::Family| {
        family.models.iter().map(|entry| (entry.name, family.title, entry.description, entry.paper))
    };
    FAMILIES.iter().flat_map(of).collect()
}

/// The options of a model with their defaults, as JSON.
#[pyfunction]
pub fn model_options(model: &str) -> PyResult<String> {
    let entry = wengert_models::find(model).map_err(|error| Failure::from(error).0)?;
    Ok(json(&(entry.defaults)()))
}

/// The images of a data set, f32 `[N, C, H, W]` in 0..1, and their classes.
#[pyfunction]
#[pyo3(signature = (name, split, directory=None))]
pub fn load_data(
    py: Python<'_>,
    name: &str,
    split: &str,
    directory: Option<PathBuf>,
) -> PyResult<(Tensor, Tensor)> {
    let split = match split {
        "train" => Split::Train,
        "test" => Split::Test,
        other => return Err(refused(format!("split is '{other}'; it must be 'train' or 'test'"))),
    };
    let (images, labels) = try_run(py, || -> Result<_, wengert_models::Error> {
        let images = load_images(name, split, &Places::new(directory.as_deref().map(Path::new)))?;
        let indices: Vec<usize> = (0..images.len()).collect();
        let loader = Loader::new(std::sync::Arc::new(images), BatchOptions::default())?;
        Ok((loader.images(&indices, Position::default()), loader.labels(&indices)))
    })?;
    Ok((Tensor(images), Tensor(labels)))
}

/// A table of settings as JSON, which Python reads.
fn json(table: &toml::Table) -> String {
    serde_json::to_string(table).expect("a table of plain values is JSON")
}

/// An exception for what a model cannot do.
fn unanswered(model: &str, refusal: &str) -> PyErr {
    refused(format!("the model `{model}` {refusal}"))
}
