//! The axes that a reduction keeps, or those that it reduces.

use crate::View;
use std::ops::Range;

/// Some axes of two views of one shape.
pub(super) struct Axes {
    /// Outermost first; at least one.
    axes: Vec<Axis>,
    /// Number of elements along all of them.
    pub(super) count: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) size: usize,
    /// Distance between neighbours in each view.
    pub(super) strides: [isize; 2],
}

impl Axes {
    /// The chosen axes, neighbours merged where they lie in both buffers as one axis does.
    pub(super) fn merged(shape: &[usize], strides: [&[isize]; 2], chosen: impl Fn(usize) -> bool) -> Self {
        let mut axes: Vec<Axis> = Vec::with_capacity(shape.len().max(1));
        for axis in (0..shape.len()).filter(|&axis| chosen(axis) && shape[axis] != 1) {
            let (size, strides) = (shape[axis], strides.map(|strides| strides[axis]));
            match axes.last_mut() {
                Some(outer) if outer.strides == strides.map(|stride| stride * size as isize) => {
                    *outer = Axis { size: outer.size * size, strides };
                }
                _ => axes.push(Axis { size, strides }),
            }
        }
        let count = axes.iter().map(|axis| axis.size).product();
        if axes.is_empty() {
            axes.push(Axis { size: 1, strides: [1, 1] });
        }
        Self { axes, count }
    }

    /// The innermost axis.
    pub(super) fn inner(&self) -> Axis {
        self.axes[self.axes.len() - 1]
    }

    /// Distance in view `V` from the first element to the one at row-major `position`.
    #[inline(always)]
    pub(super) fn locate<const V: usize>(&self, mut position: usize) -> isize {
        let mut distance = 0;
        for axis in self.axes[1..].iter().rev() {
            distance += (position % axis.size) as isize * axis.strides[V];
            position /= axis.size;
        }
        distance + position as isize * self.axes[0].strides[V]
    }

    /// The elements of view `V` at the row-major `positions` along these axes, `origin` away from the view's first:
    /// where they lie, if they are neighbours there, else copied into `scratch`.
    #[inline(always)]
    pub(super) fn run<'r, const V: usize, T: Copy>(
        &self,
        view: View<'r, T>,
        origin: isize,
        positions: Range<usize>,
        scratch: &'r mut Vec<T>,
    ) -> &'r [T] {
        let inner = self.inner();
        let in_one_row = self.axes.len() == 1 || positions.start % inner.size + positions.len() <= inner.size;
        let origin = view.offset() as isize + origin;
        if in_one_row && inner.strides[V] == 1 {
            let start = origin + self.locate::<V>(positions.start);
            return &view.data()[start as usize..][..positions.len()];
        }
        scratch.clear();
        self.gather::<V, T>(view.data(), origin, positions, scratch);
        scratch
    }

    /// Appends the elements of view `V` at `positions` to `out`.
    #[inline(never)]
    fn gather<const V: usize, T: Copy>(
        &self,
        data: &[T],
        origin: isize,
        positions: Range<usize>,
        out: &mut Vec<T>,
    ) {
        let Axis { size, strides } = self.inner();
        let mut position = positions.start;
        while position < positions.end {
            let length = (size - position % size).min(positions.end - position);
            let start = origin + self.locate::<V>(position);
            match strides[V] {
                0 => out.extend(std::iter::repeat_n(data[start as usize], length)),
                1 => out.extend_from_slice(&data[start as usize..][..length]),
                stride => {
                    out.extend((0..length as isize).map(|i| data[(start + i * stride) as usize]));
                }
            }
            position += length;
        }
    }
}
