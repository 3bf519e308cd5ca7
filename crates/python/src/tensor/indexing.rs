//! `x[…]`, and elements by their positions.

use super::Tensor;
use crate::arguments;
use crate::errors::{refused, run};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyIterator, PyList, PySlice, PyTuple};
use wengert_tensor as engine;

const NO_MASK: &str = "the size of x[mask] depends on what the mask holds; use where or masked_fill";

#[pymethods]
impl Tensor {
    /// Positions, slices with steps of either sign, `None`, `...`, and lists or int64 tensors of positions along one axis.
    fn __getitem__(&self, py: Python<'_>, index: &Bound<'_, PyAny>) -> PyResult<Tensor> {
        let items: Vec<Bound<'_, PyAny>> = match index.cast::<PyTuple>() {
            Ok(tuple) => tuple.iter().collect(),
            Err(_) => vec![index.clone()],
        };
        let named = items.iter().filter(|item| !item.is_none() && !is_ellipsis(item)).count();
        let rank = self.0.rank();
        if named > rank {
            return Err(PyIndexError::new_err(format!("{named} indices for a tensor of {rank} axes")));
        }
        if items.iter().filter(|item| is_ellipsis(item)).count() > 1 {
            return Err(PyIndexError::new_err("only one ellipsis can stand in an index"));
        }
        let lists =
            items.iter().filter(|item| item.is_instance_of::<PyList>() || item.extract::<Tensor>().is_ok());
        if lists.count() > 1 {
            return Err(PyIndexError::new_err(
                "an index holds one list or tensor of positions at most; PyTorch would pair the positions of two",
            ));
        }
        let (mut tensor, mut axis) = (self.0.clone(), 0);
        for item in &items {
            if is_ellipsis(item) {
                axis += rank - named;
            } else {
                (tensor, axis) = step(py, tensor, axis, item)?;
            }
        }
        Ok(Tensor(tensor))
    }

    /// The parts along the first axis.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        if self.0.rank() == 0 {
            return Err(PyTypeError::new_err("a tensor without axes cannot be iterated over"));
        }
        let parts = run(py, || {
            (0..self.0.dims()[0]).map(|i| Tensor(self.0.select(0, i as isize))).collect::<Vec<_>>()
        })?;
        PyList::new(py, parts)?.try_iter()
    }

    /// Elements at `index` along an axis: out[i][j] = x[index[i][j]][j] for axis 0.
    fn gather(&self, py: Python<'_>, dim: isize, index: Tensor) -> PyResult<Tensor> {
        self.map(py, |x| x.gather(dim, &index.0))
    }

    /// A copy with the elements of `src` at the positions `index` along an axis.
    fn scatter(&self, py: Python<'_>, dim: isize, index: Tensor, src: Tensor) -> PyResult<Tensor> {
        self.map(py, |x| x.scatter(dim, &index.0, &src.0))
    }

    /// A copy with the elements of `src` added at the positions `index` along an axis.
    fn scatter_add(&self, py: Python<'_>, dim: isize, index: Tensor, src: Tensor) -> PyResult<Tensor> {
        self.map(py, |x| x.scatter_add(dim, &index.0, &src.0))
    }

    /// The parts at the positions of a vector along an axis.
    fn index_select(&self, py: Python<'_>, dim: isize, index: Tensor) -> PyResult<Tensor> {
        self.map(py, |x| x.index_select(dim, &index.0))
    }

    /// A copy with parts of `source` added at the positions of a vector along an axis.
    fn index_add(&self, py: Python<'_>, dim: isize, index: Tensor, source: Tensor) -> PyResult<Tensor> {
        self.map(py, |x| x.index_add(dim, &index.0, &source.0))
    }

    /// A copy with `value` where the mask is true.
    fn masked_fill(&self, py: Python<'_>, mask: Tensor, value: f64) -> PyResult<Tensor> {
        self.map(py, |x| x.masked_fill(&mask.0, value))
    }

    /// This where `condition` is true, `other` elsewhere.
    #[pyo3(name = "where")]
    fn where_(&self, py: Python<'_>, condition: Tensor, other: Tensor) -> PyResult<Tensor> {
        self.map(py, |x| condition.0.where_(x, &other.0))
    }

    /// Whole numbers as rows with a 1 at their place, i64.
    fn one_hot(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = arguments::count)] num_classes: usize,
    ) -> PyResult<Tensor> {
        self.map(py, |x| x.one_hot(num_classes))
    }

    /// Rows of this table at the positions of `index`.
    #[pyo3(signature = (index, padding_idx=None))]
    fn embedding(&self, py: Python<'_>, index: Tensor, padding_idx: Option<isize>) -> PyResult<Tensor> {
        let entries = self.0.dims().first().copied().unwrap_or(0);
        let padding = padding_idx.map(|index| arguments::padding_entry(index, entries)).transpose()?;
        self.map(py, |x| x.embedding(&index.0, padding))
    }
}

fn is_ellipsis(item: &Bound<'_, PyAny>) -> bool {
    item.is_instance_of::<PyEllipsis>()
}

/// Applies one part of an index at an axis; the next part is for the axis that comes back.
fn step(
    py: Python<'_>,
    tensor: engine::Tensor,
    axis: usize,
    item: &Bound<'_, PyAny>,
) -> PyResult<(engine::Tensor, usize)> {
    let dim = axis as isize;
    if item.is_none() {
        return Ok((run(py, || tensor.unsqueeze(dim))?, axis + 1));
    }
    let is_truth = |item: &Bound<'_, PyAny>| item.is_instance_of::<PyBool>();
    if is_truth(item) || item.cast::<PyList>().is_ok_and(|list| list.iter().any(|item| is_truth(&item))) {
        return Err(refused(NO_MASK));
    }
    let size = tensor.dims()[axis];
    if let Ok(slice) = item.cast::<PySlice>() {
        let part = slice.indices(size as isize)?;
        let (start, count, step) = (part.start, part.slicelength, part.step);
        let sliced = run(py, || {
            if count == 0 {
                return tensor.narrow(dim, 0, 0);
            }
            let last = start + (count as isize - 1) * step;
            let forward = tensor.slice(dim, start.min(last), start.max(last) + 1, step.unsigned_abs());
            if step < 0 { forward.flip(&[dim]) } else { forward }
        })?;
        return Ok((sliced, axis + 1));
    }
    if let Ok(positions) = item.extract::<Tensor>() {
        return at_positions(py, tensor, axis, positions.0);
    }
    if let Ok(positions) = item.cast::<PyList>() {
        let positions: Vec<i64> = positions.extract()?;
        let count = positions.len();
        return at_positions(py, tensor, axis, engine::Tensor::from_vec(positions, count));
    }
    let index: isize = item.extract().map_err(|_| {
        let found = item.get_type();
        PyTypeError::new_err(format!(
            "an index is made of whole numbers, slices, None, ..., lists and int64 tensors, not {found}"
        ))
    })?;
    if index < -(size as isize) || index >= size as isize {
        return Err(PyIndexError::new_err(format!("index {index} of an axis of size {size}")));
    }
    Ok((run(py, || tensor.select(dim, index))?, axis))
}

/// The parts at some positions of an axis, which takes the positions' shape; negative ones count from the end.
fn at_positions(
    py: Python<'_>,
    tensor: engine::Tensor,
    axis: usize,
    positions: engine::Tensor,
) -> PyResult<(engine::Tensor, usize)> {
    if positions.dtype() == engine::DType::Bool {
        return Err(refused(NO_MASK));
    }
    let size = tensor.dims()[axis] as f64;
    let inner = positions.rank();
    let parts = run(py, || {
        let wrapped = positions.add_scalar(size);
        let positions = positions.lt_scalar(0.0).where_(&wrapped, &positions);
        let parts = tensor.index_select(axis as isize, &positions.flatten(0, -1));
        let dims = parts.dims();
        let shape = [&dims[..axis], positions.dims(), &dims[axis + 1..]].concat();
        parts.reshape(super::shape(shape))
    })?;
    Ok((parts, axis + inner))
}
