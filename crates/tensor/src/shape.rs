//! Sizes of axes, and the rules that combine them.

use crate::{Error, Result};
use smallvec::SmallVec;
use std::fmt;
use std::ops::Deref;

/// Most axes that a tensor may have.
pub const MAX_RANK: usize = wengert_cpu::view::MAX_RANK;

/// Sizes of a tensor's axes, outermost first. A scalar has none.
#[derive(PartialEq, Eq, Hash, Default)]
pub struct Shape(SmallVec<[usize; 4]>);

impl Clone for Shape {
    fn clone(&self) -> Self {
        Shape(copied(&self.0))
    }
}

/// A copy that goes pair by pair for the usual numbers of axes. The derived one goes number by number; an op copies a
/// dozen shapes and moves each, and a move in wider steps than those it was written in waits for them all.
pub(crate) fn copied<T: Copy + Default>(axes: &SmallVec<[T; 4]>) -> SmallVec<[T; 4]> {
    let none = T::default();
    match **axes {
        [] => SmallVec::new(),
        [a] => SmallVec::from_buf_and_len([a, none, none, none], 1),
        [a, b] => SmallVec::from_buf_and_len([a, b, none, none], 2),
        [a, b, c] => SmallVec::from_buf_and_len([a, b, c, none], 3),
        [a, b, c, d] => SmallVec::from_buf_and_len([a, b, c, d], 4),
        _ => SmallVec::from_slice(axes),
    }
}

impl Shape {
    /// Number of elements: the product of all sizes.
    pub fn numel(&self) -> usize {
        self.0.iter().product()
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Size of axis `dim`, where −1 is the last.
    pub fn dim(&self, dim: isize) -> Result<usize> {
        Ok(self.0[axis("dim", dim, self.rank())?])
    }

    /// A copy with axis `axis` of another size.
    pub fn with_dim(&self, axis: usize, size: usize) -> Shape {
        let mut shape = self.clone();
        shape.0[axis] = size;
        shape
    }

    /// A copy without axis `axis`.
    pub fn without_dim(&self, axis: usize) -> Shape {
        let mut shape = self.clone();
        shape.0.remove(axis);
        shape
    }

    /// A copy with a new axis of `size` before position `axis`.
    pub fn insert_dim(&self, axis: usize, size: usize) -> Shape {
        let mut shape = self.clone();
        shape.0.insert(axis, size);
        shape
    }

    /// The number of elements before, along and after axis `axis`: any shape seen as `[outer, size, inner]`.
    pub fn around(&self, axis: usize) -> [usize; 3] {
        [self.0[..axis].iter().product(), self.0[axis], self.0[axis + 1..].iter().product()]
    }

    /// The number of elements, or an error of `op` where it does not fit the address space or there are too many axes.
    pub fn checked_numel(&self, op: &'static str) -> Result<usize> {
        if self.rank() > MAX_RANK {
            return Err(Error::shape(
                op,
                format!("{self} has {} axes, at most {MAX_RANK} are supported", self.rank()),
            ));
        }
        // The product over the non-zero axes must fit as well: strides are made from it.
        let volume = self
            .0
            .iter()
            .filter(|&&size| size > 0)
            .try_fold(1usize, |product, &size| product.checked_mul(size));
        match volume {
            Some(volume) if volume <= isize::MAX as usize / 8 => Ok(self.numel()),
            _ => Err(Error::shape(op, format!("{self} has more elements than memory can address"))),
        }
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_slice())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_slice())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        Shape(SmallVec::from_slice(&sizes))
    }
}
impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Self {
        Shape(SmallVec::from_slice(sizes))
    }
}
impl From<&Vec<usize>> for Shape {
    fn from(sizes: &Vec<usize>) -> Self {
        Shape(SmallVec::from_slice(sizes))
    }
}
impl From<Vec<usize>> for Shape {
    fn from(sizes: Vec<usize>) -> Self {
        Shape(SmallVec::from_vec(sizes))
    }
}
impl From<usize> for Shape {
    fn from(size: usize) -> Self {
        Shape(SmallVec::from_slice(&[size]))
    }
}
impl From<()> for Shape {
    fn from((): ()) -> Self {
        Shape::default()
    }
}
impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}
impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(sizes: I) -> Self {
        Shape(sizes.into_iter().collect())
    }
}

/// Position of axis `dim` of `rank` axes, counting from the back where it is negative.
pub fn axis(op: &'static str, dim: isize, rank: usize) -> Result<usize> {
    let position = if dim < 0 { dim + rank as isize } else { dim };
    if (0..rank as isize).contains(&position) {
        return Ok(position as usize);
    }
    Err(Error::argument(
        op,
        if rank == 0 {
            format!("dim {dim} is out of range: a scalar has no axes")
        } else {
            format!(
                "dim {dim} is out of range: with {rank} axes it must lie in {}..={}",
                -(rank as isize),
                rank as isize - 1
            )
        },
    ))
}

/// The number of elements before, along and after axis `dim` of `shape`. A scalar is a line of one element, whose axis
/// is 0 and −1, as in PyTorch.
pub fn line(op: &'static str, dim: isize, shape: &Shape) -> Result<[usize; 3]> {
    if shape.is_empty() && matches!(dim, 0 | -1) {
        return Ok([1; 3]);
    }
    Ok(shape.around(axis(op, dim, shape.rank())?))
}

/// Positions of the axes `dims` of `rank` axes, sorted; an empty list means all of them, and so does axis 0 or −1 of a
/// scalar. A repeated axis is an error.
pub fn axes(op: &'static str, dims: &[isize], rank: usize) -> Result<SmallVec<[usize; 6]>> {
    if dims.is_empty() || rank == 0 && matches!(dims, [0 | -1]) {
        return Ok((0..rank).collect());
    }
    let mut positions =
        dims.iter().map(|&dim| axis(op, dim, rank)).collect::<Result<SmallVec<[usize; 6]>>>()?;
    positions.sort_unstable();
    if positions.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::argument(op, format!("dims {dims:?} name an axis twice")));
    }
    Ok(positions)
}

/// The common shape of two operands: axes are matched from the back, and an axis of size 1 stretches.
pub fn broadcast(op: &'static str, left: &Shape, right: &Shape) -> Result<Shape> {
    if left == right {
        return Ok(left.clone());
    }
    let rank = left.rank().max(right.rank());
    let size = |shape: &Shape, i: usize| {
        let missing = rank - shape.rank();
        if i < missing { 1 } else { shape[i - missing] }
    };
    (0..rank)
        .map(|i| match (size(left, i), size(right, i)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            (a, b) => Err(Error::shape(
                op,
                format!("shapes {left} and {right} do not broadcast: sizes {a} and {b} at axis {i}; they must be equal or 1"),
            )),
        })
        .collect()
}
