//! Random numbers.

use crate::arguments::{self, DType};
use crate::errors::run;
use crate::tensor::{Tensor, shape};
use pyo3::prelude::*;
use wengert_tensor as engine;

const FLOAT: DType = DType(engine::DType::F32);

/// A stream of random numbers: the same seed gives the same numbers on every machine and device.
#[pyclass(frozen, module = "wengert")]
pub struct Generator(pub engine::Generator);

#[pymethods]
impl Generator {
    #[new]
    #[pyo3(signature = (seed=0))]
    fn new(seed: u64) -> Generator {
        Generator(engine::Generator::new(seed))
    }

    /// The `n`-th of many streams of this seed, at its beginning.
    fn stream(&self, n: u64) -> Generator {
        Generator(self.0.stream(n))
    }

    /// Seed, stream and position.
    #[getter]
    fn state(&self) -> (u64, u64, u64) {
        let state = self.0.state();
        (state.seed, state.stream, state.offset)
    }

    /// Floats spread evenly over `[low, high)`.
    #[pyo3(signature = (size, low=0.0, high=1.0, dtype=FLOAT))]
    fn uniform(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::counts)] size: Vec<usize>,
        low: f64,
        high: f64,
        dtype: DType,
    ) -> PyResult<Tensor> {
        run(py, || self.0.uniform(shape(size), low, high, dtype.0)).map(Tensor)
    }

    /// Normal floats.
    #[pyo3(signature = (size, mean=0.0, std=1.0, dtype=FLOAT))]
    fn normal(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::counts)] size: Vec<usize>,
        mean: f64,
        std: f64,
        dtype: DType,
    ) -> PyResult<Tensor> {
        run(py, || self.0.normal(shape(size), mean, std, dtype.0)).map(Tensor)
    }

    /// Floats with density λ e^(−λx).
    #[pyo3(signature = (size, rate=1.0, dtype=FLOAT))]
    fn exponential(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::counts)] size: Vec<usize>,
        rate: f64,
        dtype: DType,
    ) -> PyResult<Tensor> {
        run(py, || self.0.exponential(shape(size), rate, dtype.0)).map(Tensor)
    }

    /// Standard Gumbel floats.
    #[pyo3(signature = (size, dtype=FLOAT))]
    fn gumbel(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::counts)] size: Vec<usize>,
        dtype: DType,
    ) -> PyResult<Tensor> {
        run(py, || self.0.gumbel(shape(size), dtype.0)).map(Tensor)
    }

    /// i64 spread evenly over `low..high`.
    fn randint(
        &self,
        py: Python<'_>,
        low: i64,
        high: i64,
        #[pyo3(from_py_with = arguments::counts)] size: Vec<usize>,
    ) -> PyResult<Tensor> {
        run(py, || self.0.randint(low, high, shape(size))).map(Tensor)
    }

    /// 0, 1, …, n − 1 in random order.
    fn randperm(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] n: usize,
    ) -> PyResult<Tensor> {
        run(py, || self.0.randperm(n)).map(Tensor)
    }

    /// 1 with the probability that each element gives, 0 otherwise.
    fn bernoulli(&self, py: Python<'_>, probability: Tensor) -> PyResult<Tensor> {
        run(py, || self.0.bernoulli(&probability.0)).map(Tensor)
    }

    fn __repr__(&self) -> String {
        let (seed, stream, position) = self.state();
        format!("Generator(seed={seed}, stream={stream}, position={position})")
    }
}
