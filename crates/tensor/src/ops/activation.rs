//! Activations as parts of other ops, which apply them to a result before it leaves the cache.

use super::unary::Unary;
use super::unary_grad::UnaryGrad;
use crate::apply::{apply, must};
use crate::{Error, Result, Tensor};
use wengert_cpu::Activation;

/// Fails where the sign of the output does not tell that of the input.
pub(super) fn check(op: &'static str, activation: Activation) -> Result<()> {
    match activation {
        Activation::LeakyRelu { negative_slope } if negative_slope.is_nan() || negative_slope < 0.0 => {
            let detail =
                format!("the slope of a fused leaky_relu must not be negative, got {negative_slope}");
            Err(Error::argument(op, detail))
        }
        _ => Ok(()),
    }
}

/// The same function, as CUDA kernels that apply it to their results know it.
pub(super) fn on_device(activation: Activation) -> wengert_cuda::gemm::Activation {
    use wengert_cuda::gemm::Activation as Fused;
    match activation {
        Activation::Relu => Fused::Relu,
        Activation::LeakyRelu { negative_slope } => Fused::LeakyRelu { negative_slope },
        Activation::Tanh => Fused::Tanh,
        Activation::Sigmoid => Fused::Sigmoid,
    }
}

/// g · f′, told from the output y = f(x).
pub(super) fn gradient(activation: Activation, g: &Tensor, y: &Tensor) -> Result<Tensor> {
    match activation {
        // The slope of a piecewise linear function does not depend on x: nothing flows back through the sign.
        Activation::Relu => UnaryGrad::LeakyRelu { negative_slope: 0.0 }.apply(g, &y.detach()),
        Activation::LeakyRelu { negative_slope } => {
            UnaryGrad::LeakyRelu { negative_slope }.apply(g, &y.detach())
        }
        Activation::Tanh => UnaryGrad::Tanh.apply(g, y),
        Activation::Sigmoid => UnaryGrad::Sigmoid.apply(g, y),
    }
}

impl Tensor {
    /// The activation of every element, as an op of its own.
    ///
    /// # Panics
    /// When the tensor does not hold floats.
    #[track_caller]
    pub fn activate(&self, activation: Activation) -> Tensor {
        let op = match activation {
            Activation::Relu => Unary::Relu,
            Activation::LeakyRelu { negative_slope } => Unary::LeakyRelu { negative_slope },
            Activation::Tanh => Unary::Tanh,
            Activation::Sigmoid => Unary::Sigmoid,
        };
        must(apply(op, &[self]))
    }
}
