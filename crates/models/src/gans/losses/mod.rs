//! The losses of adversarial games as functions on scores, one idea a file.
//!
//! Scores are float `[N]`, one number for each image of a batch, and every loss is a mean per image.

pub mod boundary_seeking;
pub mod cross_entropy;
pub mod energy;
pub mod f_divergence;
pub mod gradient_penalty;
pub mod hinge;
pub mod least_squares;
pub mod relativistic;
pub mod softmax;
pub mod wasserstein;

#[cfg(test)]
fn close(found: &wengert_tensor::Tensor, expected: f64) {
    let found = found.item();
    assert!((found - expected).abs() < 1e-9, "{found} and not {expected}");
}
