//! Tensors out of and into other libraries.
//!
//! What leaves is lent: other libraries see the very memory, read-only, for as long as they keep it. A change of the tensor in
//! place moves its elements to other memory first. What comes in is borrowed: the engine reads the memory of its owner and
//! never writes to it.

mod dlpack;
mod lists;

use crate::errors::{refused, run};
use crate::tensor::Tensor;
use pyo3::exceptions::{PyBufferError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use wengert_tensor as engine;
use wengert_tensor::memory::Lease;

pub use lists::from_nested;

/// The first version of DLPack that can say that memory must not be written.
const VERSION: (u32, u32) = (1, 0);

/// A tensor of what has `__dlpack__`: of the same memory, unless `copy` is true or it cannot be shared.
#[pyfunction]
#[pyo3(signature = (array, copy=None))]
pub fn from_dlpack(py: Python<'_>, array: &Bound<'_, PyAny>, copy: Option<bool>) -> PyResult<Tensor> {
    if let Ok(tensor) = array.extract::<Tensor>() {
        return match copy {
            Some(true) => run(py, || tensor.0.copy()).map(Tensor),
            _ => Ok(Tensor(tensor.0.detach())),
        };
    }
    let wanted = PyDict::new(array.py());
    wanted.set_item("max_version", VERSION)?;
    // Producers from before version 1.0 know no such argument.
    let capsule = match array.call_method("__dlpack__", (), Some(&wanted)) {
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) => {
            array.call_method0("__dlpack__")?
        }
        other => other?,
    };
    dlpack::import(capsule.cast()?, copy).map(Tensor)
}

#[pymethods]
impl Tensor {
    /// NumPy defers to our operators instead of taking a tensor for an array of objects.
    #[classattr]
    #[pyo3(name = "__array_ufunc__")]
    fn array_ufunc() -> Option<bool> {
        None
    }

    /// The elements as an array of NumPy: read-only, of the same memory.
    fn numpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let lent = Lent::of(&self.0)?;
        py.import("numpy")?.call_method1("asarray", (lent,))
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let array = self.numpy(py)?;
        match (dtype, copy) {
            (Some(dtype), _) if !array.getattr("dtype")?.eq(&dtype)? => {
                array.call_method1("astype", (dtype,))
            }
            (_, Some(true)) => array.call_method0("copy"),
            _ => Ok(array),
        }
    }

    /// Memory for consumers of DLPack. From version 1.0 on it is the tensor's own, read-only; a consumer that knows no
    /// such flag, or asks for one, gets a copy.
    #[pyo3(signature = (*, stream=None, max_version=None, dl_device=None, copy=None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<Bound<'py, PyAny>>,
        max_version: Option<(u32, u32)>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if stream.is_some() {
            return Err(PyBufferError::new_err("a tensor in main memory has no stream"));
        }
        if dl_device.is_some_and(|device| device != dlpack::CPU) {
            return Err(PyBufferError::new_err("tensors are handed over in main memory, (1, 0)"));
        }
        let is_versioned = max_version.is_some_and(|version| version >= VERSION);
        let is_copied = copy == Some(true) || !is_versioned;
        if is_copied && copy == Some(false) {
            return Err(PyBufferError::new_err(
                "memory is shared read-only, which DLPack can say from version 1.0 on; ask for max_version=(1, 0), or \
                 allow a copy",
            ));
        }
        check_leaves(&self.0)?;
        let tensor = if is_copied { run(py, || self.0.copy())? } else { self.0.clone() };
        dlpack::export(py, &tensor, is_versioned, is_copied)
    }

    fn __dlpack_device__(&self) -> PyResult<(i32, i32)> {
        check_leaves(&self.0)?;
        Ok(dlpack::CPU)
    }
}

/// An exception unless the elements lie in main memory and no gradient would be lost on the way out.
fn check_leaves(tensor: &engine::Tensor) -> PyResult<()> {
    if tensor.device() != engine::Device::Cpu {
        return Err(PyRuntimeError::new_err(format!(
            "the tensor lies on {}; use .cpu() first",
            tensor.device()
        )));
    }
    if tensor.requires_grad() {
        return Err(PyRuntimeError::new_err(format!(
            "{} requires a gradient, which would be lost outside of wengert; use .detach() first",
            tensor.label()
        )));
    }
    Ok(())
}

/// The memory of a tensor as NumPy asks for it; kept alive by the array.
#[pyclass(frozen)]
struct Lent {
    _lease: Lease,
    address: usize,
    tensor: engine::Tensor,
}

impl Lent {
    fn of(tensor: &engine::Tensor) -> PyResult<Lent> {
        check_leaves(tensor)?;
        let (lease, first) = tensor.value().lend().map_err(|error| refused(error.to_string()))?;
        // Only shape, strides and type are read of the tensor, whose own elements may move.
        Ok(Lent { _lease: lease, address: first.addr(), tensor: tensor.detach() })
    }
}

#[pymethods]
impl Lent {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (dtype, layout) = (self.tensor.dtype(), self.tensor.value().layout());
        let size = dtype.size_of();
        let kind = match dtype {
            engine::DType::F32 | engine::DType::F64 => 'f',
            engine::DType::I64 => 'i',
            engine::DType::U8 => 'u',
            engine::DType::Bool => 'b',
        };
        let order = match (size, cfg!(target_endian = "little")) {
            (1, _) => '|',
            (_, true) => '<',
            (_, false) => '>',
        };
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("typestr", format!("{order}{kind}{size}"))?;
        interface.set_item("shape", PyTuple::new(py, layout.shape().iter())?)?;
        let strides = layout.strides().iter().map(|stride| stride * size as isize);
        interface.set_item("strides", PyTuple::new(py, strides)?)?;
        interface.set_item("data", (self.address, true))?;
        Ok(interface)
    }
}
