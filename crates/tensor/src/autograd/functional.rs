//! Derivatives of functions: `vjp`, `jvp`, `hvp`, `jacobian`, `hessian`.
//!
//! Each takes a function of one tensor and a point. The point is copied to a leaf of its own, so that the caller's
//! tensors and gradients are untouched. The derivatives of a function that does not look at the point are 0.

use super::backward::{GradOptions, grad, grad_from};
use super::modes::with_grad;
use crate::{Result, Tensor};

const CREATE: GradOptions = GradOptions { create_graph: true, retain_graph: true, unused_as_zeros: true };
const KEEP: GradOptions = GradOptions { create_graph: false, retain_graph: true, unused_as_zeros: true };

/// `f` at `x` with recording on, and the leaf that stands for `x`.
fn record(f: &impl Fn(&Tensor) -> Tensor, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let leaf = x.to_parameter("x")?;
    let output = with_grad(true, || f(&leaf));
    Ok((output, leaf))
}

/// f(x) and the vector–Jacobian product vᵀ·∂f/∂x, in the shape of `x`; `v` has the shape of f(x).
///
/// # Errors
/// When `x` is not of floats, `v` has another shape or type than f(x), or f cannot be differentiated.
pub fn vjp(f: impl Fn(&Tensor) -> Tensor, x: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
    let (output, leaf) = record(&f, x)?;
    let gradient = grad_from(&[&output], &[v], &[&leaf], KEEP)?.remove(0);
    Ok((output.detach(), gradient))
}

/// f(x) and the Jacobian–vector product ∂f/∂x·v, in the shape of f(x); `v` has the shape of `x`.
///
/// By two backward passes: uᵀ·∂f/∂x is linear in u, and its own vector–Jacobian product with v is what is asked for
/// (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).
///
/// # Errors
/// As [`vjp`], and when `v` has another shape or type than `x`.
pub fn jvp(f: impl Fn(&Tensor) -> Tensor, x: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
    let (output, leaf) = record(&f, x)?;
    let u = output.detach().zeros_like().requires_grad_(true);
    let linear = grad_from(&[&output], &[&u], &[&leaf], CREATE)?.remove(0);
    if !linear.requires_grad() {
        return Ok((output.detach(), output.zeros_like()));
    }
    let tangent = grad_from(&[&linear], &[v], &[&u], KEEP)?.remove(0);
    Ok((output.detach(), tangent))
}

/// The Hessian–vector product ∂²f/∂x²·v of a scalar function, in the shape of `x`, without forming the Hessian.
///
/// # Errors
/// As [`vjp`], and when f(x) is not one number.
pub fn hvp(f: impl Fn(&Tensor) -> Tensor, x: &Tensor, v: &Tensor) -> Result<Tensor> {
    let (output, leaf) = record(&f, x)?;
    let gradient = grad(&[&output], &[&leaf], CREATE)?.remove(0);
    if !gradient.requires_grad() {
        return Ok(x.zeros_like());
    }
    Ok(grad_from(&[&gradient], &[v], &[&leaf], KEEP)?.remove(0))
}

/// The Jacobian ∂f/∂x, of shape `[f(x)…, x…]`: one backward pass for each element of f(x).
///
/// # Errors
/// As [`vjp`].
pub fn jacobian(f: impl Fn(&Tensor) -> Tensor, x: &Tensor) -> Result<Tensor> {
    let (output, leaf) = record(&f, x)?;
    rows(&output, &leaf, KEEP)
}

/// The Hessian ∂²f/∂x² of a scalar function, of shape `[x…, x…]`: one backward pass for each element of `x`.
///
/// # Errors
/// As [`hvp`].
pub fn hessian(f: impl Fn(&Tensor) -> Tensor, x: &Tensor) -> Result<Tensor> {
    let (output, leaf) = record(&f, x)?;
    let gradient = grad(&[&output], &[&leaf], CREATE)?.remove(0);
    rows(&gradient, &leaf, KEEP)
}

/// Gradients of each element of `output`, stacked.
fn rows(output: &Tensor, leaf: &Tensor, options: GradOptions) -> Result<Tensor> {
    let shape: Vec<usize> = output.dims().iter().chain(leaf.dims()).copied().collect();
    if !output.requires_grad() || shape.contains(&0) {
        return Ok(Tensor::zeros(shape, leaf.dtype()));
    }
    let basis = Tensor::eye(output.numel(), output.dtype());
    let rows = (0..output.numel())
        .map(|i| {
            let direction = basis.select(0, i as isize).reshape(output.shape()).contiguous();
            grad_from(&[output], &[&direction], &[leaf], options).map(|mut gradients| gradients.remove(0))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Tensor::stack(&rows.iter().collect::<Vec<_>>(), 0).reshape(shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// f(x) = (x₀²·x₁, sin x₁)
    fn f(x: &Tensor) -> Tensor {
        let (a, b) = (x.select(0, 0), x.select(0, 1));
        Tensor::stack(&[&(&a * &a * &b), &b.sin()], 0)
    }

    fn close(actual: &Tensor, expected: &[f64]) {
        let actual = actual.to_vec::<f64>();
        assert!(
            actual.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12),
            "{actual:?} != {expected:?}"
        );
        assert_eq!(actual.len(), expected.len());
    }

    #[test]
    fn products_and_matrices_agree_with_closed_forms() {
        let x = Tensor::from_slice(&[3.0, 0.5], 2);
        let v = Tensor::from_slice(&[1.0, 2.0], 2);
        let c = 0.5f64.cos();
        close(&jacobian(f, &x).unwrap(), &[3.0, 9.0, 0.0, c]);
        close(&vjp(f, &x, &v).unwrap().1, &[3.0, 9.0 + 2.0 * c]);
        close(&jvp(f, &x, &v).unwrap().1, &[21.0, 2.0 * c]);
        let g = |x: &Tensor| f(x).sum_all();
        close(&hessian(g, &x).unwrap(), &[1.0, 6.0, 6.0, -(0.5f64.sin())]);
        close(&hvp(g, &x, &v).unwrap(), &[13.0, 6.0 - 2.0 * 0.5f64.sin()]);
    }

    #[test]
    fn a_constant_function_has_derivatives_of_zero() {
        let x = Tensor::from_slice(&[3.0, 0.5], 2);
        let constant = |_: &Tensor| Tensor::from_slice(&[1.0, 2.0, 4.0], 3);
        close(&jacobian(constant, &x).unwrap(), &[0.0; 6]);
        let v = Tensor::from_slice(&[1.0, 1.0, 1.0], 3);
        close(&vjp(constant, &x, &v).unwrap().1, &[0.0; 2]);
        let error = vjp(constant, &x, &x).unwrap_err().to_string();
        assert!(error.contains("an output of f64[3] needs a cotangent"), "{error}");
        let (value, tangent) = jvp(constant, &x, &x).unwrap();
        close(&value, &[1.0, 2.0, 4.0]);
        close(&tangent, &[0.0; 3]);
        let number = |_: &Tensor| Tensor::scalar(2.0);
        close(&hvp(number, &x, &x).unwrap(), &[0.0; 2]);
        close(&hessian(number, &x).unwrap(), &[0.0; 4]);
    }

    #[test]
    fn a_linear_function_has_a_zero_hessian() {
        let x = Tensor::from_slice(&[3.0, 0.5], 2);
        close(&hessian(|x| (x * 2.0).sum_all(), &x).unwrap(), &[0.0; 4]);
    }
}
