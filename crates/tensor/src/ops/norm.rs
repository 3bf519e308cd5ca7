//! Normalisation: batch, layer, group and instance norm.
//!
//! With x̂ = (x − mean) / √(variance + ε) over a group of elements and I(v) = (v − mean v − x̂ · mean (v · x̂)) /
//! √(variance + ε), the Jacobian of x̂ is I, which is symmetric. The fused ops therefore close under differentiation:
//! the gradient of a gradient is made of the same kernels, see `input_grad_grad` below.

mod batch;
mod batch_grad;
mod group;
mod layer;
#[cfg(test)]
mod tests;

use crate::{DType, Error, Result, Shape, Tensor};

pub use batch::update_running_statistics;

pub(crate) const OPS: &[&str] = &[
    "batch_norm_statistics",
    "batch_norm",
    "batch_norm_relu",
    "batch_norm_leaky_relu",
    "batch_norm_affine_grad",
    "batch_norm_input_grad",
    "layer_norm",
    "layer_norm_input_grad",
    "layer_norm_weight_grad",
];

/// What I(h) becomes when x changes, against the cotangent u: the derivative of ⟨u, I(h)⟩ by x.
///
/// From δx̂ = I(δx) and δ(1/σ) = −mean(x̂ · δx) / σ², with σ = √(variance + ε):
/// −(x̂ · mean(u · I(h)) + I(u) · mean(h · x̂) + I(h) · mean(u · x̂)) / σ, the means over the axes `dims` of a group.
///
/// `scale` is 1/σ; `of_u` and `of_h` are I(u) and I(h).
fn input_grad_grad(
    u: &Tensor,
    of_u: &Tensor,
    h: &Tensor,
    of_h: &Tensor,
    normalised: &Tensor,
    scale: &Tensor,
    dims: &[isize],
) -> Tensor {
    let mean_of_product = |a: &Tensor, b: &Tensor| (a * b).mean(dims, true);
    let sum = normalised * mean_of_product(u, of_h)
        + of_u * mean_of_product(h, normalised)
        + of_h * mean_of_product(u, normalised);
    -(sum * scale)
}

/// The plain form of I(h), and of x̂ on the way.
fn plain_input_grad(h: &Tensor, x: &Tensor, dims: &[isize], epsilon: f64) -> Tensor {
    let (normalised, scale) = plain_normalised(x, dims, epsilon);
    let centred = h - h.mean(dims, true);
    (centred - &normalised * (h * &normalised).mean(dims, true)) * scale
}

/// The plain forms of x̂ and 1 / √(variance + ε).
fn plain_normalised(x: &Tensor, dims: &[isize], epsilon: f64) -> (Tensor, Tensor) {
    let scale = plain_scale(x, dims, epsilon);
    ((x - x.mean(dims, true)) * &scale, scale)
}

/// The plain form of 1 / √(variance + ε), the reduced axes kept.
fn plain_scale(x: &Tensor, dims: &[isize], epsilon: f64) -> Tensor {
    x.var(dims, 0.0, true).add_scalar(epsilon).rsqrt()
}

/// Fails unless a weight or bias has the shape and type that `op` needs.
fn check(op: &'static str, what: &str, found: &crate::Spec, shape: &Shape, dtype: DType) -> Result<()> {
    if found.shape != *shape {
        return Err(Error::shape(op, format!("the {what} must have shape {shape}, got {}", found.shape)));
    }
    if found.dtype != dtype {
        return Err(Error::dtype(
            op,
            format!("the {what} must be {dtype} as the input is, got {}", found.dtype),
        ));
    }
    Ok(())
}

/// Fails unless ε keeps the divisor positive.
fn check_epsilon(op: &'static str, epsilon: f64) -> Result<()> {
    if epsilon.is_finite() && epsilon >= 0.0 {
        return Ok(());
    }
    Err(Error::argument(op, format!("epsilon must be finite and not negative, got {epsilon}")))
}

/// Fails unless `dtype` is a float.
fn check_float(op: &'static str, dtype: DType) -> Result<()> {
    if dtype.is_float() {
        return Ok(());
    }
    Err(Error::dtype(op, format!("needs f32 or f64, got {dtype}; convert with to_dtype")))
}
