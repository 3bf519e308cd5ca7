//! The class `Tensor`.

mod binary;
mod indexing;
mod losses;
mod networks;
mod reductions;
mod shapes;
mod unary;

use crate::arguments::{self, DType};
use crate::errors::{refused, run, try_run};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyTuple};
use wengert_tensor as engine;
use wengert_tensor::autograd::{BackwardOptions, is_grad_enabled};
use wengert_tensor::{Element, Shape};

/// An n-dimensional array that remembers how it was computed. Made by `wengert.tensor` and its relatives; operators and
/// methods have PyTorch's names.
#[pyclass(frozen, from_py_object, module = "wengert", weakref)]
#[derive(Clone)]
pub struct Tensor(pub engine::Tensor);

impl Tensor {
    /// What a method of the engine makes of this tensor.
    fn map(
        &self,
        py: Python<'_>,
        method: impl FnOnce(&engine::Tensor) -> engine::Tensor + Send,
    ) -> PyResult<Tensor> {
        run(py, || method(&self.0)).map(Tensor)
    }

    /// An exception unless this tensor may be changed in place.
    fn check_in_place(&self) -> PyResult<()> {
        if !is_grad_enabled() || !self.0.requires_grad() {
            return Ok(());
        }
        Err(PyRuntimeError::new_err(format!(
            "{} requires a gradient and cannot be changed in place while ops are recorded; do it inside of \
             wengert.no_grad(), or write y = y + x",
            self.0.label()
        )))
    }

    /// Overwrites the elements with what `method` makes of them.
    fn change(
        &self,
        py: Python<'_>,
        method: impl FnOnce(&engine::Tensor) -> engine::Tensor + Send,
    ) -> PyResult<()> {
        self.check_in_place()?;
        try_run(py, || self.0.assign(&engine::no_grad(|| method(&self.0))))
    }
}

/// What it is.
#[pymethods]
impl Tensor {
    /// Sizes of the axes.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.dims())
    }

    /// Sizes of the axes, or of one.
    #[pyo3(signature = (dim=None))]
    fn size<'py>(&self, py: Python<'py>, dim: Option<isize>) -> PyResult<Bound<'py, PyAny>> {
        match dim {
            None => Ok(self.shape(py)?.into_any()),
            Some(dim) => Ok(run(py, || self.0.dim(dim))?.into_pyobject(py)?.into_any()),
        }
    }

    /// Number of axes.
    #[getter]
    fn ndim(&self) -> usize {
        self.0.rank()
    }

    /// Number of axes.
    fn dim(&self) -> usize {
        self.0.rank()
    }

    /// Number of elements.
    fn numel(&self) -> usize {
        self.0.numel()
    }

    /// Element type.
    #[getter]
    fn dtype(&self) -> DType {
        DType(self.0.dtype())
    }

    /// Where the elements lie, such as `cpu` or `cuda:0`.
    #[getter]
    fn device(&self) -> String {
        self.0.device().to_string()
    }

    /// Distances in elements between neighbours along each axis.
    fn stride<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.value().layout().strides())
    }

    /// Whether the elements lie row-major and without gaps.
    fn is_contiguous(&self) -> bool {
        self.0.is_contiguous()
    }

    /// The name that graphs and errors show, `None` where it has none. Only tensors made by the user can be named.
    #[getter]
    fn name(&self) -> Option<String> {
        self.0.name().map(|name| name.to_string())
    }

    #[setter]
    fn set_name(&self, name: &str) {
        self.0.set_name(name);
    }

    /// Whether two tensors are handles to one: `is` compares the handles.
    fn is_same(&self, other: Tensor) -> bool {
        self.0.address() == other.0.address()
    }

    /// Whether two tensors look onto the same memory.
    fn shares_storage(&self, other: Tensor) -> bool {
        self.0.value().shares_storage(other.0.value())
    }

    fn __len__(&self) -> PyResult<usize> {
        self.0
            .dims()
            .first()
            .copied()
            .ok_or_else(|| PyTypeError::new_err("a tensor without axes has no length"))
    }

    fn __hash__(&self) -> usize {
        self.0.address()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        run(py, || self.0.to_string())
    }
}

/// Its elements.
#[pymethods]
impl Tensor {
    /// The only element as a number of Python.
    fn item<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.0.numel() != 1 {
            return Err(refused(format!("item: needs exactly one element, got shape {}", self.0.shape())));
        }
        element(py, &self.0, 0)
    }

    /// The elements as numbers of Python, in nested lists.
    fn tolist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.0.rank() == 0 {
            return self.item(py);
        }
        match self.0.dtype() {
            engine::DType::F32 => self.lists::<f32>(py),
            engine::DType::F64 => self.lists::<f64>(py),
            engine::DType::I64 => self.lists::<i64>(py),
            engine::DType::U8 => self.lists::<u8>(py),
            engine::DType::Bool => self.lists::<bool>(py),
        }
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<f64> {
        self.item(py)?.extract()
    }

    /// As `int` has it: towards zero, of any size, and an exception where there is no whole number.
    fn __int__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.get_type::<PyInt>().call1((self.item(py)?,))
    }

    fn __index__(&self, py: Python<'_>) -> PyResult<i64> {
        match self.0.dtype() {
            engine::DType::I64 | engine::DType::U8 => self.item(py)?.extract(),
            other => Err(PyTypeError::new_err(format!("only whole numbers are indices, not {other}"))),
        }
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        self.item(py)?.is_truthy()
    }
}

impl Tensor {
    fn lists<'py, T>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>
    where
        T: Element + IntoPyObject<'py>,
    {
        let elements = run(py, || self.0.to_vec::<T>())?;
        nested(py, &elements, self.0.dims())
    }
}

fn nested<'py, T>(py: Python<'py>, elements: &[T], dims: &[usize]) -> PyResult<Bound<'py, PyAny>>
where
    T: Copy + IntoPyObject<'py>,
{
    let [size, inner @ ..] = dims else {
        return elements[0].into_bound_py_any(py);
    };
    let width = inner.iter().product::<usize>();
    let parts = (0..*size).map(|i| nested(py, &elements[i * width..(i + 1) * width], inner));
    Ok(PyList::new(py, parts.collect::<PyResult<Vec<_>>>()?)?.into_any())
}

/// Gradients.
#[pymethods]
impl Tensor {
    /// Whether ops on this tensor are recorded.
    #[getter]
    fn requires_grad(&self) -> bool {
        self.0.requires_grad()
    }

    #[setter]
    #[pyo3(name = "requires_grad")]
    fn set_requires_grad(&self, py: Python<'_>, requires_grad: bool) -> PyResult<()> {
        run(py, || self.0.set_requires_grad(requires_grad))
    }

    /// Asks for a gradient, or no longer, and returns the tensor.
    #[pyo3(signature = (requires_grad=true))]
    fn requires_grad_<'py>(
        slf: PyRef<'py, Self>,
        py: Python<'py>,
        requires_grad: bool,
    ) -> PyResult<PyRef<'py, Self>> {
        slf.set_requires_grad(py, requires_grad)?;
        Ok(slf)
    }

    /// Whether the user made this tensor, rather than a recorded op.
    #[getter]
    fn is_leaf(&self) -> bool {
        self.0.is_leaf()
    }

    /// Name of the recorded op that made this tensor.
    #[getter]
    fn grad_fn(&self) -> Option<&'static str> {
        self.0.grad_fn()
    }

    /// What `backward` has added up for this leaf.
    #[getter]
    fn grad(&self) -> Option<Tensor> {
        self.0.grad().map(Tensor)
    }

    #[setter]
    fn set_grad(&self, py: Python<'_>, grad: Option<Tensor>) -> PyResult<()> {
        run(py, || self.0.set_grad(grad.map(|grad| grad.0)))
    }

    /// Forgets the gradient.
    fn zero_grad(&self) {
        self.0.zero_grad();
    }

    /// Adds the gradient of this scalar, or of ⟨self, gradient⟩, into `grad` of every leaf it depends on.
    #[pyo3(signature = (gradient=None, *, retain_graph=false, create_graph=false))]
    fn backward(
        &self,
        py: Python<'_>,
        gradient: Option<Tensor>,
        retain_graph: bool,
        create_graph: bool,
    ) -> PyResult<()> {
        let options = BackwardOptions { create_graph, retain_graph };
        try_run(py, || match gradient {
            None => self.0.backward_with(options, |_| {}),
            Some(gradient) => self.0.backward_from(&gradient.0, options),
        })
    }

    /// The same elements without history; the memory is shared.
    fn detach(&self) -> Tensor {
        Tensor(self.0.detach())
    }

    /// The same elements in memory of their own, without history.
    fn copy(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, engine::Tensor::copy)
    }
}

/// Places, types and changes in place.
#[pymethods]
impl Tensor {
    /// The same elements in another type, or on another device; with the latter, without history.
    #[pyo3(signature = (target=None, *, dtype=None, device=None))]
    fn to(
        &self,
        py: Python<'_>,
        target: Option<&Bound<'_, PyAny>>,
        dtype: Option<DType>,
        device: Option<&str>,
    ) -> PyResult<Tensor> {
        let mut tensor = self.0.clone();
        let (mut dtype, mut device) = (dtype, device.map(str::to_owned));
        if let Some(target) = target {
            match target.extract::<DType>() {
                Ok(found) => dtype = Some(found),
                Err(_) => device = Some(target.extract::<String>()?),
            }
        }
        if let Some(dtype) = dtype.filter(|dtype| dtype.0 != tensor.dtype()) {
            tensor = run(py, || tensor.to_dtype(dtype.0))?;
        }
        if let Some(device) = device {
            let device = arguments::device(&device)?;
            if device != tensor.device() {
                tensor = try_run(py, || tensor.to_device(device))?;
            }
        }
        Ok(Tensor(tensor))
    }

    /// The elements in main memory.
    fn cpu(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.to(py, None, None, Some("cpu"))
    }

    /// As f32.
    fn float(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.to(py, None, Some(DType(engine::DType::F32)), None)
    }

    /// As f64.
    fn double(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.to(py, None, Some(DType(engine::DType::F64)), None)
    }

    /// As i64.
    fn long(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.to(py, None, Some(DType(engine::DType::I64)), None)
    }

    /// As truth values.
    fn bool(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.to(py, None, Some(DType(engine::DType::Bool)), None)
    }

    /// Overwrites the elements with those of `source`, which must have this shape and type.
    fn copy_<'py>(slf: PyRef<'py, Self>, py: Python<'py>, source: Tensor) -> PyResult<PyRef<'py, Self>> {
        slf.change(py, |_| source.0)?;
        Ok(slf)
    }

    /// Overwrites every element.
    fn fill_<'py>(slf: PyRef<'py, Self>, py: Python<'py>, value: f64) -> PyResult<PyRef<'py, Self>> {
        slf.change(py, |tensor| tensor.full_like(value))?;
        Ok(slf)
    }

    /// Overwrites every element with 0.
    fn zero_<'py>(slf: PyRef<'py, Self>, py: Python<'py>) -> PyResult<PyRef<'py, Self>> {
        Self::fill_(slf, py, 0.0)
    }

    /// Zeros of this shape and type.
    fn zeros_like(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, engine::Tensor::zeros_like)
    }

    /// Ones of this shape and type.
    fn ones_like(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, engine::Tensor::ones_like)
    }

    /// One value in this shape and type.
    fn full_like(&self, py: Python<'_>, fill_value: f64) -> PyResult<Tensor> {
        self.map(py, |tensor| tensor.full_like(fill_value))
    }
}

/// One element, by its position in row-major order, as a number of Python.
fn element<'py>(py: Python<'py>, tensor: &engine::Tensor, at: usize) -> PyResult<Bound<'py, PyAny>> {
    Ok(match tensor.dtype() {
        engine::DType::F32 => tensor.to_vec::<f32>()[at].into_pyobject(py)?.into_any(),
        engine::DType::F64 => tensor.to_vec::<f64>()[at].into_pyobject(py)?.into_any(),
        engine::DType::I64 => tensor.to_vec::<i64>()[at].into_pyobject(py)?.into_any(),
        engine::DType::U8 => tensor.to_vec::<u8>()[at].into_pyobject(py)?.into_any(),
        engine::DType::Bool => tensor.to_vec::<bool>()[at].into_pyobject(py)?.to_owned().into_any(),
    })
}

/// A shape of the engine.
pub fn shape(sizes: Vec<usize>) -> Shape {
    Shape::from(sizes)
}
