//! Functions of one number, applied to every element.

mod activations;
pub(crate) mod formulas;
mod forward;
mod functions;
mod onnx;

use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::take;
use crate::ops::unary_grad::UnaryGrad;
use crate::{DType, Error, Result, Tensor, Value};
use smallvec::smallvec;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &[
    "neg",
    "abs",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "rsqrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "log_sigmoid",
    "softplus",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "hardtanh",
    "erf",
    "sign",
    "floor",
    "ceil",
    "round",
    "clamp",
    "add_scalar",
    "mul_scalar",
    "div_scalar",
    "pow_scalar",
];

/// A function of one number. The formulas are in the docs of the [`Tensor`] methods of the same names.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Unary {
    Neg,
    Abs,
    Exp,
    Expm1,
    Log,
    Log1p,
    Sqrt,
    Rsqrt,
    Square,
    Reciprocal,
    Sin,
    Cos,
    Tanh,
    Sigmoid,
    LogSigmoid,
    Softplus { beta: f64, threshold: f64 },
    Relu,
    LeakyRelu { negative_slope: f64 },
    Elu { alpha: f64 },
    Selu,
    Gelu { approximation: Gelu },
    Silu,
    Hardtanh { min: f64, max: f64 },
    Erf,
    Sign,
    Floor,
    Ceil,
    Round,
    Clamp { min: Option<f64>, max: Option<f64> },
    AddScalar(f64),
    MulScalar(f64),
    DivScalar(f64),
    PowScalar(f64),
}

/// How [`Tensor::gelu_with`] computes the normal distribution function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gelu {
    /// Exactly, through the error function.
    #[default]
    Erf,
    /// Through tanh(√(2/π) (x + 0.044715 x³)), as GPT-2 has it.
    Tanh,
}

/// The first number above those of an i64.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// A whole number that fits an i64, among those of a type: next to u8 it wraps around as the elements do, so that 256 is
/// 0 and −1 is 255.
fn wrapped(number: f64, dtype: DType) -> f64 {
    if dtype == DType::U8 { f64::from(number as i64 as u8) } else { number }
}

/// The constants of [`Tensor::selu`]: its fixed point has mean 0 and variance 1.
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// √(2/π) and the cubic coefficient of the tanh form of GELU.
pub(super) const GELU_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
pub(super) const GELU_CUBIC: f64 = 0.044715;

impl Unary {
    /// Whether the function is defined on integers too.
    fn takes_integers(&self) -> bool {
        matches!(
            self,
            Unary::Neg
                | Unary::Abs
                | Unary::Square
                | Unary::Sign
                | Unary::Relu
                | Unary::Floor
                | Unary::Ceil
                | Unary::Round
                | Unary::Clamp { .. }
                | Unary::AddScalar(_)
                | Unary::MulScalar(_)
        )
    }

    /// Fails where a number beside elements of this integer type is none itself.
    fn expect_integers(&self, dtype: DType) -> Result<()> {
        let (numbers, bounds) = match *self {
            Unary::AddScalar(number) | Unary::MulScalar(number) => ([Some(number), None], -TWO_TO_63..TWO_TO_63),
            // What is beyond all elements bounds none of them.
            Unary::Clamp { min, max } => ([min, max], f64::MIN..f64::MAX),
            _ => return Ok(()),
        };
        for number in numbers.into_iter().flatten() {
            let why = match () {
                _ if number.fract() != 0.0 => "is not whole",
                _ if !bounds.contains(&number) => "does not fit 64 bits",
                _ => continue,
            };
            let detail = format!("{number} {why}, but the elements are {dtype}; convert them with to_dtype");
            return Err(Error::argument(self.name(), detail));
        }
        Ok(())
    }
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Exp => "exp",
            Unary::Expm1 => "expm1",
            Unary::Log => "log",
            Unary::Log1p => "log1p",
            Unary::Sqrt => "sqrt",
            Unary::Rsqrt => "rsqrt",
            Unary::Square => "square",
            Unary::Reciprocal => "reciprocal",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tanh => "tanh",
            Unary::Sigmoid => "sigmoid",
            Unary::LogSigmoid => "log_sigmoid",
            Unary::Softplus { .. } => "softplus",
            Unary::Relu => "relu",
            Unary::LeakyRelu { .. } => "leaky_relu",
            Unary::Elu { .. } => "elu",
            Unary::Selu => "selu",
            Unary::Gelu { .. } => "gelu",
            Unary::Silu => "silu",
            Unary::Hardtanh { .. } => "hardtanh",
            Unary::Erf => "erf",
            Unary::Sign => "sign",
            Unary::Floor => "floor",
            Unary::Ceil => "ceil",
            Unary::Round => "round",
            Unary::Clamp { .. } => "clamp",
            Unary::AddScalar(_) => "add_scalar",
            Unary::MulScalar(_) => "mul_scalar",
            Unary::DivScalar(_) => "div_scalar",
            Unary::PowScalar(_) => "pow_scalar",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [input] = take(self.name(), inputs)?;
        match (*self, input.dtype) {
            (Unary::Clamp { min: None, max: None }, _) => {
                return Err(Error::argument("clamp", "needs a lower or an upper bound"));
            }
            (_, DType::F32 | DType::F64) => {}
            (op, DType::I64 | DType::U8) if op.takes_integers() => op.expect_integers(input.dtype)?,
            (op, dtype) => {
                let wanted = if op.takes_integers() { "numbers" } else { "f32 or f64" };
                let detail = format!("needs {wanted}, got {dtype}; convert with to_dtype");
                return Err(Error::dtype(self.name(), detail));
            }
        }
        Ok(input.clone())
    }

    fn saves(&self) -> Saves {
        match *self {
            Unary::Neg | Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round => Saves::NONE,
            Unary::AddScalar(_) | Unary::MulScalar(_) | Unary::DivScalar(_) => Saves::NONE,
            Unary::Exp | Unary::Expm1 | Unary::Sqrt | Unary::Rsqrt | Unary::Reciprocal => Saves::OUTPUT,
            Unary::Tanh | Unary::Sigmoid | Unary::Relu => Saves::OUTPUT,
            // The sign of the output tells that of the input, so that one buffer serves this op and the next.
            Unary::LeakyRelu { negative_slope } if negative_slope >= 0.0 => Saves::OUTPUT,
            _ => Saves::inputs(&[0]),
        }
    }

    fn forward(&self, mut inputs: Values, _output: &Spec) -> Result<Value> {
        let input = inputs.remove(0);
        match input.dtype() {
            DType::I64 => self.forward_integer::<i64>(input),
            DType::U8 => self.forward_integer::<u8>(input),
            dtype => for_float!(dtype, self.name(), T => Ok(self.forward_float::<T>(input))),
        }
    }

    fn forward_cuda(&self, mut inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let numbers = match *self {
            Unary::Floor | Unary::Ceil | Unary::Round if !output.dtype.is_float() => return Ok(inputs.remove(0)),
            Unary::Softplus { beta, threshold } => [beta, threshold],
            Unary::LeakyRelu { negative_slope } => [negative_slope, 0.0],
            Unary::Elu { alpha } => [alpha, 1.0],
            Unary::Selu => [SELU_ALPHA, SELU_SCALE],
            Unary::Hardtanh { min, max } => [min, max],
            Unary::Clamp { min, max } => [min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY)],
            Unary::AddScalar(number) | Unary::MulScalar(number) => [wrapped(number, output.dtype), 0.0],
            Unary::DivScalar(number) | Unary::PowScalar(number) => [number, 0.0],
            _ => [0.0; 2],
        };
        let function = match self {
            Unary::Selu => "elu",
            Unary::Hardtanh { .. } => "clamp",
            Unary::Gelu { approximation: Gelu::Tanh } => "gelu_tanh",
            _ => self.name(),
        };
        cuda::map::<1>(Family::Unary, function, numbers, inputs, output, device)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(self.write(call))
    }

    /// g · f′(x), with f′ in terms of the output where that is cheaper.
    fn vjp(&self, saved: &Saved, g: &Tensor) -> Result<Gradients> {
        let x = || saved.input(0);
        let y = || saved.output();
        let gradient = match *self {
            Unary::Neg => -g,
            Unary::Abs => g * x().detach().sign(),
            Unary::Exp => g * y(),
            Unary::Expm1 => g * (y() + 1.0),
            Unary::Log => g / x(),
            Unary::Log1p => g / (x() + 1.0),
            Unary::Sqrt => g * 0.5 / y(),
            Unary::Rsqrt => g * (y().pow_scalar(3.0) * -0.5),
            Unary::Square => g * (x() * 2.0),
            Unary::Reciprocal => -(g * y().square()),
            Unary::Sin => g * x().cos(),
            Unary::Cos => -(g * x().sin()),
            Unary::Tanh => UnaryGrad::Tanh.apply(g, &y())?,
            Unary::Sigmoid => UnaryGrad::Sigmoid.apply(g, &y())?,
            Unary::LogSigmoid => UnaryGrad::LogSigmoid.apply(g, &x())?,
            Unary::Softplus { beta, threshold } => UnaryGrad::Softplus { beta, threshold }.apply(g, &x())?,
            // The slope of a piecewise linear function does not depend on x: nothing flows back through the sign.
            Unary::Relu => UnaryGrad::LeakyRelu { negative_slope: 0.0 }.apply(g, &y().detach())?,
            Unary::LeakyRelu { negative_slope } => {
                let sign = if negative_slope >= 0.0 { y() } else { x() };
                UnaryGrad::LeakyRelu { negative_slope }.apply(g, &sign.detach())?
            }
            Unary::Elu { alpha } => UnaryGrad::Elu { alpha, scale: 1.0 }.apply(g, &x())?,
            Unary::Selu => UnaryGrad::Elu { alpha: SELU_ALPHA, scale: SELU_SCALE }.apply(g, &x())?,
            Unary::Gelu { approximation } => UnaryGrad::Gelu { approximation }.apply(g, &x())?,
            Unary::Silu => UnaryGrad::Silu.apply(g, &x())?,
            Unary::Hardtanh { min, max } => {
                let x = x().detach();
                g.masked_fill(&x.le_scalar(min).logical_or(&x.ge_scalar(max)), 0.0)
            }
            Unary::Erf => g * ((-x().square()).exp() * FRAC_2_SQRT_PI),
            Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round => g.zeros_like(),
            Unary::Clamp { min, max } => {
                let x = x().detach();
                let g = min.map_or_else(|| g.clone(), |min| g.masked_fill(&x.lt_scalar(min), 0.0));
                max.map_or_else(|| g.clone(), |max| g.masked_fill(&x.gt_scalar(max), 0.0))
            }
            Unary::AddScalar(_) => g.clone(),
            Unary::MulScalar(factor) => g * factor,
            Unary::DivScalar(divisor) => g / divisor,
            Unary::PowScalar(0.0) => g.zeros_like(),
            Unary::PowScalar(exponent) => g * (x().pow_scalar(exponent - 1.0) * exponent),
        };
        Ok(smallvec![Some(gradient)])
    }
}
