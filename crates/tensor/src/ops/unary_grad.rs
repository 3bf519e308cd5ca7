//! Fused gradients of activations: one pass over memory instead of one for each operation of the formula.

mod plain;

use crate::apply::apply;
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::{same_floats, take, zip};
use crate::ops::unary::{Gelu, formulas};
use crate::{Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::Number;
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &[
    "leaky_relu_grad",
    "sigmoid_grad",
    "tanh_grad",
    "log_sigmoid_grad",
    "softplus_grad",
    "elu_grad",
    "gelu_grad",
    "silu_grad",
];

/// g · f′, with f′ told from the output y of f or from its input x. Inputs: g and what tells, of one shape and float type.
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
    /// g · sigmoid(−x).
    LogSigmoid,
    /// g where βx > `threshold`, g · sigmoid(βx) elsewhere.
    Softplus {
        /// How steep the bend is.
        beta: f64,
        /// Where f becomes the identity.
        threshold: f64,
    },
    /// g · scale · (1 where x > 0, αeˣ elsewhere), that of `elu` and, scaled, of `selu`.
    Elu {
        /// The slope of f just below 0.
        alpha: f64,
        /// What f is multiplied with.
        scale: f64,
    },
    /// g · (Φ(x) + x φ(x)), or the derivative of the tanh formula.
    Gelu {
        /// Which of the two.
        approximation: Gelu,
    },
    /// g · s · (1 + x (1 − s)), with s = sigmoid(x).
    Silu,
}

impl UnaryGrad {
    pub(super) fn apply(self, cotangent: &Tensor, told: &Tensor) -> Result<Tensor> {
        apply(self, &[cotangent, told])
    }
}

impl Op for UnaryGrad {
    fn name(&self) -> &'static str {
        match self {
            UnaryGrad::LeakyRelu { .. } => "leaky_relu_grad",
            UnaryGrad::Sigmoid => "sigmoid_grad",
            UnaryGrad::Tanh => "tanh_grad",
            UnaryGrad::LogSigmoid => "log_sigmoid_grad",
            UnaryGrad::Softplus { .. } => "softplus_grad",
            UnaryGrad::Elu { .. } => "elu_grad",
            UnaryGrad::Gelu { .. } => "gelu_grad",
            UnaryGrad::Silu => "silu_grad",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        same_floats(self.name(), take::<2>(self.name(), inputs)?)
    }

    fn saves(&self) -> Saves {
        match self {
            UnaryGrad::LeakyRelu { .. } => Saves::inputs(&[1]),
            _ => Saves::ALL_INPUTS,
        }
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let shape = &output.shape;
        for_float!(output.dtype, self.name(), T => Ok(match *self {
            UnaryGrad::LeakyRelu { negative_slope } => {
                let slope = T::from_f64(negative_slope);
                // An infinite g must not make NaN of a slope of 0. By `move`: a number that only one arm reads through
                // a reference keeps the loop from being vectorised.
                zip(inputs, shape, move |g: T, y: T| {
                    if y > T::ZERO {
                        g
                    } else if slope == T::ZERO {
                        T::ZERO
                    } else {
                        g * slope
                    }
                })
            }
            UnaryGrad::Sigmoid => zip(inputs, shape, |g: T, y: T| g * y * (T::ONE - y)),
            UnaryGrad::Tanh => zip(inputs, shape, |g: T, y: T| g * (T::ONE - y * y)),
            UnaryGrad::LogSigmoid => zip::<T>(inputs, shape, formulas::LogSigmoidGrad),
            UnaryGrad::Softplus { beta, threshold } => {
                let (beta, threshold) = (T::from_f64(beta), T::from_f64(threshold));
                zip(inputs, shape, formulas::SoftplusGrad { beta, threshold })
            }
            UnaryGrad::Elu { alpha, scale } => {
                let (alpha, scale) = (T::from_f64(alpha), T::from_f64(scale));
                zip(inputs, shape, formulas::EluGrad { alpha, scale })
            }
            UnaryGrad::Gelu { approximation: Gelu::Erf } => zip::<T>(inputs, shape, formulas::GeluGrad),
            UnaryGrad::Gelu { approximation: Gelu::Tanh } => zip::<T>(inputs, shape, formulas::TanhGeluGrad),
            UnaryGrad::Silu => zip::<T>(inputs, shape, formulas::SiluGrad),
        }))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let (function, numbers) = match *self {
            UnaryGrad::LeakyRelu { negative_slope } => (self.name(), [negative_slope, 0.0]),
            UnaryGrad::Softplus { beta, threshold } => (self.name(), [beta, threshold]),
            UnaryGrad::Elu { alpha, scale } => (self.name(), [alpha, scale]),
            UnaryGrad::Gelu { approximation: Gelu::Tanh } => ("gelu_tanh_grad", [0.0; 2]),
            _ => (self.name(), [0.0; 2]),
        };
        cuda::map::<2>(Family::Binary, function, numbers, inputs, output, device)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let to_g = saved.needs(0).then(|| self.apply(cotangent, &saved.input(1))).transpose()?;
        let to_told = saved.needs(1).then(|| match self.curvature(&saved.input(1)) {
            Some(curvature) => cotangent * saved.input(0) * curvature,
            None => cotangent.zeros_like(),
        });
        Ok(smallvec![to_g, to_told])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        Some(self.plain(&inputs[0], &inputs[1]))
    }
}
