//! The fully connected layer, fused: product and bias in one pass.

use super::matmul::as_rows;
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::gemm::{self, Epilogue};

pub(crate) const OPS: &[&str] = &["linear"];

/// Inputs: x [batch…, features], weight [units, features] and perhaps a bias [units]. Output: x·weightᵀ + bias,
/// [batch…, units].
#[derive(Clone, Debug)]
struct Linear;

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let (x, weight, bias) = (&inputs[0], &inputs[1], inputs.get(2));
        let (Some(&features), [units, weight_features]) = (x.shape.last(), &*weight.shape) else {
            let detail = format!(
                "needs an input [batch…, features] and a weight [units, features], got {} and {}",
                x.shape, weight.shape
            );
            return Err(Error::shape(self.name(), detail));
        };
        if features != *weight_features {
            let detail = format!(
                "the input {} has {features} features and the weight {} takes {weight_features}",
                x.shape, weight.shape
            );
            return Err(Error::shape(self.name(), detail));
        }
        if let Some(bias) = bias.filter(|bias| *bias.shape != [*units]) {
            let detail = format!("the bias must be [{units}], got {}", bias.shape);
            return Err(Error::shape(self.name(), detail));
        }
        if let Some(other) = inputs.iter().find(|input| input.dtype != x.dtype) {
            let detail = format!("the input is {} and a parameter {}", x.dtype, other.dtype);
            return Err(Error::dtype(self.name(), detail));
        }
        let shape = x.shape.with_dim(x.shape.rank() - 1, *units);
        shape.checked_numel(self.name())?;
        for_float!(x.dtype, self.name(), _T => Ok(Spec::new(shape, x.dtype)))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[0, 1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let x = as_rows(&inputs[0]);
        let weight = inputs[1].with_layout(inputs[1].layout().permute(&[1, 0]));
        let bias = inputs.get(2).map(Value::contiguous);
        let (x, weight, bias) = (x.read(), weight.read(), bias.as_ref().map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let column_bias = bias.as_ref().map(|bias| bias.slice::<T>());
            gemm::matmul(x.view(), weight.view(), out, Epilogue { column_bias, ..Epilogue::NONE })
        })))
    }

    /// For Y = X·Wᵀ + b: dX = dY·W, dW = dYᵀ·X, and db is the sum of the rows of dY.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (x, weight) = (saved.input(0), saved.input(1));
        let [units, features] = [weight.dims()[0], weight.dims()[1]];
        let rows = x.dims()[..x.rank() - 1].iter().product();
        let flat = cotangent.reshape([rows, units]);
        let mut gradients: Gradients = smallvec![
            saved.needs(0).then(|| cotangent.matmul(&weight)),
            saved.needs(1).then(|| flat.t().matmul(&x.reshape([rows, features]))),
        ];
        if saved.input_count() == 3 {
            gradients.push(saved.needs(2).then(|| flat.sum(&[0], false)));
        }
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let product = inputs[0].matmul(&inputs[1].t());
        Some(inputs.get(2).map_or_else(|| product.clone(), |bias| product.add(bias)))
    }

    fn flops(&self, inputs: &[Spec], output: &Spec) -> u64 {
        let features = inputs[1].shape[1] as u64;
        let bias = u64::from(inputs.len() == 3);
        output.shape.numel() as u64 * (2 * features + bias)
    }
}

impl Tensor {
    /// x·weightᵀ + bias, for x = self [batch…, features], `weight` [units, features] and `bias` \[units\]; the result is
    /// [batch…, units].
    ///
    /// # Panics
    /// When shapes or dtypes do not fit, or the dtype is not a float.
    #[track_caller]
    pub fn linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
        must(match bias {
            Some(bias) => apply(Linear, &[self, weight, bias]),
            None => apply(Linear, &[self, weight]),
        })
    }
}
