//! Largest and smallest elements and where they are.

use super::{Kind, Reduce};
use crate::Tensor;
use crate::apply::must;

impl Tensor {
    /// Largest element over `dims`; NaN where there is one. Equal largest elements share the gradient equally.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, there are no elements to choose from, or the type is bool.
    #[track_caller]
    pub fn amax(&self, dims: &[isize], keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::Amax, self, dims, keepdim))
    }

    /// Smallest element over `dims`; NaN where there is one. Equal smallest elements share the gradient equally.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, there are no elements to choose from, or the type is bool.
    #[track_caller]
    pub fn amin(&self, dims: &[isize], keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::Amin, self, dims, keepdim))
    }

    /// Largest element of all: a scalar.
    #[track_caller]
    pub fn max_all(&self) -> Tensor {
        self.amax(&[], false)
    }

    /// Smallest element of all: a scalar.
    #[track_caller]
    pub fn min_all(&self) -> Tensor {
        self.amin(&[], false)
    }

    /// Position along `dim` of the largest element, as i64: the first of equals; a NaN counts as largest. No gradient.
    ///
    /// # Panics
    /// When `dim` is out of range, there are no elements to choose from, or the type is bool.
    #[track_caller]
    pub fn argmax(&self, dim: isize, keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::Argmax, self, &[dim], keepdim))
    }

    /// Position along `dim` of the smallest element, as i64: the first of equals; a NaN counts as smallest. No gradient.
    ///
    /// # Panics
    /// When `dim` is out of range, there are no elements to choose from, or the type is bool.
    #[track_caller]
    pub fn argmin(&self, dim: isize, keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::Argmin, self, &[dim], keepdim))
    }

    /// Row-major position of the largest element of all, a scalar i64: see [`argmax`](Tensor::argmax).
    #[track_caller]
    pub fn argmax_all(&self) -> Tensor {
        must(Reduce::apply(Kind::Argmax, self, &[], false))
    }

    /// Row-major position of the smallest element of all, a scalar i64: see [`argmin`](Tensor::argmin).
    #[track_caller]
    pub fn argmin_all(&self) -> Tensor {
        must(Reduce::apply(Kind::Argmin, self, &[], false))
    }
}
