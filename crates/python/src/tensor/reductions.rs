//! Reductions, scans and sorting.

use super::Tensor;
use crate::arguments::{self, Axes};
use crate::errors::run;
use pyo3::prelude::*;

/// Reductions over some axes, or over all of them.
macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        #[pymethods]
        impl Tensor {
            $(
                $(#[$doc])*
                #[pyo3(signature = (dim=None, keepdim=false))]
                fn $name(&self, py: Python<'_>, dim: Option<Axes>, keepdim: bool) -> PyResult<Tensor> {
                    let dims = Axes::list(dim);
                    self.map(py, |x| x.$name(&dims, keepdim))
                }
            )*
        }
    };
}
reductions! {
    /// Sum over axes.
    sum;
    /// Mean over axes.
    mean;
    /// Product over axes.
    prod;
    /// ln Σ eˣ over axes, without overflow.
    logsumexp;
    /// Number of elements that are not 0.
    count_nonzero;
    /// Whether any element is true.
    any;
    /// Whether all elements are true.
    all;
    /// Largest element; ties share the gradient.
    amax;
    /// Smallest element; ties share the gradient.
    amin;
}

#[pymethods]
impl Tensor {
    /// Variance, with the sum of squares divided by the count less `correction`.
    #[pyo3(signature = (dim=None, correction=1.0, keepdim=false))]
    fn var(&self, py: Python<'_>, dim: Option<Axes>, correction: f64, keepdim: bool) -> PyResult<Tensor> {
        let dims = Axes::list(dim);
        self.map(py, |x| x.var(&dims, correction, keepdim))
    }

    /// Square root of `var`.
    #[pyo3(signature = (dim=None, correction=1.0, keepdim=false))]
    fn std(&self, py: Python<'_>, dim: Option<Axes>, correction: f64, keepdim: bool) -> PyResult<Tensor> {
        let dims = Axes::list(dim);
        self.map(py, |x| x.std(&dims, correction, keepdim))
    }

    /// The p-norm over axes.
    #[pyo3(signature = (p=2.0, dim=None, keepdim=false))]
    fn norm(&self, py: Python<'_>, p: f64, dim: Option<Axes>, keepdim: bool) -> PyResult<Tensor> {
        let dims = Axes::list(dim);
        self.map(py, |x| x.norm(p, &dims, keepdim))
    }

    /// Largest element of all.
    fn max(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, |x| x.max_all())
    }

    /// Smallest element of all.
    fn min(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, |x| x.min_all())
    }

    /// Position of the first largest element, along an axis or of all.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn argmax(&self, py: Python<'_>, dim: Option<isize>, keepdim: bool) -> PyResult<Tensor> {
        self.map(py, |x| dim.map_or_else(|| of_all(x, x.argmax_all(), keepdim), |dim| x.argmax(dim, keepdim)))
    }

    /// Position of the first smallest element, along an axis or of all.
    #[pyo3(signature = (dim=None, keepdim=false))]
    fn argmin(&self, py: Python<'_>, dim: Option<isize>, keepdim: bool) -> PyResult<Tensor> {
        self.map(py, |x| dim.map_or_else(|| of_all(x, x.argmin_all(), keepdim), |dim| x.argmin(dim, keepdim)))
    }

    /// Sums of all elements up to each along an axis.
    fn cumsum(&self, py: Python<'_>, dim: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.cumsum(dim))
    }

    /// Products of all elements up to each along an axis.
    fn cumprod(&self, py: Python<'_>, dim: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.cumprod(dim))
    }

    /// eˣ over its sum along an axis.
    fn softmax(&self, py: Python<'_>, dim: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.softmax(dim))
    }

    /// Logarithm of the softmax.
    fn log_softmax(&self, py: Python<'_>, dim: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.log_softmax(dim))
    }

    /// Elements in order along an axis, and where each was.
    #[pyo3(signature = (dim=-1, descending=false))]
    fn sort(&self, py: Python<'_>, dim: isize, descending: bool) -> PyResult<(Tensor, Tensor)> {
        run(py, || self.0.sort(dim, descending)).map(pair)
    }

    /// Positions of the elements in order along an axis.
    #[pyo3(signature = (dim=-1, descending=false))]
    fn argsort(&self, py: Python<'_>, dim: isize, descending: bool) -> PyResult<Tensor> {
        self.map(py, |x| x.argsort(dim, descending))
    }

    /// The `k` largest or smallest elements along an axis, and where each was.
    #[pyo3(signature = (k, dim=-1, largest=true))]
    fn topk(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] k: usize,
        dim: isize,
        largest: bool,
    ) -> PyResult<(Tensor, Tensor)> {
        run(py, || self.0.topk(k, dim, largest)).map(pair)
    }
}

/// The answer `found` for all elements of `x`, with an axis of one for each of them where they are kept.
fn of_all(
    x: &wengert_tensor::Tensor,
    found: wengert_tensor::Tensor,
    keepdim: bool,
) -> wengert_tensor::Tensor {
    if keepdim { found.reshape(super::shape(vec![1; x.rank()])) } else { found }
}

fn pair((first, second): (wengert_tensor::Tensor, wengert_tensor::Tensor)) -> (Tensor, Tensor) {
    (Tensor(first), Tensor(second))
}
