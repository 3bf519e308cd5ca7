//! Functions of every element.

use super::Tensor;
use pyo3::prelude::*;
use wengert_tensor::Gelu;

/// Methods without arguments, each the engine's of its name.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        #[pymethods]
        impl Tensor {
            $(
                $(#[$doc])*
                fn $name(&self, py: Python<'_>) -> PyResult<Tensor> {
                    self.map(py, |x| x.$name())
                }
            )*
        }
    };
}

methods! {
    /// −x.
    neg;
    /// |x|; the gradient at 0 is 0.
    abs;
    /// eˣ.
    exp;
    /// eˣ − 1, accurate near 0.
    expm1;
    /// Natural logarithm.
    log;
    /// ln(1 + x), accurate near 0.
    log1p;
    /// √x.
    sqrt;
    /// 1/√x.
    rsqrt;
    /// x².
    square;
    /// 1/x.
    reciprocal;
    /// Sine of an angle in radians.
    sin;
    /// Cosine of an angle in radians.
    cos;
    /// Error function.
    erf;
    /// −1, 0 or 1; the gradient is 0.
    sign;
    /// Largest whole number not above; the gradient is 0.
    floor;
    /// Smallest whole number not below; the gradient is 0.
    ceil;
    /// Nearest whole number, halves to the even one; the gradient is 0.
    round;
    /// Hyperbolic tangent.
    tanh;
    /// 1/(1 + e⁻ˣ).
    sigmoid;
    /// ln sigmoid(x), without overflow.
    log_sigmoid;
    /// max(0, x); the gradient at 0 is 0.
    relu;
    /// Self-normalising linear unit.
    selu;
    /// x · sigmoid(x).
    silu;
    /// Whether an element is false or 0.
    logical_not;
    /// Whether a float is NaN.
    isnan;
    /// Whether a float is infinite.
    isinf;
    /// Whether a float is neither infinite nor NaN.
    isfinite;
}

#[pymethods]
impl Tensor {
    /// x held between `min` and `max`, either of which may be left out. The gradient passes at the bounds.
    #[pyo3(signature = (min=None, max=None))]
    fn clamp(&self, py: Python<'_>, min: Option<f64>, max: Option<f64>) -> PyResult<Tensor> {
        self.map(py, |x| x.clamp(min, max))
    }

    /// x where x > 0, `negative_slope` · x elsewhere.
    #[pyo3(signature = (negative_slope=0.01))]
    fn leaky_relu(&self, py: Python<'_>, negative_slope: f64) -> PyResult<Tensor> {
        self.map(py, |x| x.leaky_relu(negative_slope))
    }

    /// x where x > 0, α(eˣ − 1) elsewhere.
    #[pyo3(signature = (alpha=1.0))]
    fn elu(&self, py: Python<'_>, alpha: f64) -> PyResult<Tensor> {
        self.map(py, |x| x.elu(alpha))
    }

    /// x · Φ(x), exactly (`none`) or by the formula with `tanh`.
    #[pyo3(signature = (approximate="none"))]
    fn gelu(&self, py: Python<'_>, approximate: &str) -> PyResult<Tensor> {
        let approximation = gelu(approximate)?;
        self.map(py, |x| x.gelu_with(approximation))
    }

    /// ln(1 + e^(βx))/β; x itself where βx is above the threshold.
    #[pyo3(signature = (beta=1.0, threshold=20.0))]
    fn softplus(&self, py: Python<'_>, beta: f64, threshold: f64) -> PyResult<Tensor> {
        self.map(py, |x| x.softplus_with(beta, threshold))
    }

    /// x held between the bounds; the gradient at them is 0.
    #[pyo3(signature = (min_val=-1.0, max_val=1.0))]
    fn hardtanh(&self, py: Python<'_>, min_val: f64, max_val: f64) -> PyResult<Tensor> {
        self.map(py, |x| x.hardtanh(min_val, max_val))
    }

    fn __neg__(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.neg(py)
    }

    fn __abs__(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.abs(py)
    }

    fn __invert__(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.logical_not(py)
    }
}

/// The form of GELU by its name.
pub fn gelu(approximate: &str) -> PyResult<Gelu> {
    match approximate {
        "none" => Ok(Gelu::Erf),
        "tanh" => Ok(Gelu::Tanh),
        other => {
            Err(crate::errors::refused(format!("approximate is '{other}'; it must be 'none' or 'tanh'")))
        }
    }
}
