//! The gradients in plain ops, and what their own gradients are made of.

use super::UnaryGrad;
use crate::Tensor;
use crate::ops::unary::{GELU_CUBIC, GELU_SCALE, Gelu};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// φ(x) = e^(−x²/2)/√(2π).
fn density(x: &Tensor) -> Tensor {
    (x.square() * -0.5).exp() * (1.0 / (2.0 * PI).sqrt())
}

/// eˣ where x is not positive; 1 where it is, because eˣ of a large x would be infinite, and 0 · ∞ NaN.
fn falling(x: &Tensor) -> Tensor {
    x.clamp(None, Some(0.0)).exp()
}

/// u = √(2/π) (x + 0.044715 x³), its slope and its curvature.
fn cubic(x: &Tensor) -> [Tensor; 3] {
    let square = x.square();
    let value = (&square * GELU_CUBIC + 1.0) * x * GELU_SCALE;
    let slope = (square * (3.0 * GELU_CUBIC) + 1.0) * GELU_SCALE;
    [value, slope, x * (6.0 * GELU_CUBIC * GELU_SCALE)]
}

impl UnaryGrad {
    /// g · f′, where `told` is what tells f′.
    pub(super) fn plain(self, g: &Tensor, told: &Tensor) -> Tensor {
        let x = told;
        match self {
            UnaryGrad::LeakyRelu { negative_slope } => x.gt_scalar(0.0).where_(g, &(g * negative_slope)),
            UnaryGrad::Sigmoid => g * told * (1.0 - told),
            UnaryGrad::Tanh => g * (1.0 - told.square()),
            UnaryGrad::LogSigmoid => g * (-x).sigmoid(),
            UnaryGrad::Softplus { beta, threshold } => {
                let scaled = x * beta;
                scaled.detach().gt_scalar(threshold).where_(g, &(g * scaled.sigmoid()))
            }
            UnaryGrad::Elu { alpha, scale } => {
                let g = g * scale;
                x.detach().gt_scalar(0.0).where_(&g, &(&g * (falling(x) * alpha)))
            }
            UnaryGrad::Gelu { approximation: Gelu::Erf } => {
                let distribution = ((x * FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
                g * (distribution + x * density(x))
            }
            UnaryGrad::Gelu { approximation: Gelu::Tanh } => {
                let [u, slope, _] = cubic(x);
                let tanh = u.tanh();
                g * ((&tanh + 1.0) * 0.5 + x * 0.5 * (1.0 - tanh.square()) * slope)
            }
            UnaryGrad::Silu => {
                let sigmoid = x.sigmoid();
                g * (&sigmoid * (x * (1.0 - &sigmoid) + 1.0))
            }
        }
    }

    /// The derivative of f′ by what tells it; `None` where that is 0.
    pub(super) fn curvature(self, told: &Tensor) -> Option<Tensor> {
        let x = told;
        Some(match self {
            UnaryGrad::LeakyRelu { .. } => return None,
            UnaryGrad::Sigmoid => 1.0 - told * 2.0,
            UnaryGrad::Tanh => told * -2.0,
            UnaryGrad::LogSigmoid => {
                let sigmoid = x.sigmoid();
                (&sigmoid - 1.0) * &sigmoid
            }
            UnaryGrad::Softplus { beta, threshold } => {
                let scaled = x * beta;
                let sigmoid = scaled.sigmoid();
                let curvature = (1.0 - &sigmoid) * sigmoid * beta;
                curvature.masked_fill(&scaled.detach().gt_scalar(threshold), 0.0)
            }
            UnaryGrad::Elu { alpha, scale } => {
                (falling(x) * (alpha * scale)).masked_fill(&x.detach().gt_scalar(0.0), 0.0)
            }
            UnaryGrad::Gelu { approximation: Gelu::Erf } => density(x) * (2.0 - x.square()),
            UnaryGrad::Gelu { approximation: Gelu::Tanh } => {
                let [u, slope, curvature] = cubic(x);
                let tanh = u.tanh();
                let tanh_slope = 1.0 - tanh.square();
                let bend = curvature - tanh * slope.square() * 2.0;
                tanh_slope * (slope + x * 0.5 * bend)
            }
            UnaryGrad::Silu => {
                let sigmoid = x.sigmoid();
                let sigmoid_slope = (1.0 - &sigmoid) * &sigmoid;
                sigmoid_slope * (x * (1.0 - sigmoid * 2.0) + 2.0)
            }
        })
    }
}
