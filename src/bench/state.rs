//! The files that let contenders start alike and be compared: the initial state, and the gradients of the first steps.

use super::training::{Entry, Training, noise_rng};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;
use wengert_tensor::io::safetensors;
use wengert_tensor::{Error, Tensor};

/// Steps whose losses and gradients are compared.
pub const STEPS: usize = 3;

/// Writes the state that every contender starts from: `param.NAME`, `data.images`, `data.labels`, and the noise of the
/// first steps as `noise.NAME.STEP`.
pub fn export(entry: &Entry, batch: usize, path: &Path) -> Result<()> {
    let training = (entry.build)(batch);
    let rng = noise_rng();
    let mut tensors: BTreeMap<String, Tensor> = BTreeMap::new();
    for (name, parameter) in training.named_parameters() {
        tensors.insert(format!("param.{name}"), parameter);
    }
    let data = training.data().clone();
    tensors.insert("data.images".to_string(), data.images);
    tensors.insert("data.labels".to_string(), data.labels);
    for step in 0..STEPS {
        for (name, noise) in training.noise(&rng) {
            tensors.insert(format!("noise.{name}.{step}"), noise);
        }
    }
    Ok(safetensors::save(path, &tensors, &BTreeMap::new())?)
}

/// Takes the first steps from a fresh state, writes their gradients as `grad.STEP.NAME`, and returns their losses. The
/// noise is what [`export`] wrote: it comes from the same seed.
pub fn trial(training: &mut dyn Training, gradients: &Path) -> Result<Vec<f64>> {
    let rng = noise_rng();
    let (mut losses, mut found) = (Vec::new(), BTreeMap::new());
    for step in 0..STEPS {
        losses.push(training.step(&rng)?.iter().map(Tensor::item).sum());
        for (name, parameter) in training.named_parameters() {
            found.extend(parameter.grad().map(|gradient| (format!("grad.{step}.{name}"), gradient.copy())));
        }
    }
    safetensors::save(gradients, &found, &BTreeMap::new())?;
    Ok(losses)
}

/// Reads a file of gradients.
pub fn read_gradients(path: &Path) -> Result<BTreeMap<String, Tensor>, Error> {
    Ok(safetensors::load(path)?.tensors)
}
