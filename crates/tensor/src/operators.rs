//! `+ - * /` and unary `-` for tensors, references to tensors and numbers, in every combination.
//!
//! An operand that is given away, `a + &b` rather than `&a + &b`, lends its memory to the result where nobody else
//! holds it.

use crate::Tensor;
use crate::apply::{Operand, must, pass};
use crate::ops::{binary::Binary, unary::Unary};
use smallvec::smallvec;
use std::ops::{Add, Div, Mul, Neg, Sub};

macro_rules! tensor_operator {
    ($trait:ident $method:ident; $($left:ty, $right:ty;)*) => {$(
        impl $trait<$right> for $left {
            type Output = Tensor;

            #[track_caller]
            fn $method(self, other: $right) -> Tensor {
                must(pass(Binary::$trait, smallvec![Operand::from(self), Operand::from(other)]))
            }
        }
    )*};
    ($($trait:ident $method:ident),*) => {$(
        tensor_operator!($trait $method; Tensor, Tensor; Tensor, &Tensor; &Tensor, Tensor; &Tensor, &Tensor;);
    )*};
}
tensor_operator!(Add add, Sub sub, Mul mul, Div div);

impl From<&Tensor> for Tensor {
    /// Another handle to the same tensor.
    fn from(tensor: &Tensor) -> Tensor {
        tensor.clone()
    }
}

macro_rules! scalar_operator {
    ($($trait:ident $method:ident: $tensor_first:expr, $scalar_first:expr;)*) => {
        $(
            scalar_operator!(@ $trait $method, Tensor, $tensor_first, $scalar_first);
            scalar_operator!(@ $trait $method, &Tensor, $tensor_first, $scalar_first);
        )*
    };
    (@ $trait:ident $method:ident, $tensor:ty, $tensor_first:expr, $scalar_first:expr) => {
        impl $trait<f64> for $tensor {
            type Output = Tensor;

            #[track_caller]
            fn $method(self, scalar: f64) -> Tensor {
                let op: fn(f64) -> Unary = $tensor_first;
                must(pass(op(scalar), smallvec![Operand::from(self)]))
            }
        }

        impl $trait<$tensor> for f64 {
            type Output = Tensor;

            #[track_caller]
            fn $method(self, tensor: $tensor) -> Tensor {
                let (first, second): (Option<Unary>, fn(f64) -> Unary) = $scalar_first;
                let operand = match first {
                    Some(first) => Operand::Given(must(pass(first, smallvec![Operand::from(tensor)]))),
                    None => Operand::from(tensor),
                };
                must(pass(second(self), smallvec![operand]))
            }
        }
    };
}
scalar_operator! {
    Add add: Unary::AddScalar, (None, Unary::AddScalar);
    Sub sub: |scalar| Unary::AddScalar(-scalar), (Some(Unary::Neg), Unary::AddScalar);
    Mul mul: Unary::MulScalar, (None, Unary::MulScalar);
    Div div: Unary::DivScalar, (Some(Unary::Reciprocal), Unary::MulScalar);
}

impl Neg for Tensor {
    type Output = Tensor;

    #[track_caller]
    fn neg(self) -> Tensor {
        must(pass(Unary::Neg, smallvec![Operand::from(self)]))
    }
}

impl Neg for &Tensor {
    type Output = Tensor;

    #[track_caller]
    fn neg(self) -> Tensor {
        must(pass(Unary::Neg, smallvec![Operand::from(self)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_operands() {
        let (a, b) = (Tensor::from_slice(&[6.0, 8.0], 2), Tensor::from_slice(&[3.0, 2.0], 2));
        for difference in [&a - &b, a.clone() - &b, &a - b.clone(), a.clone() - b.clone()] {
            assert_eq!(difference.to_vec::<f64>(), [3.0, 6.0]);
        }
        assert_eq!((1.0 - &b).to_vec::<f64>(), [-2.0, -1.0]);
        assert_eq!((6.0 / b.clone()).to_vec::<f64>(), [2.0, 3.0]);
        assert_eq!((-(&a / 2.0) + 1.0).to_vec::<f64>(), [-2.0, -3.0]);
        assert_eq!((2.0 * a).to_vec::<f64>(), [12.0, 16.0]);
    }

    #[test]
    fn an_owned_operand_lends_its_memory() {
        let address = |tensor: &Tensor| tensor.value().read().slice::<f64>().as_ptr();
        let (a, b) = (Tensor::ones(9, crate::DType::F64), Tensor::ones(9, crate::DType::F64));
        let before = address(&a);
        let sum = a + &b;
        assert_eq!(address(&sum), before);
        let difference = &b - sum;
        assert_eq!((address(&difference), difference.to_vec::<f64>()), (before, vec![-1.0; 9]));
        // What the tape saves is not overwritten.
        let leaf = Tensor::ones(9, crate::DType::F64).requires_grad_(true);
        let exponential = leaf.exp();
        let kept = address(&exponential);
        assert_ne!(address(&(exponential * 2.0)), kept);
    }

    #[test]
    #[should_panic(expected = "shapes [2] and [3] do not broadcast")]
    fn shapes_that_do_not_broadcast() {
        let _ = Tensor::ones(2, crate::DType::F32) + Tensor::ones(3, crate::DType::F32);
    }

    #[test]
    fn a_quotient_is_rounded_once() {
        let x: Vec<f32> = (1..200).map(|i| i as f32 * 0.7).collect();
        let quotients = (Tensor::from_slice(&x, x.len()) / 3.0).to_vec::<f32>();
        assert!(quotients.iter().zip(&x).all(|(quotient, x)| quotient.to_bits() == (x / 3.0).to_bits()));
        // 1/5e-324 is infinite, the quotient is not; and in f32 the divisor is 0.
        let tiny = 5e-324;
        assert_eq!((Tensor::from_slice(&[2.0 * tiny, 0.0], 2) / tiny).to_vec::<f64>(), [2.0, 0.0]);
        assert_eq!(
            (Tensor::from_slice(&[1f32, -1.0], 2) / tiny).to_vec::<f32>(),
            [f32::INFINITY, f32::NEG_INFINITY]
        );
        let leaf = Tensor::from_slice(&[1.0], 1).requires_grad_(true);
        (&leaf / 49.0).sum_all().backward().unwrap();
        assert_eq!(leaf.grad().unwrap().item(), 1.0 / 49.0);
    }

    #[test]
    fn integers_and_numbers() {
        let bytes = Tensor::from_slice(&[1u8, 200], 2);
        assert_eq!((&bytes + 300.0).to_vec::<u8>(), [45, 244]);
        assert_eq!((&bytes * 300.0).to_vec::<u8>(), [44, 96]);
        assert_eq!((&bytes - 257.0).to_vec::<u8>(), [0, 199]);
        let whole = Tensor::from_slice(&[3i64], 1);
        assert_eq!((&whole + i64::MIN as f64).to_vec::<i64>(), [i64::MIN + 3]);
        let refusal = |quotient: &dyn Fn() -> Tensor| crate::attempt(quotient).unwrap_err().to_string();
        let message = refusal(&|| &whole / 2.0);
        assert_eq!(message, "div_scalar: needs f32 or f64, got i64; convert with to_dtype");
        let message = refusal(&|| &whole + 1e20);
        assert!(message.contains("does not fit 64 bits, but the elements are i64"), "{message}");
        let message = refusal(&|| &whole * 0.5);
        assert!(message.contains("0.5 is not whole, but the elements are i64"), "{message}");
    }
}
