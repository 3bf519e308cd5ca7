//! Functions of two numbers, applied to pairs of elements of operands that broadcast.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::{same_dtype, take, zip};
use crate::ops::unary::formulas;
use crate::shape::broadcast;
use crate::{Element, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::Number;
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["add", "sub", "mul", "div", "pow", "maximum", "minimum"];

/// A function of two numbers of one type; shapes broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b, of floats.
    Div,
    /// a to the power of b, of floats.
    Pow,
    /// The larger of a and b.
    Maximum,
    /// The smaller of a and b.
    Minimum,
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Pow => "pow",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [a, b] = take(self.name(), inputs)?;
        let dtype = same_dtype(self.name(), a.dtype, b.dtype)?;
        let shape = broadcast(self.name(), &a.shape, &b.shape)?;
        match self {
            Binary::Div | Binary::Pow => for_float!(dtype, self.name(), T => Ok(Spec::new(shape, T::DTYPE))),
            _ => for_number!(dtype, self.name(), T => Ok(Spec::new(shape, T::DTYPE))),
        }
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let operator = match self {
            Binary::Add => "Add",
            Binary::Sub => "Sub",
            Binary::Mul => "Mul",
            Binary::Div => "Div",
            Binary::Pow => "Pow",
            Binary::Maximum => "Max",
            Binary::Minimum => "Min",
        };
        Some(call.over_inputs(operator, Vec::new()))
    }

    fn saves(&self) -> Saves {
        match self {
            Binary::Add | Binary::Sub => Saves::NONE,
            Binary::Mul => Saves::ALL_INPUTS.as_factors(),
            Binary::Maximum | Binary::Minimum => Saves::ALL_INPUTS,
            Binary::Div => Saves::inputs(&[1]).and_output(),
            Binary::Pow => Saves::ALL_INPUTS.and_output(),
        }
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (shape, dtype) = (&output.shape, output.dtype);
        match self {
            Binary::Add => for_number!(dtype, "add", T => Ok(zip(inputs, shape, <T as Number>::plus))),
            Binary::Sub => for_number!(dtype, "sub", T => Ok(zip(inputs, shape, <T as Number>::minus))),
            Binary::Mul => for_number!(dtype, "mul", T => Ok(zip(inputs, shape, <T as Number>::times))),
            Binary::Div => for_float!(dtype, "div", T => Ok(zip(inputs, shape, |a: T, b: T| a / b))),
            Binary::Pow => for_float!(dtype, "pow", T => Ok(zip::<T>(inputs, shape, formulas::Pow))),
            Binary::Maximum => for_number!(dtype, "maximum", T => Ok(zip(inputs, shape, maximum::<T>))),
            Binary::Minimum => for_number!(dtype, "minimum", T => Ok(zip(inputs, shape, minimum::<T>))),
        }
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::map::<2>(Family::Binary, self.name(), [0.0; 2], inputs, output, device)
    }

    fn vjp(&self, saved: &Saved, g: &Tensor) -> Result<Gradients> {
        let a = || saved.input(0);
        let b = || saved.input(1);
        let y = || saved.output();
        let to_a = || match self {
            Binary::Add | Binary::Sub => g.clone(),
            Binary::Mul => g * b(),
            Binary::Div => g / b(),
            Binary::Pow => g * pow_slope(&a(), &b()),
            Binary::Maximum => g * share(&a(), &b()),
            Binary::Minimum => g * share(&b(), &a()),
        };
        let to_b = || match self {
            Binary::Add => g.clone(),
            Binary::Sub => -g,
            Binary::Mul => g * a(),
            Binary::Div => -(g * y() / b()),
            Binary::Pow => g * y() * log_or_zero(&a(), &b()),
            Binary::Maximum => g * share(&b(), &a()),
            Binary::Minimum => g * share(&a(), &b()),
        };
        Ok(smallvec![
            saved.needs(0).then(|| unstretched(to_a(), &saved.spec(0).shape)),
            saved.needs(1).then(|| unstretched(to_b(), &saved.spec(1).shape)),
        ])
    }
}

/// The reverse of broadcasting: a sum over the axes that were stretched from `shape`, where any were.
fn unstretched(cotangent: Tensor, shape: &Shape) -> Tensor {
    if cotangent.shape() == shape { cotangent } else { cotangent.sum_to(shape) }
}

/// b · a^(b−1), which is 0 where b is 0, even at a = 0.
fn pow_slope(a: &Tensor, b: &Tensor) -> Tensor {
    let constant = b.detach().eq_scalar(0.0);
    let exponent = b.masked_fill(&constant, 1.0);
    (a.pow(&(&exponent - 1.0)) * b).masked_fill(&constant, 0.0)
}

/// ln a, and 0 where a is 0 and b is not negative: there a^b stays what it is however b moves.
fn log_or_zero(a: &Tensor, b: &Tensor) -> Tensor {
    let flat = a.detach().eq_scalar(0.0).logical_and(&b.detach().ge_scalar(0.0));
    flat.where_(&a.ones_like(), a).log()
}

/// How much of the gradient of max(a, b) belongs to a: all where a > b, half where they are equal.
fn share(a: &Tensor, b: &Tensor) -> Tensor {
    let (a, b) = (a.detach(), b.detach());
    (a.gt(&b).to_dtype(a.dtype()) + a.ge(&b).to_dtype(a.dtype())) * 0.5
}

/// The larger; NaN where either is.
#[inline(always)]
#[allow(clippy::eq_op)]
fn maximum<T: Number>(a: T, b: T) -> T {
    if a > b || a != a { a } else { b }
}

/// The smaller; NaN where either is.
#[inline(always)]
#[allow(clippy::eq_op)]
fn minimum<T: Number>(a: T, b: T) -> T {
    if a < b || a != a { a } else { b }
}

/// Arithmetic of two tensors of one type whose shapes broadcast. The operators `+ - * /` do the same and reuse the
/// memory of operands that are given away.
///
/// All panic when the types differ, are not numbers, or the shapes do not broadcast.
impl Tensor {
    /// a + b.
    #[track_caller]
    pub fn add(&self, other: &Tensor) -> Tensor {
        must(apply(Binary::Add, &[self, other]))
    }

    /// a − b.
    #[track_caller]
    pub fn sub(&self, other: &Tensor) -> Tensor {
        must(apply(Binary::Sub, &[self, other]))
    }

    /// a · b.
    #[track_caller]
    pub fn mul(&self, other: &Tensor) -> Tensor {
        must(apply(Binary::Mul, &[self, other]))
    }

    /// a / b, of floats.
    #[track_caller]
    pub fn div(&self, other: &Tensor) -> Tensor {
        must(apply(Binary::Div, &[self, other]))
    }

    /// a to the power of b, of floats: NaN where a < 0 and b is not whole. The gradient of a where b is 0, and of b where
    /// a is 0 and b is not negative, is 0.
    #[track_caller]
    pub fn pow(&self, exponent: &Tensor) -> Tensor {
        must(apply(Binary::Pow, &[self, exponent]))
    }

    /// The larger of a and b; NaN where either is. Equal operands get half of the gradient each.
    #[track_caller]
    pub fn maximum(&self, other: &Tensor) -> Tensor {
        must(apply(Binary::Maximum, &[self, other]))
    }

    /// The smaller of a and b; NaN where either is. Equal operands get half of the gradient each.
    #[track_caller]
    pub fn minimum(&self, other: &Tensor) -> Tensor {
        must(apply(Binary::Minimum, &[self, other]))
    }
}
