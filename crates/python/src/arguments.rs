//! Arguments as Python gives them.

use crate::errors::refused;
use crate::tensor::Tensor;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use wengert_tensor as engine;
use wengert_tensor::{Device, PadMode, Reduction};

/// The type of a tensor's elements: `wengert.float32`, `float64`, `int64`, `uint8` or `bool`.
#[pyclass(frozen, eq, hash, from_py_object, module = "wengert")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DType(pub engine::DType);

impl DType {
    /// NumPy's and PyTorch's name.
    fn long_name(self) -> &'static str {
        match self.0 {
            engine::DType::F32 => "float32",
            engine::DType::F64 => "float64",
            engine::DType::I64 => "int64",
            engine::DType::U8 => "uint8",
            engine::DType::Bool => "bool",
        }
    }
}

#[pymethods]
impl DType {
    /// The type of this name, `float32` or `f32` and the like.
    #[new]
    fn new(name: &str) -> PyResult<DType> {
        let all = engine::DType::ALL.map(DType);
        all.into_iter().find(|dtype| dtype.long_name() == name || dtype.0.name() == name).ok_or_else(|| {
            let names = all.map(DType::long_name).join(", ");
            PyTypeError::new_err(format!("'{name}' is no element type; there are {names}"))
        })
    }

    /// The name, such as `float32`.
    #[getter]
    fn name(&self) -> &'static str {
        self.long_name()
    }

    /// Bytes of one element.
    #[getter]
    fn itemsize(&self) -> usize {
        self.0.size_of()
    }

    /// Whether elements are floats, the only ones that have gradients.
    #[getter]
    fn is_floating_point(&self) -> bool {
        self.0.is_float()
    }

    fn __repr__(&self) -> String {
        format!("wengert.{}", self.long_name())
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, (&'static str,))> {
        Ok((py.get_type::<DType>().into_any().unbind(), (self.long_name(),)))
    }
}

/// The other operand of a binary op.
#[derive(FromPyObject)]
pub enum Operand {
    Tensor(Tensor),
    Whole(i64),
    Number(f64),
}

/// An [`Operand`] next to a tensor.
pub enum Beside {
    Tensor(engine::Tensor),
    Number(f64),
}

impl Operand {
    /// As the engine takes it, whose numbers are f64: next to whole ones, a whole number that f64 does not have is a tensor
    /// of its own.
    pub fn beside(self, tensor: &engine::Tensor) -> Beside {
        match self {
            Operand::Tensor(other) => Beside::Tensor(other.0),
            Operand::Whole(number)
                if tensor.dtype() == engine::DType::I64 && number as f64 as i128 != i128::from(number) =>
            {
                Beside::Tensor(engine::on_device(tensor.device(), || engine::Tensor::scalar(number)))
            }
            Operand::Whole(number) => Beside::Number(number as f64),
            Operand::Number(number) => Beside::Number(number),
        }
    }
}

/// A number from 0 on.
pub fn count(argument: &Bound<'_, PyAny>) -> PyResult<usize> {
    let number: isize = argument.extract()?;
    usize::try_from(number)
        .map_err(|_| refused(format!("{number} is negative; it must be a whole number from 0 on")))
}

/// Numbers from 0 on.
pub fn counts(argument: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    argument.extract::<Vec<Bound<'_, PyAny>>>()?.iter().map(count).collect()
}

/// The entry of a table that `padding_idx` means, where −1 is the last.
pub fn padding_entry(padding_idx: isize, entries: usize) -> PyResult<usize> {
    let entry =
        if padding_idx < 0 { entries.checked_add_signed(padding_idx) } else { padding_idx.try_into().ok() };
    entry.filter(|&entry| entry < entries).ok_or_else(|| {
        refused(format!(
            "padding_idx is {padding_idx}; of {entries} entries it must lie in -{entries}..{entries}"
        ))
    })
}

/// Axes to reduce: none means all of them.
#[derive(FromPyObject)]
pub enum Axes {
    One(isize),
    Several(Vec<isize>),
}

impl Axes {
    /// As the engine takes them, where no axes are all axes.
    pub fn list(axes: Option<Axes>) -> Vec<isize> {
        match axes {
            None => Vec::new(),
            Some(Axes::One(axis)) => vec![axis],
            Some(Axes::Several(axes)) => axes,
        }
    }
}

/// One number from 0 on for every axis, or one each.
#[derive(Clone)]
pub enum PerAxis {
    Same(usize),
    Each(Vec<usize>),
}

impl<'py> FromPyObject<'_, 'py> for PerAxis {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match argument.extract::<Vec<Bound<'py, PyAny>>>() {
            Ok(sizes) => sizes.iter().map(count).collect::<PyResult<_>>().map(PerAxis::Each),
            Err(_) => count(&argument).map(PerAxis::Same),
        }
    }
}

impl PerAxis {
    pub fn per_axis<const D: usize>(self, name: &str) -> PyResult<[usize; D]> {
        match self {
            PerAxis::Same(size) => Ok([size; D]),
            PerAxis::Each(sizes) => sizes.try_into().map_err(|sizes: Vec<usize>| {
                refused(format!("{name} takes one number or {D}, got {}", sizes.len()))
            }),
        }
    }
}

/// Padding of an axis: the same before and after.
pub fn both_sides<const D: usize>(padding: PerAxis) -> PyResult<[(usize, usize); D]> {
    Ok(padding.per_axis::<D>("padding")?.map(|size| (size, size)))
}

/// Sizes given as `2, 3` or as `(2, 3)`.
pub fn sizes<'py, T: for<'a> FromPyObject<'a, 'py>>(arguments: &Bound<'py, PyTuple>) -> PyResult<Vec<T>> {
    if arguments.len() == 1
        && let Ok(list) = arguments.get_item(0)?.extract::<Vec<T>>()
    {
        return Ok(list);
    }
    arguments.iter().map(|size| size.extract::<T>().map_err(Into::into)).collect()
}

/// A place by its name, such as `cpu` or `cuda:0`.
pub fn device(name: &str) -> PyResult<Device> {
    name.parse().map_err(|error: String| refused(error))
}

/// How the losses of elements become the result: `none`, `mean` or `sum`.
pub fn reduction(name: &str) -> PyResult<Reduction> {
    match name {
        "none" => Ok(Reduction::None),
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        other => Err(refused(format!("reduction is '{other}'; it must be 'none', 'mean' or 'sum'"))),
    }
}

/// How to pad: `constant`, `reflect`, `replicate` or `circular`.
pub fn pad_mode(name: &str, value: f64) -> PyResult<PadMode> {
    match name {
        "constant" => Ok(PadMode::Constant(value)),
        "reflect" => Ok(PadMode::Reflect),
        "replicate" => Ok(PadMode::Replicate),
        "circular" => Ok(PadMode::Circular),
        other => Err(refused(format!(
            "mode is '{other}'; it must be 'constant', 'reflect', 'replicate' or 'circular'"
        ))),
    }
}

/// Handles of the engine.
pub fn handles(tensors: Vec<Tensor>) -> Vec<engine::Tensor> {
    tensors.into_iter().map(|tensor| tensor.0).collect()
}
