//! How a shape lies in a buffer.

use crate::Shape;
use crate::shape::copied;
use smallvec::SmallVec;

/// Distances in elements between neighbours along each axis.
pub type Strides = SmallVec<[isize; 4]>;

/// Shape, strides and the position of the first element in a buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    shape: Shape,
    strides: Strides,
    offset: usize,
}

impl Clone for Layout {
    fn clone(&self) -> Self {
        Self { shape: self.shape.clone(), strides: copied(&self.strides), offset: self.offset }
    }
}

impl Layout {
    /// Row-major without gaps, from the start of the buffer.
    pub fn contiguous(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let strides = row_major(&shape);
        Self { shape, strides, offset: 0 }
    }

    /// The given strides and offset.
    ///
    /// # Panics
    /// When shape and strides differ in length.
    pub fn new(shape: impl Into<Shape>, strides: impl Into<Strides>, offset: usize) -> Self {
        let (shape, strides) = (shape.into(), strides.into());
        assert_eq!(shape.rank(), strides.len(), "a layout needs one stride an axis");
        Self { shape, strides, offset }
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Distances in elements between neighbours along each axis; zero on a broadcast one, negative on a flipped one.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// Position of the first element in the buffer.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the elements lie row-major and without gaps.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.contains(&0)
            || self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
                let fits = size == 1 || stride == expected;
                expected *= size as isize;
                fits
            })
    }

    /// Axes in another order: axis `i` of the result is axis `order[i]` of self.
    pub fn permute(&self, order: &[usize]) -> Layout {
        Layout {
            shape: order.iter().map(|&axis| self.shape[axis]).collect(),
            strides: order.iter().map(|&axis| self.strides[axis]).collect(),
            offset: self.offset,
        }
    }

    /// Every `step`-th element of axis `axis`, `length` of them from `start`; a negative step walks backwards.
    pub fn slice(&self, axis: usize, start: usize, length: usize, step: isize) -> Layout {
        let mut layout = self.clone();
        if length > 0 {
            layout.offset = (self.offset as isize + start as isize * self.strides[axis]) as usize;
        }
        layout.shape = self.shape.with_dim(axis, length);
        // A single element has no neighbour: its step may be any number, and the product overflow.
        if length > 1 {
            layout.strides[axis] = self.strides[axis] * step;
        }
        layout
    }

    /// Stretched to `shape` by zero strides, or `None` where the shapes do not broadcast.
    pub fn broadcast_to(&self, shape: &Shape) -> Option<Layout> {
        let added = shape.rank().checked_sub(self.shape.rank())?;
        let mut strides: Strides = SmallVec::from_elem(0, shape.rank());
        for (axis, (&size, &stride)) in self.shape.iter().zip(&self.strides).enumerate() {
            let target = shape[added + axis];
            if size == target {
                strides[added + axis] = stride;
            } else if size != 1 {
                return None;
            }
        }
        Some(Layout { shape: shape.clone(), strides, offset: self.offset })
    }

    /// The same elements in the same order under another shape, or `None` where that needs a copy.
    ///
    /// Both shapes must have the same number of elements.
    pub fn reshape(&self, shape: &Shape) -> Option<Layout> {
        if self.is_contiguous() {
            return Some(Layout { shape: shape.clone(), strides: row_major(shape), offset: self.offset });
        }
        // Walk both shapes from the front, pairing the smallest groups of axes with equal products; the old axes of a
        // group must be evenly spaced among themselves.
        let old: SmallVec<[(usize, isize); 6]> = self
            .shape
            .iter()
            .copied()
            .zip(self.strides.iter().copied())
            .filter(|&(size, _)| size != 1)
            .collect();
        let mut strides: Strides = SmallVec::from_elem(0, shape.rank());
        let (mut old_start, mut new_start) = (0, 0);
        while old_start < old.len() {
            let (mut old_end, mut new_end) = (old_start + 1, new_start + 1);
            let (mut old_product, mut new_product) = (old[old_start].0, *shape.get(new_start)?);
            while old_product != new_product {
                if new_product < old_product {
                    new_product *= *shape.get(new_end)?;
                    new_end += 1;
                } else {
                    old_product *= old.get(old_end)?.0;
                    old_end += 1;
                }
            }
            if (old_start..old_end - 1).any(|i| old[i].1 != old[i + 1].0 as isize * old[i + 1].1) {
                return None;
            }
            let mut stride = old[old_end - 1].1;
            for axis in (new_start..new_end).rev() {
                strides[axis] = stride;
                stride *= shape[axis] as isize;
            }
            (old_start, new_start) = (old_end, new_end);
        }
        Some(Layout { shape: shape.clone(), strides, offset: self.offset })
    }
}

fn row_major(shape: &Shape) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(0, shape.rank());
    let mut stride = 1;
    for axis in (0..shape.rank()).rev() {
        strides[axis] = stride;
        stride *= shape[axis].max(1) as isize;
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshape_of_a_transposed_layout() {
        let transposed = Layout::contiguous([2, 3, 4]).permute(&[1, 0, 2]);
        assert!(!transposed.is_contiguous());
        assert_eq!(transposed.reshape(&[3, 2, 2, 2].into()).unwrap().strides(), [4, 12, 2, 1]);
        assert_eq!(transposed.reshape(&[6, 4].into()), None);
        assert_eq!(transposed.reshape(&[3, 1, 2, 4, 1].into()).unwrap().strides()[2..4], [12, 1]);
    }

    #[test]
    fn a_single_element_may_have_any_step() {
        let column = Layout::contiguous([4, 3]).slice(0, 2, 1, isize::MAX);
        assert_eq!((column.offset(), column.shape()), (6, &Shape::from([1, 3])));
    }

    #[test]
    fn slice_and_broadcast() {
        let layout = Layout::contiguous([4, 3]).slice(0, 3, 4, -1);
        assert_eq!((layout.offset(), layout.strides()), (9, &[-3isize, 1][..]));
        assert_eq!(Layout::contiguous([3, 1]).broadcast_to(&[2, 3, 4].into()).unwrap().strides(), [0, 1, 0]);
        assert_eq!(Layout::contiguous([3]).broadcast_to(&[2].into()), None);
    }
}
