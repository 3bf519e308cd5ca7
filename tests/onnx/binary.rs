//! Functions of two and more tensors that work element by element.

use crate::node::{Node, Outputs, one};
use wengert_tensor::{DType, Tensor};

pub fn run(node: &Node) -> Outputs {
    let (a, b) = (|| node.input(0), || node.input(1));
    let fold =
        |f: fn(Tensor, Tensor) -> Tensor| node.inputs().into_iter().reduce(f).expect("at least one input");
    one(match node.op.as_str() {
        "Add" => a() + b(),
        "And" => a().logical_and(&b()),
        "Div" => quotient(&a(), &b()),
        "Equal" => a().eq(&b()),
        "Greater" => a().gt(&b()),
        "GreaterOrEqual" => a().ge(&b()),
        "Less" => a().lt(&b()),
        "LessOrEqual" => a().le(&b()),
        "Max" => fold(|a, b| a.maximum(&b)),
        "Mean" => fold(|a, b| a + b) / node.inputs().len() as f64,
        "Min" => fold(|a, b| a.minimum(&b)),
        "Mod" => remainder(&a(), &b(), node.flag("fmod", false)),
        "Mul" => a() * b(),
        "Or" => a().logical_or(&b()),
        "Pow" => power(&a(), &b()),
        "Sub" => a() - b(),
        "Sum" => fold(|a, b| a + b),
        "Where" => a().where_(&b(), &node.input(2)),
        "Xor" => a().logical_xor(&b()),
        _ => return Ok(None),
    })
}

/// Integers are divided as floats; conversion back drops the fraction, as division of integers does.
fn quotient(a: &Tensor, b: &Tensor) -> Tensor {
    if a.dtype().is_float() {
        return a / b;
    }
    (a.to_dtype(DType::F64) / b.to_dtype(DType::F64)).to_dtype(a.dtype())
}

/// The remainder with the sign of the divisor, or of the dividend where `truncated` (C's `fmod`).
fn remainder(a: &Tensor, b: &Tensor, truncated: bool) -> Tensor {
    let (x, y) = (a.to_dtype(DType::F64), b.to_dtype(DType::F64));
    let ratio = &x / &y;
    let whole = if truncated { ratio.sign() * ratio.abs().floor() } else { ratio.floor() };
    (x - whole * y).to_dtype(a.dtype())
}

/// The power in the type of the base.
fn power(base: &Tensor, exponent: &Tensor) -> Tensor {
    if base.dtype().is_float() {
        return base.pow(&exponent.to_dtype(base.dtype()));
    }
    base.to_dtype(DType::F64).pow(&exponent.to_dtype(DType::F64)).to_dtype(base.dtype())
}
