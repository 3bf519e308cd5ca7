//! Ops on two tensors, or on a tensor and a number.

// What pyo3 makes of operators is unsafe inside, and so marked only where it writes the impl itself.
#![allow(unsafe_op_in_unsafe_fn)]
use super::Tensor;
use crate::arguments::{Beside, Operand};
use crate::errors::refused;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// For each op its method, its operator with the operands in both orders, its method that changes the tensor in place, and
/// the operator for that.
macro_rules! arithmetic {
    ($($(#[$doc:meta])* $name:ident, $operator:ident, $reflected:ident, $in_place:ident, $assigning:ident:
        |$x:ident, $y:ident| $result:expr;)*) => {
        #[pymethods]
        impl Tensor {
            $(
                $(#[$doc])*
                fn $name(&self, py: Python<'_>, other: Operand) -> PyResult<Tensor> {
                    self.map(py, |$x| match &other.beside($x) {
                        Beside::Tensor($y) => $result,
                        Beside::Number($y) => $result,
                    })
                }

                fn $operator(&self, py: Python<'_>, other: Operand) -> PyResult<Tensor> {
                    self.$name(py, other)
                }

                fn $reflected(&self, py: Python<'_>, other: Operand) -> PyResult<Tensor> {
                    self.map(py, |$y| match other.beside($y) {
                        Beside::Tensor($x) => $result,
                        Beside::Number($x) => $result,
                    })
                }

                /// The same in place: elements of this tensor are overwritten.
                fn $in_place<'py>(
                    slf: PyRef<'py, Self>,
                    py: Python<'py>,
                    other: Operand,
                ) -> PyResult<PyRef<'py, Self>> {
                    slf.$assigning(py, other)?;
                    Ok(slf)
                }

                fn $assigning(&self, py: Python<'_>, other: Operand) -> PyResult<()> {
                    self.change(py, |$x| match &other.beside($x) {
                        Beside::Tensor($y) => $result,
                        Beside::Number($y) => $result,
                    })
                }
            )*
        }
    };
}
arithmetic! {
    /// x + y.
    add, __add__, __radd__, add_, __iadd__: |x, y| x + value(y);
    /// x − y.
    sub, __sub__, __rsub__, sub_, __isub__: |x, y| x - value(y);
    /// x · y.
    mul, __mul__, __rmul__, mul_, __imul__: |x, y| x * value(y);
    /// x / y of floats.
    div, __truediv__, __rtruediv__, div_, __itruediv__: |x, y| x / value(y);
}

/// Methods of two operands of which the second may be a number, with the engine's name for each case.
macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $scalar:ident $relation:ident;)*) => {
        #[pymethods]
        impl Tensor {
            $(
                $(#[$doc])*
                fn $name(&self, py: Python<'_>, other: Operand) -> PyResult<Tensor> {
                    self.map(py, |x| match other.beside(x) {
                        Beside::Tensor(y) => x.$name(&y),
                        Beside::Number(y) => x.$scalar(y),
                    })
                }
            )*

            fn __richcmp__(&self, py: Python<'_>, other: Operand, relation: CompareOp) -> PyResult<Tensor> {
                match relation {
                    $(CompareOp::$relation => self.$name(py, other),)*
                }
            }
        }
    };
}
comparisons! {
    /// x = y, element by element.
    eq eq_scalar Eq;
    /// x ≠ y, element by element.
    ne ne_scalar Ne;
    /// x < y, element by element.
    lt lt_scalar Lt;
    /// x ≤ y, element by element.
    le le_scalar Le;
    /// x > y, element by element.
    gt gt_scalar Gt;
    /// x ≥ y, element by element.
    ge ge_scalar Ge;
}

/// Methods of two tensors, each the engine's of its name.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        #[pymethods]
        impl Tensor {
            $(
                $(#[$doc])*
                fn $name(&self, py: Python<'_>, other: Tensor) -> PyResult<Tensor> {
                    self.map(py, |x| x.$name(&other.0))
                }
            )*
        }
    };
}
methods! {
    /// The larger of two elements; ties share the gradient.
    maximum;
    /// The smaller of two elements; ties share the gradient.
    minimum;
    /// Whether both are true.
    logical_and;
    /// Whether one or both are true.
    logical_or;
    /// Whether exactly one is true.
    logical_xor;
    /// Matrix product, batched over leading axes that broadcast.
    matmul;
    /// Matrix product of two batches `[B, N, K]` and `[B, K, M]`.
    bmm;
    /// Inner product of two vectors.
    dot;
    /// Outer product of two vectors.
    outer;
}

#[pymethods]
impl Tensor {
    /// xʸ of floats.
    fn pow(&self, py: Python<'_>, exponent: Operand) -> PyResult<Tensor> {
        self.map(py, |x| match exponent.beside(x) {
            Beside::Tensor(y) => x.pow(&y),
            Beside::Number(y) => x.pow_scalar(y),
        })
    }

    fn __pow__(&self, py: Python<'_>, exponent: Operand, modulo: Option<i64>) -> PyResult<Tensor> {
        match modulo {
            None => self.pow(py, exponent),
            Some(_) => Err(PyTypeError::new_err("powers of tensors take no modulus")),
        }
    }

    fn __rpow__(&self, py: Python<'_>, base: f64, modulo: Option<i64>) -> PyResult<Tensor> {
        match modulo {
            None => self.map(py, |y| y.full_like(base).pow(y)),
            Some(_) => Err(PyTypeError::new_err("powers of tensors take no modulus")),
        }
    }

    fn __matmul__(&self, py: Python<'_>, other: Tensor) -> PyResult<Tensor> {
        self.matmul(py, other)
    }

    /// Matrix product of two matrices; `matmul` takes vectors and batches too.
    fn mm(&self, py: Python<'_>, other: Tensor) -> PyResult<Tensor> {
        if self.0.rank() != 2 || other.0.rank() != 2 {
            let (left, right) = (self.0.shape(), other.0.shape());
            return Err(refused(format!("mm: needs two matrices, got {left} and {right}; use matmul")));
        }
        self.matmul(py, other)
    }

    fn __and__(&self, py: Python<'_>, other: Tensor) -> PyResult<Tensor> {
        self.logical_and(py, other)
    }

    fn __or__(&self, py: Python<'_>, other: Tensor) -> PyResult<Tensor> {
        self.logical_or(py, other)
    }

    fn __xor__(&self, py: Python<'_>, other: Tensor) -> PyResult<Tensor> {
        self.logical_xor(py, other)
    }
}

/// An operand as the engine's operators take it: a tensor by reference, a number by value.
fn value<T: ByValue>(operand: T) -> T::Value {
    operand.by_value()
}

trait ByValue {
    type Value;
    fn by_value(self) -> Self::Value;
}

impl<'a> ByValue for &'a wengert_tensor::Tensor {
    type Value = &'a wengert_tensor::Tensor;
    fn by_value(self) -> Self::Value {
        self
    }
}

impl ByValue for &f64 {
    type Value = f64;
    fn by_value(self) -> f64 {
        *self
    }
}
