//! The functions themselves, number by number.

use super::{GELU_CUBIC, GELU_SCALE, Gelu, SELU_ALPHA, SELU_SCALE, Unary};
use crate::op::Op;
use crate::ops::elementwise::map;
use crate::{Element, Error, Result, Value};
use std::f64::consts::FRAC_1_SQRT_2;
use wengert_cpu::{Float, Number};

impl Unary {
    pub(super) fn forward_float<T: Element + Float>(&self, x: Value) -> Value {
        let (zero, one) = (T::ZERO, T::ONE);
        let number = T::from_f64;
        match *self {
            Unary::Neg => map(x, |x: T| -x),
            Unary::Abs => map(x, T::abs),
            Unary::Exp => map(x, T::exp),
            Unary::Expm1 => map(x, T::exp_m1),
            Unary::Log => map(x, T::ln),
            Unary::Log1p => map(x, T::ln_1p),
            Unary::Sqrt => map(x, T::sqrt),
            Unary::Rsqrt => map(x, |x: T| one / x.sqrt()),
            Unary::Square => map(x, |x: T| x * x),
            Unary::Reciprocal => map(x, |x: T| one / x),
            Unary::Sin => map(x, T::sin),
            Unary::Cos => map(x, T::cos),
            Unary::Tanh => map(x, T::tanh),
            Unary::Sigmoid => map(x, sigmoid::<T>),
            // ln(1/(1 + e^(−x))), with the exponent never positive.
            Unary::LogSigmoid => map(x, |x: T| if x < zero { x } else { zero } - (-x.abs()).exp().ln_1p()),
            Unary::Softplus { beta, threshold } => {
                let (beta, threshold) = (number(beta), number(threshold));
                map(x, |x: T| if x * beta > threshold { x } else { (x * beta).exp().ln_1p() / beta })
            }
            // NaN stays NaN.
            Unary::Relu => map(x, |x: T| if x < zero { zero } else { x }),
            Unary::LeakyRelu { negative_slope } => {
                let slope = number(negative_slope);
                // By `move`: a number that only one arm reads through a reference keeps the loop from being vectorised.
                map(x, move |x: T| if x > zero { x } else { x * slope })
            }
            Unary::Elu { alpha } => {
                let alpha = number(alpha);
                map(x, |x: T| elu(x, alpha))
            }
            Unary::Selu => {
                let (alpha, scale) = (number(SELU_ALPHA), number(SELU_SCALE));
                map(x, |x: T| scale * elu(x, alpha))
            }
            Unary::Gelu { approximation: Gelu::Erf } => {
                let (half, scale) = (number(0.5), number(FRAC_1_SQRT_2));
                map(x, |x: T| half * x * (one + (x * scale).erf()))
            }
            Unary::Gelu { approximation: Gelu::Tanh } => {
                let (half, scale, cubic) = (number(0.5), number(GELU_SCALE), number(GELU_CUBIC));
                map(x, |x: T| half * x * (one + (scale * x * (one + cubic * x * x)).tanh()))
            }
            Unary::Silu => map(x, |x: T| x * sigmoid(x)),
            Unary::Hardtanh { min, max } => {
                let (min, max) = (number(min), number(max));
                map(x, |x: T| clamp(x, min, max))
            }
            Unary::Erf => map(x, T::erf),
            Unary::Sign => map(x, sign::<T>),
            Unary::Floor => map(x, T::floor),
            Unary::Ceil => map(x, T::ceil),
            Unary::Round => map(x, T::round_ties_even),
            Unary::Clamp { min, max } => {
                let (min, max) = (min.map_or(T::LOWEST, number), max.map_or(T::HIGHEST, number));
                map(x, |x: T| clamp(x, min, max))
            }
            Unary::AddScalar(value) => {
                let value = number(value);
                map(x, |x: T| x + value)
            }
            Unary::MulScalar(value) => {
                let value = number(value);
                map(x, |x: T| x * value)
            }
            Unary::PowScalar(2.0) => map(x, |x: T| x * x),
            Unary::PowScalar(3.0) => map(x, |x: T| x * x * x),
            Unary::PowScalar(exponent) => {
                let exponent = number(exponent);
                map(x, |x: T| x.powf(exponent))
            }
        }
    }

    pub(super) fn forward_integer<T: Element + Number>(&self, x: Value) -> Result<Value> {
        let zero = T::ZERO;
        Ok(match *self {
            Unary::Neg => map(x, |x: T| zero.minus(x)),
            Unary::Abs => map(x, |x: T| if x < zero { zero.minus(x) } else { x }),
            Unary::Square => map(x, |x: T| x.times(x)),
            Unary::Sign => map(x, sign::<T>),
            Unary::Relu => map(x, |x: T| if x < zero { zero } else { x }),
            Unary::Floor | Unary::Ceil | Unary::Round => x,
            Unary::Clamp { min, max } => {
                let (min, max) = (min.map_or(T::LOWEST, T::from_f64), max.map_or(T::HIGHEST, T::from_f64));
                map(x, |x: T| clamp(x, min, max))
            }
            Unary::AddScalar(value) => {
                let value = wrapped::<T>(value);
                map(x, |x: T| x.plus(value))
            }
            Unary::MulScalar(value) => {
                let value = wrapped::<T>(value);
                map(x, |x: T| x.times(value))
            }
            _ => return Err(Error::dtype(self.name(), format!("needs f32 or f64, got {}", T::DTYPE))),
        })
    }
}

/// A whole number as an integer type that may be unsigned: −1 is what added to 1 gives 0.
fn wrapped<T: Number>(value: f64) -> T {
    if value < 0.0 { T::ZERO.minus(T::from_f64(-value)) } else { T::from_f64(value) }
}

#[inline(always)]
pub(crate) fn sigmoid<T: Float>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp())
}

#[inline(always)]
fn elu<T: Float>(x: T, alpha: T) -> T {
    if x > T::ZERO { x } else { alpha * x.exp_m1() }
}

/// −1, 0 or 1; NaN stays NaN, and so does the sign of zero.
#[inline(always)]
fn sign<T: Number>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        T::ZERO.minus(T::ONE)
    } else {
        x
    }
}

/// NaN stays NaN; where the bounds cross, the upper one wins.
#[inline(always)]
fn clamp<T: Number>(x: T, min: T, max: T) -> T {
    let x = if x < min { min } else { x };
    if x > max { max } else { x }
}
