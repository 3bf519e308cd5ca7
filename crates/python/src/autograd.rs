//! Differentiation beside `Tensor.backward`.

use crate::arguments::handles;
use crate::errors::{call_python, try_run};
use crate::tensor::Tensor;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use wengert_tensor as engine;
use wengert_tensor::autograd::{self, BackwardOptions, Check, GradOptions};

/// Gradients of Σ ⟨outputs, grad_outputs⟩ with respect to `inputs`; nothing is added to any `grad`.
#[pyfunction]
pub fn grad(
    py: Python<'_>,
    outputs: Vec<Tensor>,
    inputs: Vec<Tensor>,
    grad_outputs: Option<Vec<Tensor>>,
    retain_graph: bool,
    create_graph: bool,
    materialize_grads: bool,
) -> PyResult<Vec<Tensor>> {
    let (outputs, inputs) = (handles(outputs), handles(inputs));
    let (outputs, inputs): (Vec<_>, Vec<_>) = (outputs.iter().collect(), inputs.iter().collect());
    let options = GradOptions { create_graph, retain_graph, unused_as_zeros: materialize_grads };
    let cotangents = grad_outputs.map(handles);
    let gradients = try_run(py, || match &cotangents {
        None => autograd::grad(&outputs, &inputs, options),
        Some(cotangents) => {
            autograd::grad_from(&outputs, &cotangents.iter().collect::<Vec<_>>(), &inputs, options)
        }
    })?;
    Ok(gradients.into_iter().map(Tensor).collect())
}

/// Whether ops on this thread are being recorded.
#[pyfunction]
pub fn is_grad_enabled() -> bool {
    autograd::is_grad_enabled()
}

/// Switches recording on this thread on or off, and returns what it was.
#[pyfunction]
pub fn set_grad_enabled(enabled: bool) -> bool {
    autograd::set_grad_enabled(enabled)
}

/// A function of Python as the engine calls it.
struct Function(Py<PyAny>);

impl Function {
    fn one(&self, x: &engine::Tensor) -> engine::Tensor {
        call_python(|py| self.0.call1(py, (Tensor(x.clone()),))?.extract::<Tensor>(py).map_err(Into::into)).0
    }

    fn several(&self, inputs: &[engine::Tensor]) -> engine::Tensor {
        call_python(|py| {
            let inputs = PyTuple::new(py, inputs.iter().map(|input| Tensor(input.clone())))?;
            self.0.call1(py, inputs)?.extract::<Tensor>(py).map_err(Into::into)
        })
        .0
    }
}

/// f(x) and vᵀ·∂f/∂x.
#[pyfunction]
pub fn vjp(py: Python<'_>, function: Py<PyAny>, x: Tensor, v: Tensor) -> PyResult<(Tensor, Tensor)> {
    let function = Function(function);
    let (value, product) = try_run(py, || autograd::vjp(|x| function.one(x), &x.0, &v.0))?;
    Ok((Tensor(value), Tensor(product)))
}

/// f(x) and ∂f/∂x·v.
#[pyfunction]
pub fn jvp(py: Python<'_>, function: Py<PyAny>, x: Tensor, v: Tensor) -> PyResult<(Tensor, Tensor)> {
    let function = Function(function);
    let (value, product) = try_run(py, || autograd::jvp(|x| function.one(x), &x.0, &v.0))?;
    Ok((Tensor(value), Tensor(product)))
}

/// ∂²f/∂x²·v of a scalar function.
#[pyfunction]
pub fn hvp(py: Python<'_>, function: Py<PyAny>, x: Tensor, v: Tensor) -> PyResult<Tensor> {
    let function = Function(function);
    try_run(py, || autograd::hvp(|x| function.one(x), &x.0, &v.0)).map(Tensor)
}

/// ∂f/∂x, of shape `[f(x)…, x…]`.
#[pyfunction]
pub fn jacobian(py: Python<'_>, function: Py<PyAny>, x: Tensor) -> PyResult<Tensor> {
    let function = Function(function);
    try_run(py, || autograd::jacobian(|x| function.one(x), &x.0)).map(Tensor)
}

/// ∂²f/∂x² of a scalar function, of shape `[x…, x…]`.
#[pyfunction]
pub fn hessian(py: Python<'_>, function: Py<PyAny>, x: Tensor) -> PyResult<Tensor> {
    let function = Function(function);
    try_run(py, || autograd::hessian(|x| function.one(x), &x.0)).map(Tensor)
}

/// Whether gradients agree with finite differences in f64, and the worst of them in words.
#[pyfunction]
pub fn gradcheck(
    py: Python<'_>,
    function: Py<PyAny>,
    inputs: Vec<Tensor>,
    eps: f64,
    atol: f64,
    rtol: f64,
    second: bool,
) -> PyResult<(bool, String)> {
    let (function, inputs) = (Function(function), handles(inputs));
    let check = Check { epsilon: eps, relative: rtol, absolute: atol };
    let report = try_run(py, || match second {
        false => autograd::gradcheck(|x| function.several(x), &inputs, check),
        true => autograd::gradgradcheck(|x| function.several(x), &inputs, check),
    })?;
    Ok((report.passed(), report.to_string()))
}

/// f(inputs) without what its backward pass needs; that is computed again when it is needed.
#[pyfunction]
#[pyo3(signature = (function, *inputs))]
pub fn checkpoint(py: Python<'_>, function: Py<PyAny>, inputs: Vec<Tensor>) -> PyResult<Tensor> {
    let (function, inputs) = (Function(function), handles(inputs));
    let again = move |x: &[engine::Tensor]| function.several(x);
    try_run(py, || autograd::checkpoint(again, &inputs.iter().collect::<Vec<_>>())).map(Tensor)
}

/// One step of the walk back, as `Tensor.backward_with` shows it.
type Step = (usize, String, String, Tensor, Vec<Option<Tensor>>);

#[pymethods]
impl Tensor {
    /// Calls `hook` with this tensor's complete cotangent in every backward pass; what it returns, unless `None`, replaces
    /// it.
    fn register_hook(&self, hook: Py<PyAny>) {
        self.0.register_hook(move |cotangent| {
            let replaced = call_python(|py| {
                let answer = hook.call1(py, (Tensor(cotangent.clone()),))?;
                answer.extract::<Option<Tensor>>(py).map_err(Into::into)
            });
            replaced.map(|tensor: Tensor| tensor.0)
        });
    }

    /// As `backward`, and calls `observer(position, op, layer, cotangent, gradients)` after each step of the walk.
    #[pyo3(signature = (observer, *, retain_graph=false, create_graph=false))]
    fn backward_with(
        &self,
        py: Python<'_>,
        observer: Py<PyAny>,
        retain_graph: bool,
        create_graph: bool,
    ) -> PyResult<()> {
        let options = BackwardOptions { create_graph, retain_graph };
        try_run(py, || {
            self.0.backward_with(options, |step| {
                let gradients = step.gradients.iter().map(|gradient| gradient.clone().map(Tensor)).collect();
                let (name, scope) = (step.op.name().to_owned(), step.scope.to_owned());
                let shown: Step = (step.position, name, scope, Tensor(step.cotangent.clone()), gradients);
                call_python(|py| observer.call1(py, shown).map(|_| ()));
            })
        })
    }
}
