//! Initial values of parameters, in place.

use crate::arguments;
use crate::errors::{refused, run};
use crate::generator::Generator;
use crate::tensor::Tensor;
use pyo3::prelude::*;
use wengert_nn::init::{self, Fan, Gain};

/// Uniform over `[low, high)`.
#[pyfunction]
pub fn init_uniform_(
    py: Python<'_>,
    tensor: Tensor,
    low: f64,
    high: f64,
    generator: &Generator,
) -> PyResult<()> {
    run(py, || init::uniform_(&tensor.0, low, high, &generator.0))
}

/// Normal.
#[pyfunction]
pub fn init_normal_(
    py: Python<'_>,
    tensor: Tensor,
    mean: f64,
    std: f64,
    generator: &Generator,
) -> PyResult<()> {
    run(py, || init::normal_(&tensor.0, mean, std, &generator.0))
}

/// Normal between two bounds.
#[pyfunction]
pub fn init_trunc_normal_(
    py: Python<'_>,
    tensor: Tensor,
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
    generator: &Generator,
) -> PyResult<()> {
    run(py, || init::trunc_normal_(&tensor.0, mean, std, low, high, &generator.0))
}

/// Glorot and Bengio's uniform values.
#[pyfunction]
pub fn init_xavier_uniform_(
    py: Python<'_>,
    tensor: Tensor,
    gain: f64,
    generator: &Generator,
) -> PyResult<()> {
    run(py, || init::xavier_uniform_(&tensor.0, gain, &generator.0))
}

/// Glorot and Bengio's normal values.
#[pyfunction]
pub fn init_xavier_normal_(py: Python<'_>, tensor: Tensor, gain: f64, generator: &Generator) -> PyResult<()> {
    run(py, || init::xavier_normal_(&tensor.0, gain, &generator.0))
}

/// He and others' uniform values.
#[pyfunction]
pub fn init_kaiming_uniform_(
    py: Python<'_>,
    tensor: Tensor,
    mode: &str,
    nonlinearity: &str,
    a: f64,
    generator: &Generator,
) -> PyResult<()> {
    let (fan, gain) = (fan(mode)?, gain(nonlinearity, a)?);
    run(py, || init::kaiming_uniform_(&tensor.0, fan, gain, &generator.0))
}

/// He and others' normal values.
#[pyfunction]
pub fn init_kaiming_normal_(
    py: Python<'_>,
    tensor: Tensor,
    mode: &str,
    nonlinearity: &str,
    a: f64,
    generator: &Generator,
) -> PyResult<()> {
    let (fan, gain) = (fan(mode)?, gain(nonlinearity, a)?);
    run(py, || init::kaiming_normal_(&tensor.0, fan, gain, &generator.0))
}

/// Orthogonal rows.
#[pyfunction]
pub fn init_orthogonal_(py: Python<'_>, tensor: Tensor, gain: f64, generator: &Generator) -> PyResult<()> {
    run(py, || init::orthogonal_(&tensor.0, gain, &generator.0))
}

/// Convolutions that pass their input on.
#[pyfunction]
pub fn init_dirac_(
    py: Python<'_>,
    tensor: Tensor,
    #[pyo3(from_py_with = arguments::count)] groups: usize,
) -> PyResult<()> {
    run(py, || init::dirac_(&tensor.0, groups))
}

fn fan(mode: &str) -> PyResult<Fan> {
    match mode {
        "fan_in" => Ok(Fan::In),
        "fan_out" => Ok(Fan::Out),
        other => Err(refused(format!("mode is '{other}'; it must be 'fan_in' or 'fan_out'"))),
    }
}

fn gain(nonlinearity: &str, slope: f64) -> PyResult<Gain> {
    match nonlinearity {
        "linear" | "sigmoid" => Ok(Gain::Linear),
        "tanh" => Ok(Gain::Tanh),
        "relu" => Ok(Gain::ReLU),
        "leaky_relu" => Ok(Gain::LeakyReLU(slope)),
        "selu" => Ok(Gain::SELU),
        other => Err(refused(format!(
            "nonlinearity is '{other}'; it must be 'linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'selu'"
        ))),
    }
}
