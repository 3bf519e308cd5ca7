//! Variance and standard deviation.

use super::count;
use super::vector_norm::root_or_zero;
use crate::Tensor;
use crate::apply::must;

impl Tensor {
    /// Σ (x − mean)² / (n − correction) over `dims`, n being the number of elements reduced: `correction` 1 is the
    /// unbiased estimate (Bessel's), 0 the mean square. Infinite or NaN where n ≤ correction.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, or the type is not a float.
    #[track_caller]
    pub fn var(&self, dims: &[isize], correction: f64, keepdim: bool) -> Tensor {
        let centred = self - self.mean(dims, true);
        let count = must(count("var", self.shape(), dims));
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
