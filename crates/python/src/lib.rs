//! wengert for Python: the native half of the package `wengert`.

use pyo3::prelude::*;

#[pymodule]
mod _wengert {}
