//! Fused gradients of the activations that train most networks: one pass over memory instead of three.

use crate::apply::apply;
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::elementwise::{same_floats, take, zip};
use crate::{Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::Number;

pub(crate) const OPS: &[&str] = &["leaky_relu_grad", "sigmoid_grad", "tanh_grad"];

/// g · f′, with f′ told from the output y of f. Inputs: g and y, of one shape and float type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UnaryGrad {
    /// g where y > 0, `negative_slope` · g elsewhere; with slope 0 that of `relu`.
    LeakyRelu {
        /// The slope of f below 0.
        negative_slope: f64,
    },
    /// g · y · (1 − y).
    Sigmoid,
    /// g · (1 − y²).
    Tanh,
}

impl UnaryGrad {
    pub(super) fn apply(self, cotangent: &Tensor, output: &Tensor) -> Result<Tensor> {
        apply(self, &[cotangent, output])
    }
}

impl Op for UnaryGrad {
    fn name(&self) -> &'static str {
        match self {
            UnaryGrad::LeakyRelu { .. } => "leaky_relu_grad",
            UnaryGrad::Sigmoid => "sigmoid_grad",
            UnaryGrad::Tanh => "tanh_grad",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        same_floats(self.name(), take::<2>(self.name(), inputs)?)
    }

    fn saves(&self) -> Saves {
        match self {
            UnaryGrad::LeakyRelu { .. } => Saves::inputs(&[1]),
            UnaryGrad::Sigmoid | UnaryGrad::Tanh => Saves::ALL_INPUTS,
        }
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let shape = &output.shape;
        for_float!(output.dtype, self.name(), T => Ok(match *self {
            UnaryGrad::LeakyRelu { negative_slope } => {
                let slope = T::from_f64(negative_slope);
                // An infinite g must not make NaN of a slope of 0. By `move`: a number that only one arm reads through
                // a reference keeps the loop from being vectorised.
                zip(&inputs, shape, move |g: T, y: T| {
                    if y > T::ZERO {
                        g
                    } else if slope == T::ZERO {
                        T::ZERO
                    } else {
                        g * slope
                    }
                })
            }
            UnaryGrad::Sigmoid => zip(&inputs, shape, |g: T, y: T| g * y * (T::ONE - y)),
            UnaryGrad::Tanh => zip(&inputs, shape, |g: T, y: T| g * (T::ONE - y * y)),
        }))
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let to_g = saved.needs(0).then(|| self.apply(cotangent, &saved.input(1))).transpose()?;
        let to_y = saved.needs(1).then(|| match self {
            UnaryGrad::LeakyRelu { .. } => cotangent.zeros_like(),
            UnaryGrad::Sigmoid => cotangent * saved.input(0) * (1.0 - saved.input(1) * 2.0),
            UnaryGrad::Tanh => cotangent * saved.input(0) * (saved.input(1) * -2.0),
        });
        Ok(smallvec![to_g, to_y])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (g, y) = (&inputs[0], &inputs[1]);
        Some(match *self {
            UnaryGrad::LeakyRelu { negative_slope } => y.gt_scalar(0.0).where_(g, &(g * negative_slope)),
            UnaryGrad::Sigmoid => g * y * (1.0 - y),
            UnaryGrad::Tanh => g * (1.0 - y.square()),
        })
    }
}
