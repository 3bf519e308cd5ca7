//! Tensor methods for elementary functions.

use super::Unary;
use crate::Tensor;
use crate::apply::{apply, must};

/// Declares methods that apply an op without parameters to every element.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident => $op:expr;)*) => {
        impl Tensor {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $name(&self) -> Tensor {
                    must(apply($op, &[self]))
                }
            )*
        }
    };
}
pub(super) use methods;

methods! {
    /// −x of every number.
    neg => Unary::Neg;
    /// |x| of every number. The gradient at 0 is 0.
    abs => Unary::Abs;
    /// eˣ of every float.
    exp => Unary::Exp;
    /// eˣ − 1 of every float, accurate near 0.
    expm1 => Unary::Expm1;
    /// Natural logarithm of every float: −∞ at 0, NaN below.
    log => Unary::Log;
    /// ln(1 + x) of every float, accurate near 0.
    log1p => Unary::Log1p;
    /// √x of every float: NaN below 0. The gradient at 0 is infinite.
    sqrt => Unary::Sqrt;
    /// 1/√x of every float.
    rsqrt => Unary::Rsqrt;
    /// x² of every number.
    square => Unary::Square;
    /// 1/x of every float.
    reciprocal => Unary::Reciprocal;
    /// Sine of every float, an angle in radians.
    sin => Unary::Sin;
    /// Cosine of every float, an angle in radians.
    cos => Unary::Cos;
    /// Error function 2/√π ∫₀ˣ e^(−t²) dt of every float.
    erf => Unary::Erf;
    /// −1, 0 or 1 with the sign of every number. The gradient is 0 everywhere, also at the jump.
    sign => Unary::Sign;
    /// Largest whole number not above each. The gradient is 0 everywhere, also at the jumps.
    floor => Unary::Floor;
    /// Smallest whole number not below each. The gradient is 0 everywhere, also at the jumps.
    ceil => Unary::Ceil;
    /// Nearest whole number, halves to the even one. The gradient is 0 everywhere, also at the jumps.
    round => Unary::Round;
}

impl Tensor {
    /// max(min, x), then min(max, x), of every number, with a bound left out where it is `None`. The gradient passes
    /// at the bounds, as in PyTorch before 2.15, and is 0 outside them. NaN stays NaN.
    ///
    /// # Panics
    /// When both bounds are `None`, or a bound is not whole where the elements are integers.
    #[track_caller]
    pub fn clamp(&self, min: Option<f64>, max: Option<f64>) -> Tensor {
        must(apply(Unary::Clamp { min, max }, &[self]))
    }

    /// x + value of every number.
    ///
    /// # Panics
    /// When the elements are integers and `value` is not whole, or does not fit 64 bits.
    #[track_caller]
    pub fn add_scalar(&self, value: f64) -> Tensor {
        must(apply(Unary::AddScalar(value), &[self]))
    }

    /// x − value of every number.
    ///
    /// # Panics
    /// When the elements are integers and `value` is not whole, or does not fit 64 bits.
    #[track_caller]
    pub fn sub_scalar(&self, value: f64) -> Tensor {
        must(apply(Unary::AddScalar(-value), &[self]))
    }

    /// x · value of every number.
    ///
    /// # Panics
    /// When the elements are integers and `value` is not whole, or does not fit 64 bits.
    #[track_caller]
    pub fn mul_scalar(&self, value: f64) -> Tensor {
        must(apply(Unary::MulScalar(value), &[self]))
    }

    /// x / value of every float.
    ///
    /// # Panics
    /// When the elements are integers, of which a quotient need not be one.
    #[track_caller]
    pub fn div_scalar(&self, value: f64) -> Tensor {
        must(apply(Unary::DivScalar(value), &[self]))
    }

    /// x to the power of `exponent`, of every float: NaN where x < 0 and the exponent is not whole. The gradient for
    /// exponent 0 is 0 everywhere.
    #[track_caller]
    pub fn pow_scalar(&self, exponent: f64) -> Tensor {
        must(apply(Unary::PowScalar(exponent), &[self]))
    }
}
