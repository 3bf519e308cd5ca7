//! Errors of the crates below as exceptions, and the way into the engine.

use pyo3::PyErr;
use pyo3::exceptions::{PyIndexError, PyMemoryError, PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::cell::RefCell;
use wengert_tensor::{Error, attempt, is_attempting};

/// Runs `body` in the engine while other Python threads go on. What a tensor method would panic with is an exception with
/// the same message.
pub fn run<R: Send>(py: Python<'_>, body: impl FnOnce() -> R + Send) -> PyResult<R> {
    py.detach(|| attempt(body)).map_err(|error| ESCAPED.take().unwrap_or_else(|| of_tensor(error)))
}

thread_local! {
    /// The exception of a Python function that the engine called, on its way through the engine.
    static ESCAPED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Calls a Python function from within the engine; its exception leaves the engine as the one of [`run`].
pub fn call_python<R>(function: impl FnOnce(Python<'_>) -> PyResult<R>) -> R {
    Python::attach(function).unwrap_or_else(|exception| {
        ESCAPED.set(Some(exception));
        std::panic::resume_unwind(Box::new("an exception of Python"))
    })
}

/// As [`run`], for what may fail in another way.
pub fn try_run<R: Send, E: Into<Failure> + Send>(
    py: Python<'_>,
    body: impl FnOnce() -> Result<R, E> + Send,
) -> PyResult<R> {
    run(py, body)?.map_err(|error| error.into().0)
}

/// Panics that [`run`] turns into exceptions are not reported on standard error as well.
pub fn keep_quiet_about_refusals() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_attempting() {
            report(panic);
        }
    }));
}

/// An error of one of the crates as an exception.
pub struct Failure(pub PyErr);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure(of_tensor(error))
    }
}

impl From<wengert_nn::Error> for Failure {
    fn from(error: wengert_nn::Error) -> Self {
        Failure(of_nn(error))
    }
}

impl From<wengert_data::Error> for Failure {
    fn from(error: wengert_data::Error) -> Self {
        Failure(of_models(error.into()))
    }
}

impl From<wengert_models::Error> for Failure {
    fn from(error: wengert_models::Error) -> Self {
        Failure(of_models(error))
    }
}

/// An argument that no op has seen yet.
pub fn refused(message: impl Into<String>) -> PyErr {
    PyValueError::new_err(message.into())
}

fn of_tensor(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::DType { .. } => PyTypeError::new_err(message),
        Error::Index { .. } => PyIndexError::new_err(message),
        Error::Io { .. } => PyOSError::new_err(message),
        Error::Cuda(_)
        | Error::Device { .. }
        | Error::NoGradient { .. }
        | Error::Autograd(_)
        | Error::ModifiedAfterSave { .. } => PyRuntimeError::new_err(message),
        Error::Refused(_) if message.starts_with("storage: ") => PyMemoryError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}

fn of_nn(error: wengert_nn::Error) -> PyErr {
    match error {
        wengert_nn::Error::Tensor(error) => of_tensor(error),
        other => PyValueError::new_err(other.to_string()),
    }
}

fn of_models(error: wengert_models::Error) -> PyErr {
    let message = error.to_string();
    match error {
        wengert_models::Error::Tensor(error) => of_tensor(error),
        wengert_models::Error::Nn(error) => of_nn(error),
        wengert_models::Error::NonFinite(_) => PyRuntimeError::new_err(message),
        wengert_models::Error::Io { .. } => PyOSError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}
