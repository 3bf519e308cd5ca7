//! Variance and standard deviation.

use super::vector_norm::root_or_zero;
use crate::apply::must;
use crate::{Error, Result, Tensor, shape};

impl Tensor {
    /// Σ (x − mean)² / (n − correction) over `dims`, n being the number of elements reduced: `correction` 1 is the
    /// unbiased estimate (Bessel's), 0 the mean square. Infinite or NaN where n ≤ correction.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, or the type is not a float.
    #[track_caller]
    pub fn var(&self, dims: &[isize], correction: f64, keepdim: bool) -> Tensor {
        let count = must(count(self, dims));
        let centred = self - self.mean(dims, true);
        centred.square().sum(dims, keepdim).div_scalar((count as f64 - correction).max(0.0))
    }

    /// The square root of [`var`](Tensor::var). Where it is 0, so is its gradient.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, or the type is not a float.
    #[track_caller]
    pub fn std(&self, dims: &[isize], correction: f64, keepdim: bool) -> Tensor {
        root_or_zero(&self.var(dims, correction, keepdim), 0.5)
    }
}

/// How many elements a reduction over `dims` takes together.
fn count(tensor: &Tensor, dims: &[isize]) -> Result<usize> {
    if !tensor.dtype().is_float() {
        let detail = format!("needs f32 or f64, got {}; convert with to_dtype", tensor.dtype());
        return Err(Error::dtype("var", detail));
    }
    let axes = shape::axes("var", dims, tensor.rank())?;
    Ok(axes.iter().map(|&axis| tensor.dims()[axis]).product())
}
