//! Tensors by name in files.

use crate::errors::try_run;
use crate::tensor::Tensor;
use pyo3::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use wengert_tensor as engine;
use wengert_tensor::io::{npz, pytorch, safetensors};

/// Tensors and metadata by name.
pub type Named = BTreeMap<String, Tensor>;

/// Tensors of Python as the engine's.
pub fn unwrapped(tensors: Named) -> BTreeMap<String, engine::Tensor> {
    tensors.into_iter().map(|(name, tensor)| (name, tensor.0)).collect()
}

/// Tensors of the engine as Python's.
pub fn wrapped(tensors: BTreeMap<String, engine::Tensor>) -> Named {
    tensors.into_iter().map(|(name, tensor)| (name, Tensor(tensor))).collect()
}

/// The tensors and the metadata of a safetensors file.
#[pyfunction]
pub fn load_safetensors(py: Python<'_>, path: PathBuf) -> PyResult<(Named, BTreeMap<String, String>)> {
    let contents = try_run(py, || safetensors::load(&path))?;
    Ok((wrapped(contents.tensors), contents.metadata))
}

/// Writes a safetensors file, replacing an old one whole or not at all.
#[pyfunction]
pub fn save_safetensors(
    py: Python<'_>,
    path: PathBuf,
    tensors: Named,
    metadata: BTreeMap<String, String>,
) -> PyResult<()> {
    let tensors = unwrapped(tensors);
    try_run(py, || safetensors::save(&path, &tensors, &metadata))
}

/// The arrays of an NPZ file.
#[pyfunction]
pub fn load_npz(py: Python<'_>, path: PathBuf) -> PyResult<Named> {
    try_run(py, || npz::load(&path)).map(wrapped)
}

/// Writes an NPZ file, replacing an old one whole or not at all.
#[pyfunction]
pub fn save_npz(py: Python<'_>, path: PathBuf, arrays: Named) -> PyResult<()> {
    let arrays = unwrapped(arrays);
    try_run(py, || npz::save(&path, &arrays))
}

/// The state dictionary of a file of PyTorch; nothing in it is executed.
#[pyfunction]
pub fn load_pytorch(py: Python<'_>, path: PathBuf) -> PyResult<Named> {
    try_run(py, || pytorch::load(&path)).map(wrapped)
}
