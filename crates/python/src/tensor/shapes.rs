//! Other shapes of the same elements.

use super::{Tensor, shape};
use crate::arguments::{self, Axes, sizes};
use crate::errors::{refused, run};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

#[pymethods]
impl Tensor {
    /// The same elements in row-major order under another shape; one size may be −1.
    #[pyo3(signature = (*shape))]
    fn reshape(&self, py: Python<'_>, shape: &Bound<'_, PyTuple>) -> PyResult<Tensor> {
        let sizes: Vec<isize> = sizes(shape)?;
        self.map(py, |x| x.reshape(&sizes[..]))
    }

    /// As `reshape`: a view where the strides allow it, otherwise a copy.
    #[pyo3(signature = (*shape))]
    fn view(&self, py: Python<'_>, shape: &Bound<'_, PyTuple>) -> PyResult<Tensor> {
        self.reshape(py, shape)
    }

    /// Axes in another order.
    #[pyo3(signature = (*dims))]
    fn permute(&self, py: Python<'_>, dims: &Bound<'_, PyTuple>) -> PyResult<Tensor> {
        let order: Vec<isize> = sizes(dims)?;
        self.map(py, |x| x.permute(&order))
    }

    /// Two axes swapped.
    fn transpose(&self, py: Python<'_>, dim0: isize, dim1: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.transpose(dim0, dim1))
    }

    /// A matrix transposed.
    fn t(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, |x| x.t())
    }

    /// A matrix transposed.
    #[getter(T)]
    fn transposed(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.t(py)
    }

    /// An axis moved to another place.
    fn movedim(&self, py: Python<'_>, source: isize, destination: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.movedim(source, destination))
    }

    /// Stretched along axes of size 1; −1 keeps a size.
    #[pyo3(signature = (*sizes))]
    fn expand(&self, py: Python<'_>, sizes: &Bound<'_, PyTuple>) -> PyResult<Tensor> {
        let sizes: Vec<isize> = arguments::sizes(sizes)?;
        self.map(py, |x| x.expand(&sizes[..]))
    }

    /// As `expand`.
    #[pyo3(signature = (*sizes))]
    fn broadcast_to(&self, py: Python<'_>, sizes: &Bound<'_, PyTuple>) -> PyResult<Tensor> {
        self.expand(py, sizes)
    }

    /// Without axes of size 1: one of them, or all.
    #[pyo3(signature = (dim=None))]
    fn squeeze(&self, py: Python<'_>, dim: Option<isize>) -> PyResult<Tensor> {
        self.map(py, |x| match dim {
            Some(dim) => x.squeeze(dim),
            None => x.reshape(shape(x.dims().iter().copied().filter(|&size| size != 1).collect())),
        })
    }

    /// With a new axis of size 1.
    fn unsqueeze(&self, py: Python<'_>, dim: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.unsqueeze(dim))
    }

    /// Axes from `start_dim` to `end_dim`, both included, as one.
    #[pyo3(signature = (start_dim=0, end_dim=-1))]
    fn flatten(&self, py: Python<'_>, start_dim: isize, end_dim: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.flatten(start_dim, end_dim))
    }

    /// An axis as several.
    fn unflatten(&self, py: Python<'_>, dim: isize, sizes: Vec<isize>) -> PyResult<Tensor> {
        self.map(py, |x| x.unflatten(dim, &sizes[..]))
    }

    /// Self where row-major and without gaps, otherwise a copy that is.
    fn contiguous(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, |x| x.contiguous())
    }

    /// A copy through which gradients flow.
    fn clone(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, |x| if x.requires_grad() { x.mul_scalar(1.0) } else { x.copy() })
    }

    /// `length` positions of an axis from `start` on.
    fn narrow(
        &self,
        py: Python<'_>,
        dim: isize,
        #[pyo3(from_py_with = arguments::count)] start: usize,
        #[pyo3(from_py_with = arguments::count)] length: usize,
    ) -> PyResult<Tensor> {
        self.map(py, |x| x.narrow(dim, start, length))
    }

    /// One position of an axis, which goes away.
    fn select(&self, py: Python<'_>, dim: isize, index: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.select(dim, index))
    }

    /// Axes in reverse.
    fn flip(&self, py: Python<'_>, dims: Axes) -> PyResult<Tensor> {
        let dims = Axes::list(Some(dims));
        self.map(py, |x| x.flip(&dims))
    }

    /// The diagonal of two axes, as the last axis.
    #[pyo3(signature = (dim1=0, dim2=1))]
    fn diagonal(&self, py: Python<'_>, dim1: isize, dim2: isize) -> PyResult<Tensor> {
        self.map(py, |x| x.diagonal(dim1, dim2))
    }

    /// A vector as the diagonal of a matrix, or the diagonal of a matrix.
    fn diag(&self, py: Python<'_>) -> PyResult<Tensor> {
        self.map(py, |x| x.diag())
    }

    /// The lower triangle of matrices, zero elsewhere.
    #[pyo3(signature = (diagonal=0))]
    fn tril(&self, py: Python<'_>, diagonal: i64) -> PyResult<Tensor> {
        self.map(py, |x| x.tril(diagonal))
    }

    /// The upper triangle of matrices, zero elsewhere.
    #[pyo3(signature = (diagonal=0))]
    fn triu(&self, py: Python<'_>, diagonal: i64) -> PyResult<Tensor> {
        self.map(py, |x| x.triu(diagonal))
    }

    /// Parts of `split_size` along an axis; the last may be smaller.
    #[pyo3(signature = (split_size, dim=0))]
    fn split(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] split_size: usize,
        dim: isize,
    ) -> PyResult<Vec<Tensor>> {
        if split_size == 0 {
            return Err(refused("split: the size of the parts must not be 0"));
        }
        Ok(run(py, || self.0.split(split_size, dim))?.into_iter().map(Tensor).collect())
    }

    /// At most `chunks` parts of one size along an axis; the last may be smaller.
    #[pyo3(signature = (chunks, dim=0))]
    fn chunk(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] chunks: usize,
        dim: isize,
    ) -> PyResult<Vec<Tensor>> {
        if chunks == 0 {
            return Err(refused("chunk: the number of parts must not be 0"));
        }
        Ok(run(py, || self.0.chunk(chunks, dim))?.into_iter().map(Tensor).collect())
    }

    /// The tensor repeated along each axis.
    #[pyo3(signature = (*repeats))]
    fn repeat(&self, py: Python<'_>, repeats: &Bound<'_, PyTuple>) -> PyResult<Tensor> {
        let repeats: Vec<usize> = sizes(repeats)?;
        self.map(py, |x| x.repeat(&repeats))
    }

    /// More elements around the edges: `pad` holds (before, after) pairs, the last axis first, as PyTorch has it.
    #[pyo3(signature = (pad, mode="constant", value=0.0))]
    fn pad(&self, py: Python<'_>, pad: Vec<isize>, mode: &str, value: f64) -> PyResult<Tensor> {
        let mode = arguments::pad_mode(mode, value)?;
        let rank = self.0.rank();
        if !pad.len().is_multiple_of(2) || pad.len() / 2 > rank {
            return Err(refused(format!(
                "pad takes two numbers an axis, the last axis first; got {} for {rank} axes",
                pad.len()
            )));
        }
        let mut amounts = vec![(0, 0); rank];
        for (amount, pair) in amounts.iter_mut().rev().zip(pad.chunks(2)) {
            *amount = (pair[0], pair[1]);
        }
        self.map(py, |x| x.pad(&amounts, mode))
    }
}
