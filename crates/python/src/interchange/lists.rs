//! Numbers in nested lists.

use crate::arguments::DType;
use crate::errors::{refused, try_run};
use crate::tensor::{Tensor, shape};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyList, PyTuple};
use wengert_tensor as engine;

/// A tensor of numbers in nested lists or tuples: float32 for floats, int64 for whole numbers, bool for truth values, unless
/// `dtype` is given.
#[pyfunction]
#[pyo3(signature = (data, dtype=None))]
pub fn from_nested(py: Python<'_>, data: &Bound<'_, PyAny>, dtype: Option<DType>) -> PyResult<Tensor> {
    let mut gathered = Gathered::default();
    gathered.take(data, 0)?;
    let Gathered { sizes, numbers, wholes, kind } = gathered;
    let natural = match kind {
        Kind::Truth => engine::DType::Bool,
        Kind::Whole => engine::DType::I64,
        Kind::Float | Kind::None => engine::DType::F32,
    };
    let dtype = dtype.map_or(natural, |dtype| dtype.0);
    let sizes = shape(sizes);
    let tensor = try_run(py, || match dtype {
        engine::DType::F32 => {
            let numbers: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
            engine::Tensor::try_from_slice(&numbers, sizes)
        }
        engine::DType::F64 => engine::Tensor::try_from_slice(&numbers, sizes),
        // Beyond 2⁵³ an f64 does not hold every whole number.
        engine::DType::I64 if kind != Kind::Float => engine::Tensor::try_from_slice(&wholes, sizes),
        other => engine::Tensor::try_from_slice(&numbers, sizes).map(|tensor| tensor.to_dtype(other)),
    })?;
    Ok(Tensor(tensor))
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    #[default]
    None,
    Truth,
    Whole,
    Float,
}

/// What was found so far.
#[derive(Default)]
struct Gathered {
    sizes: Vec<usize>,
    numbers: Vec<f64>,
    wholes: Vec<i64>,
    kind: Kind,
}

impl Gathered {
    fn take(&mut self, data: &Bound<'_, PyAny>, depth: usize) -> PyResult<()> {
        let parts: Option<Vec<Bound<'_, PyAny>>> = match (data.cast::<PyList>(), data.cast::<PyTuple>()) {
            (Ok(list), _) => Some(list.iter().collect()),
            (_, Ok(tuple)) => Some(tuple.iter().collect()),
            _ => None,
        };
        let is_new = self.numbers.is_empty();
        let Some(parts) = parts else {
            if depth != self.sizes.len() {
                return Err(refused("the lists are not nested equally deep"));
            }
            return self.number(data);
        };
        if depth >= engine::MAX_RANK {
            return Err(refused(format!(
                "lists are nested deeper than {}, the most axes there can be",
                engine::MAX_RANK
            )));
        }
        match self.sizes.get(depth) {
            None if is_new => self.sizes.push(parts.len()),
            Some(&size) if size == parts.len() => {}
            Some(&size) => {
                return Err(refused(format!(
                    "lists at depth {depth} differ in length: {size} and {}",
                    parts.len()
                )));
            }
            None => return Err(refused("the lists are not nested equally deep")),
        }
        parts.iter().try_for_each(|part| self.take(part, depth + 1))
    }

    fn number(&mut self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let kind = match () {
            () if data.is_instance_of::<PyBool>() => Kind::Truth,
            () if data.is_instance_of::<PyInt>() => Kind::Whole,
            () => Kind::Float,
        };
        let number: f64 = data.extract().map_err(|_| {
            PyTypeError::new_err(format!("a tensor is made of numbers, not of {}", data.get_type()))
        })?;
        self.wholes.push(match kind {
            Kind::Float => number as i64,
            _ => data.extract::<i64>()?,
        });
        self.numbers.push(number);
        self.kind = self.kind.max(kind);
        Ok(())
    }
}
