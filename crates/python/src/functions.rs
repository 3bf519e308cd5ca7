//! Tensors from nothing and from several.

use crate::arguments::{self, DType, device, handles};
use crate::errors::{refused, run, try_run};
use crate::tensor::{Tensor, shape};
use pyo3::prelude::*;
use wengert_tensor as engine;
use wengert_tensor::on_device;

/// `size` filled with one value.
#[pyfunction]
#[pyo3(signature = (size, fill_value, dtype, device="cpu"))]
pub fn full(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::counts)] size: Vec<usize>,
    fill_value: f64,
    dtype: DType,
    device: &str,
) -> PyResult<Tensor> {
    let device = self::device(device)?;
    run(py, || on_device(device, || engine::Tensor::full(shape(size), fill_value, dtype.0))).map(Tensor)
}

/// i64 numbers `start, start + step, …` before `end`.
#[pyfunction]
pub fn arange(py: Python<'_>, start: i64, end: i64, step: i64) -> PyResult<Tensor> {
    run(py, || engine::Tensor::arange(start, end, step)).map(Tensor)
}

/// `steps` evenly spaced floats from `start` to `end`, both included.
#[pyfunction]
pub fn linspace(
    py: Python<'_>,
    start: f64,
    end: f64,
    #[pyo3(from_py_with = arguments::count)] steps: usize,
    dtype: DType,
) -> PyResult<Tensor> {
    run(py, || engine::Tensor::linspace(start, end, steps, dtype.0)).map(Tensor)
}

/// The identity matrix.
#[pyfunction]
pub fn eye(
    py: Python<'_>,
    #[pyo3(from_py_with = arguments::count)] n: usize,
    dtype: DType,
) -> PyResult<Tensor> {
    run(py, || engine::Tensor::eye(n, dtype.0)).map(Tensor)
}

/// Tensors one after another along an axis.
#[pyfunction]
#[pyo3(signature = (tensors, dim=0))]
pub fn cat(py: Python<'_>, tensors: Vec<Tensor>, dim: isize) -> PyResult<Tensor> {
    joined(py, tensors, |parts| engine::Tensor::cat(parts, dim))
}

/// Tensors of one shape along a new axis.
#[pyfunction]
#[pyo3(signature = (tensors, dim=0))]
pub fn stack(py: Python<'_>, tensors: Vec<Tensor>, dim: isize) -> PyResult<Tensor> {
    joined(py, tensors, |parts| engine::Tensor::stack(parts, dim))
}

fn joined(
    py: Python<'_>,
    tensors: Vec<Tensor>,
    join: impl FnOnce(&[&engine::Tensor]) -> engine::Tensor + Send,
) -> PyResult<Tensor> {
    if tensors.is_empty() {
        return Err(refused("there must be at least one tensor"));
    }
    let tensors = handles(tensors);
    run(py, || join(&tensors.iter().collect::<Vec<_>>())).map(Tensor)
}

/// `input` where the condition is true, `other` elsewhere.
#[pyfunction(name = "where")]
pub fn where_(py: Python<'_>, condition: Tensor, input: Tensor, other: Tensor) -> PyResult<Tensor> {
    run(py, || condition.0.where_(&input.0, &other.0)).map(Tensor)
}

/// Sums of products by Einstein's convention, such as `bij,bjk->bik`.
#[pyfunction]
#[pyo3(signature = (equation, *operands))]
pub fn einsum(py: Python<'_>, equation: &str, operands: Vec<Tensor>) -> PyResult<Tensor> {
    let operands = handles(operands);
    try_run(py, || engine::ops::einsum::einsum(equation, &operands.iter().collect::<Vec<_>>())).map(Tensor)
}

/// Bytes held by living tensors.
#[pyfunction]
pub fn live_bytes() -> usize {
    engine::memory::live_bytes()
}

/// How many threads ops use, before the first of them has run; results are the same for any number.
#[pyfunction]
pub fn set_num_threads(#[pyo3(from_py_with = arguments::count)] count: usize) -> PyResult<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build_global();
    pool.map_err(|_| {
        refused("the threads have been started; call set_num_threads before the first op, or set RAYON_NUM_THREADS")
    })
}
