//! The functions themselves, number by number.

use super::{Gelu, SELU_ALPHA, SELU_SCALE, Unary, formulas, wrapped};
use crate::op::Op;
use crate::ops::elementwise::{map, map_slices};
use crate::{Element, Error, Result, Value};
use wengert_cpu::{Float, Number};

impl Unary {
    pub(super) fn forward_float<T: Element + Float>(&self, x: Value) -> Value {
        let (zero, one) = (T::ZERO, T::ONE);
        let number = T::from_f64;
        match *self {
            Unary::Neg => map(x, |x: T| -x),
            Unary::Abs => map(x, T::abs),
            Unary::Exp => map_slices(x, &T::exp_slice),
            Unary::Expm1 => map(x, T::exp_m1),
            Unary::Log => map(x, T::ln),
            Unary::Log1p => map(x, T::ln_1p),
            Unary::Sqrt => map(x, T::sqrt),
            Unary::Rsqrt => map(x, move |x: T| one / x.sqrt()),
            Unary::Square => map(x, |x: T| x * x),
            Unary::Reciprocal => map(x, move |x: T| one / x),
            Unary::Sin => map_slices(x, &T::sin_slice),
            Unary::Cos => map_slices(x, &T::cos_slice),
            Unary::Tanh => map(x, T::tanh),
            Unary::Sigmoid => map(x, T::sigmoid),
            Unary::LogSigmoid => map::<T>(x, formulas::LogSigmoid),
            Unary::Softplus { beta, threshold } => {
                map(x, formulas::Softplus { beta: number(beta), threshold: number(threshold) })
            }
            // NaN stays NaN.
            Unary::Relu => map(x, move |x: T| if x < zero { zero } else { x }),
            Unary::LeakyRelu { negative_slope } => {
                let slope = number(negative_slope);
                // By `move`: a number that only one arm reads through a reference keeps the loop from being vectorised.
                map(x, move |x: T| if x > zero { x } else { x * slope })
            }
            Unary::Elu { alpha } => map(x, formulas::Elu { alpha: number(alpha), scale: one }),
            Unary::Selu => {
                map(x, formulas::Elu { alpha: number(SELU_ALPHA), scale: number(SELU_SCALE) })
            }
            Unary::Gelu { approximation: Gelu::Erf } => map::<T>(x, formulas::Gelu),
            Unary::Gelu { approximation: Gelu::Tanh } => map::<T>(x, formulas::TanhGelu),
            Unary::Silu => map::<T>(x, formulas::Silu),
            Unary::Hardtanh { min, max } => {
                let (min, max) = (number(min), number(max));
                map(x, move |x: T| clamp(x, min, max))
            }
            Unary::Erf => map(x, T::erf),
            Unary::Sign => map(x, sign::<T>),
            Unary::Floor => map(x, T::floor),
            Unary::Ceil => map(x, T::ceil),
            Unary::Round => map(x, T::round_ties_even),
            Unary::Clamp { min, max } => {
                let (min, max) = (min.map_or(T::LOWEST, number), max.map_or(T::HIGHEST, number));
                map(x, move |x: T| clamp(x, min, max))
            }
            Unary::AddScalar(value) => {
                let value = number(value);
                map(x, move |x: T| x + value)
            }
            Unary::MulScalar(value) => {
                let value = number(value);
                map(x, move |x: T| x * value)
            }
            Unary::DivScalar(value) => {
                let value = number(value);
                map(x, move |x: T| x / value)
            }
            Unary::PowScalar(2.0) => map(x, |x: T| x * x),
            Unary::PowScalar(3.0) => map(x, |x: T| x * x * x),
            Unary::PowScalar(exponent) => map(x, formulas::Power { exponent: number(exponent) }),
        }
    }

    pub(super) fn forward_integer<T: Element + Number>(&self, x: Value) -> Result<Value> {
        let zero = T::ZERO;
        Ok(match *self {
            Unary::Neg => map(x, move |x: T| zero.minus(x)),
            Unary::Abs => map(x, move |x: T| if x < zero { zero.minus(x) } else { x }),
            Unary::Square => map(x, move |x: T| x.times(x)),
            Unary::Sign => map(x, sign::<T>),
            Unary::Relu => map(x, move |x: T| if x < zero { zero } else { x }),
            Unary::Floor | Unary::Ceil | Unary::Round => x,
            Unary::Clamp { min, max } => {
                let (min, max) = (min.map_or(T::LOWEST, T::from_f64), max.map_or(T::HIGHEST, T::from_f64));
                map(x, move |x: T| clamp(x, min, max))
            }
            Unary::AddScalar(value) => {
                let value = T::from_f64(wrapped(value, T::DTYPE));
                map(x, move |x: T| x.plus(value))
            }
            Unary::MulScalar(value) => {
                let value = T::from_f64(wrapped(value, T::DTYPE));
                map(x, move |x: T| x.times(value))
            }
            _ => return Err(Error::dtype(self.name(), format!("needs f32 or f64, got {}", T::DTYPE))),
        })
    }
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
