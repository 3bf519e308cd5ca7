//! p-norms.

use crate::Tensor;

impl Tensor {
    /// (Σ |x|ᵖ)^(1/p) over `dims` of a float tensor; max |x| for p = ∞, min |x| for p = −∞, and the number of elements
    /// that are not 0 for p = 0.
    ///
    /// The gradient is 0 where the norm is, everywhere for p = 0, and for other p < 1 at elements that are 0. Elements that
    /// tie for p = ±∞ share it equally.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, or the type is not a float.
    #[track_caller]
    pub fn norm(&self, p: f64, dims: &[isize], keepdim: bool) -> Tensor {
        if p == 0.0 {
            let zero = self.eq_scalar(0.0);
            return self.masked_fill(&zero.logical_not(), 1.0).masked_fill(&zero, 0.0).sum(dims, keepdim);
        } else if p == 1.0 {
            return self.abs().sum(dims, keepdim);
        } else if p == 2.0 {
            return root_or_zero(&self.square().sum(dims, keepdim), 0.5);
        } else if p == f64::INFINITY {
            return self.abs().amax(dims, keepdim);
        } else if p == f64::NEG_INFINITY {
            return self.abs().amin(dims, keepdim);
        }
        let size = self.abs();
        if p > 0.0 {
            root_or_zero(&root_or_zero(&size, p).sum(dims, keepdim), 1.0 / p)
        } else {
            size.pow_scalar(p).sum(dims, keepdim).pow_scalar(1.0 / p)
        }
    }
}

/// x to a positive power, with gradient 0 where x is 0: there the true slope may be infinite, and infinity times the
/// cotangent 0 that usually meets it is NaN.
pub(super) fn root_or_zero(x: &Tensor, exponent: f64) -> Tensor {
    let zero = x.eq_scalar(0.0);
    let safe = x.masked_fill(&zero, 1.0);
    let power = if exponent == 0.5 { safe.sqrt() } else { safe.pow_scalar(exponent) };
    power.masked_fill(&zero, 0.0)
}

#[cfg(test)]
mod tests {
    use crate::Tensor;

    #[test]
    fn a_count_has_a_gradient_of_zero() {
        let x = Tensor::from_slice(&[0.0, -0.0, f64::INFINITY, f64::NAN, -2.0], 5).requires_grad_(true);
        let count = x.norm(0.0, &[], false);
        assert_eq!(count.item(), 3.0);
        count.backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec::<f64>(), [0.0; 5]);
    }
}
