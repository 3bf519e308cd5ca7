//! The axes that a reduction keeps, and those that it reduces.

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
    /// Those of the axes that are `reduced`, or the others, where a list says which are: neighbours merged where they lie
    /// in both buffers as one axis does.
    pub(super) fn merged(
        shape: &[usize],
        strides: [&[isize]; 2],
        reduced_axes: &[usize],
        reduced: bool,
    ) -> Self {
        let mut axes: Vec<Axis> = Vec::with_capacity(shape.len().max(1));
        let mut count = 1;
        for axis in 0..shape.len() {
            if shape[axis] == 1 || reduced_axes.contains(&axis) != reduced {
                continue;
            }
            let (size, strides) = (shape[axis], [strides[0][axis], strides[1][axis]]);
            count *= size;
            match axes.last_mut() {
                Some(outer) if outer.continues_in(size, strides) => {
                    *outer = Axis { size: outer.size * size, strides };
                }
                _ => axes.push(Axis { size, strides }),
            }
        }
        if axes.is_empty() {
            axes.push(Axis { size: 1, strides: [1, 1] });
        }
        Self { axes, count }
    }

    /// The innermost axis.
    pub(super) fn inner(&self) -> Axis {
        self.axes[self.axes.len() - 1]
    }

    /// Whether all of them lie in the buffers as one does.
    pub(super) fn is_one_axis(&self) -> bool {
        self.axes.len() == 1
    }

    /// Distance in a view from the first element to the one at row-major `position`.
    #[inline(always)]
    pub(super) fn locate(&self, view: usize, mut position: usize) -> isize {
        let mut distance = 0;
        for axis in self.axes[1..].iter().rev() {
            distance += (position % axis.size) as isize * axis.strides[view];
            position /= axis.size;
        }
        distance + position as isize * self.axes[0].strides[view]
    }

    /// Where the elements of a view at the row-major `positions` along these axes begin, counted from the first of all, if
    /// they are neighbours in memory.
    #[inline(always)]
    pub(super) fn neighbours(&self, view: usize, positions: &Range<usize>) -> Option<isize> {
        let Axis { size, strides } = self.inner();
        let in_one_row = self.axes.len() == 1 || positions.start % size + positions.len() <= size;
        (in_one_row && strides[view] == 1).then(|| self.locate(view, positions.start))
    }

    /// Copies the elements of a view at the row-major `positions` along these axes to `scratch`; the first of all lies at
    /// `data[origin]`.
    #[inline(never)]
    pub(super) fn gather<'r, T: Copy>(
        &self,
        view: usize,
        data: &[T],
        origin: isize,
        positions: Range<usize>,
        scratch: &'r mut Vec<T>,
    ) -> &'r [T] {
        let Axis { size, strides } = self.inner();
        let stride = strides[view];
        scratch.clear();
        let mut position = positions.start;
        while position < positions.end {
            let length = (size - position % size).min(positions.end - position);
            let start = origin + self.locate(view, position);
            match stride {
                0 => scratch.resize(scratch.len() + length, data[start as usize]),
                1 => scratch.extend_from_slice(&data[start as usize..][..length]),
                _ => scratch.extend((0..length as isize).map(|i| data[(start + i * stride) as usize])),
            }
            position += length;
        }
        scratch
    }
}

impl Axis {
    /// Whether this axis and an inner one lie in both buffers as one axis does.
    fn continues_in(&self, size: usize, strides: [isize; 2]) -> bool {
        self.strides == [strides[0] * size as isize, strides[1] * size as isize]
    }
}
