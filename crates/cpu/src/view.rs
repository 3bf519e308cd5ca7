//! A read-only strided window onto a buffer.

use crate::copy::Merged;

/// A read-only strided window onto a buffer: element `(i, j, …)` is `data[offset + i·strides[0] + j·strides[1] + …]`.
///
/// Strides count elements and may be zero (a broadcast axis) or negative (a flipped one).
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    data: &'a [T],
    shape: &'a [usize],
    strides: &'a [isize],
    offset: usize,
}

impl<'a, T: Copy> View<'a, T> {
    /// A window of `shape` and `strides` that starts at `data[offset]`.
    ///
    /// # Panics
    /// When shape and strides differ in length or an index would fall outside `data`; kernels may therefore rely on
    /// every index of a `View` being in bounds.
    pub fn new(data: &'a [T], shape: &'a [usize], strides: &'a [isize], offset: usize) -> Self {
        assert_eq!(shape.len(), strides.len(), "a view needs one stride an axis");
        if !shape.contains(&0) {
            let (mut low, mut high) = (offset as isize, offset as isize);
            for (&size, &stride) in shape.iter().zip(strides) {
                let reach = (size as isize - 1) * stride;
                if reach < 0 { low += reach } else { high += reach }
            }
            assert!(low >= 0 && (high as usize) < data.len(), "a view reaches outside its buffer");
        }
        Self { data, shape, strides, offset }
    }

    /// Sizes of the axes, outermost first.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// Distance in elements between neighbours along each axis.
    pub fn strides(&self) -> &'a [isize] {
        self.strides
    }

    /// The buffer that the window looks onto, whole.
    pub fn data(&self) -> &'a [T] {
        self.data
    }

    /// Where in the buffer the first element lies.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as one slice, where they lie row-major and without gaps.
    pub fn as_slice(&self) -> Option<&'a [T]> {
        let len = self.len();
        if len == 0 {
            return Some(&[]);
        }
        let mut expected = 1isize;
        for (&size, &stride) in self.shape.iter().zip(self.strides).rev() {
            if size != 1 && stride != expected {
                return None;
            }
            expected *= size as isize;
        }
        Some(&self.data[self.offset..self.offset + len])
    }

    /// The element at row-major position `position`.
    pub fn at(&self, mut position: usize) -> T {
        let mut index = self.offset as isize;
        for (&size, &stride) in self.shape.iter().zip(self.strides).rev() {
            index += (position % size) as isize * stride;
            position /= size;
        }
        self.data[index as usize]
    }

    /// A walk over the buffer indices of the innermost-axis rows, from row-major row `first_row` on.
    pub fn rows_from(&self, first_row: usize) -> RowWalk<'a> {
        RowWalk::new(self.shape, self.strides, self.offset, first_row)
    }
}

impl<'a, T: Copy + Send + Sync> View<'a, T> {
    /// Copies the elements into `out` in row-major order, in parallel.
    ///
    /// # Panics
    /// When `out` has another length than the view.
    pub fn copy_to(&self, out: &mut [T]) {
        Merged::new(self).copy_to(out);
    }
}

/// Buffer index of the first element of each innermost row, in row-major order; endless past the last row.
#[derive(Clone, Debug)]
pub struct RowWalk<'a> {
    shape: &'a [usize],
    strides: &'a [isize],
    counters: [usize; MAX_RANK],
    index: isize,
}

/// Most axes that a strided kernel takes.
pub const MAX_RANK: usize = 12;

impl<'a> RowWalk<'a> {
    pub(crate) fn new(shape: &'a [usize], strides: &'a [isize], offset: usize, first_row: usize) -> Self {
        assert!(shape.len() <= MAX_RANK, "at most {MAX_RANK} axes");
        let outer = shape.len().saturating_sub(1);
        let (shape, strides) = (&shape[..outer], &strides[..outer]);
        let mut counters = [0; MAX_RANK];
        let (mut index, mut rest) = (offset as isize, first_row);
        for axis in (0..outer).rev() {
            counters[axis] = rest % shape[axis].max(1);
            rest /= shape[axis].max(1);
            index += counters[axis] as isize * strides[axis];
        }
        Self { shape, strides, counters, index }
    }
}

impl Iterator for RowWalk<'_> {
    type Item = isize;

    fn next(&mut self) -> Option<isize> {
        let current = self.index;
        for axis in (0..self.shape.len()).rev() {
            self.counters[axis] += 1;
            self.index += self.strides[axis];
            if self.counters[axis] < self.shape[axis] {
                break;
            }
            self.index -= self.strides[axis] * self.shape[axis] as isize;
            self.counters[axis] = 0;
        }
        Some(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_flipped_and_transposed() {
        let data: Vec<i64> = (0..6).collect();
        let mut out = [0; 6];
        View::new(&data, &[3, 2], &[1, 3], 0).copy_to(&mut out);
        assert_eq!(out, [0, 3, 1, 4, 2, 5]);
        View::new(&data, &[2, 3], &[3, -1], 2).copy_to(&mut out);
        assert_eq!(out, [2, 1, 0, 5, 4, 3]);
        let view = View::new(&data, &[2, 3], &[3, -1], 2);
        assert_eq!((0..6).map(|i| view.at(i)).collect::<Vec<_>>(), out);
    }

    #[test]
    #[should_panic(expected = "outside")]
    fn refuses_to_reach_outside() {
        View::new(&[0u8; 5], &[2, 3], &[3, 1], 0);
    }
}
