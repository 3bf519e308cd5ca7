//! Row-major copies of strided views.
//!
//! Along rows whose elements are neighbours, a copy moves slices. Where they are not but those of another axis are (a
//! transposed matrix, channels moved last), it goes tile by tile over the two axes: a tile reads whole cache lines and
//! writes whole cache lines, where row by row would use one element of each line that it fetches.

use crate::par::{self, Shared};
use crate::view::{MAX_RANK, RowWalk, View};
use std::array::from_fn;

/// A view with as few axes as its strides allow: those of size 1 are dropped and neighbours merged, so that a contiguous
/// view of any rank is a single row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Merged<'a, T> {
    data: &'a [T],
    offset: usize,
    rank: usize,
    shape: [usize; MAX_RANK],
    strides: [isize; MAX_RANK],
}

impl<'a, T: Copy> Merged<'a, T> {
    pub fn new(view: &View<'a, T>) -> Self {
        assert!(view.shape().len() <= MAX_RANK, "at most {MAX_RANK} axes");
        let (mut rank, mut shape, mut strides) = (0, [1; MAX_RANK], [0; MAX_RANK]);
        for (&size, &stride) in view.shape().iter().zip(view.strides()) {
            if size == 1 {
                continue;
            }
            if rank == 0 || strides[rank - 1] != stride * size as isize {
                rank += 1;
            }
            shape[rank - 1] *= size;
            strides[rank - 1] = stride;
        }
        // A single element is a row of one.
        Self { data: view.data(), offset: view.offset(), rank: rank.max(1), shape, strides }
    }

    fn shape(&self) -> &[usize] {
        &self.shape[..self.rank]
    }

    /// Size of the innermost axis, and the distance between neighbours along it.
    fn row(&self) -> (usize, isize) {
        (self.shape[self.rank - 1], self.strides[self.rank - 1])
    }

    /// The axis, other than the innermost, whose elements are closest in memory, where they are closer than those of the
    /// innermost.
    pub fn closer_axis(&self) -> Option<usize> {
        let distance = |axis: usize| self.strides[axis].unsigned_abs();
        let inner = distance(self.rank - 1);
        (0..self.rank - 1)
            .filter(|&axis| (1..inner).contains(&distance(axis)))
            .min_by_key(|&axis| distance(axis))
    }

    /// Copies the elements at row-major positions `start..start + out.len()`, row by row.
    pub fn copy_range(&self, start: usize, mut out: &mut [T]) {
        let (row, step) = self.row();
        let mut column = start % row.max(1);
        let walk = RowWalk::new(self.shape(), &self.strides[..self.rank], self.offset, start / row.max(1));
        for first in walk {
            if out.is_empty() {
                return;
            }
            let (piece, rest) = out.split_at_mut((row - column).min(out.len()));
            let first = first + column as isize * step;
            match step {
                0 => piece.fill(self.data[first as usize]),
                1 => piece.copy_from_slice(&self.data[first as usize..][..piece.len()]),
                _ => {
                    for (i, value) in piece.iter_mut().enumerate() {
                        *value = self.data[(first + i as isize * step) as usize];
                    }
                }
            }
            (out, column) = (rest, 0);
        }
    }
}

impl<T: Copy + Send + Sync> Merged<'_, T> {
    /// Copies all elements into `out`, in parallel.
    pub fn copy_to(&self, out: &mut [T]) {
        assert_eq!(out.len(), self.shape().iter().product::<usize>(), "a copy holds every element");
        match self.closer_axis() {
            Some(axis) => self.copy_tiles(axis, out),
            None => par::chunks_mut(out, par::CHUNK, |start, part| self.copy_range(start, part)),
        }
    }

    /// Copies all elements into `out`, by tiles over `axis` and the innermost one.
    fn copy_tiles(&self, axis: usize, out: &mut [T]) {
        let (columns, column_step) = self.row();
        let (rows, row_step) = (self.shape[axis], self.strides[axis]);
        let mut out_strides = [0; MAX_RANK];
        let mut step = 1;
        for (stride, &size) in out_strides.iter_mut().zip(self.shape()).rev() {
            *stride = step;
            step *= size as isize;
        }
        // The planes of these two axes, by their places among the others.
        let mut planes = self.shape;
        (planes[axis], planes[self.rank - 1]) = (1, 1);
        let plane_start = |plane: usize, strides: &[isize; MAX_RANK]| {
            let walk = RowWalk::new(&planes[..self.rank], &strides[..self.rank], 0, plane).next();
            walk.expect("a row walk is endless")
        };
        let (bands, spans) = (rows.div_ceil(TILE), columns.div_ceil(SPAN));
        let blocks = planes[..self.rank].iter().product::<usize>() * bands * spans;
        let blocks_per_task = par::rows_per_task(TILE.min(rows) * SPAN.min(columns));
        let out = Shared::new(out);
        par::ranges(blocks, blocks_per_task, |range| {
            for block in range {
                let (plane, band, span) = (block / (bands * spans), block / spans % bands, block % spans);
                let (row, column) = (band * TILE, span * SPAN);
                let from = self.offset as isize + plane_start(plane, &self.strides);
                let block = Block {
                    from: from + row as isize * row_step + column as isize * column_step,
                    steps: [row_step, column_step],
                    size: [TILE.min(rows - row), SPAN.min(columns - column)],
                    to: plane_start(plane, &out_strides) as usize + row * out_strides[axis] as usize + column,
                    out_step: out_strides[axis] as usize,
                };
                // SAFETY: the blocks have no element in common.
                unsafe { block.copy(self.data, &out) }
            }
        });
    }
}

/// Rows and columns of a tile: a cache line of f32 each way.
const TILE: usize = 16;
/// Columns of a block, of which a task has at least one.
const SPAN: usize = par::CHUNK / TILE;

/// A few rows of a matrix that is to be transposed: element (i, j) goes from `from + i·steps[0] + j·steps[1]` to
/// `to + i·out_step + j`.
struct Block {
    from: isize,
    steps: [isize; 2],
    size: [usize; 2],
    to: usize,
    out_step: usize,
}

impl Block {
    /// # Safety
    /// No one else may use this block's part of `out` meanwhile.
    unsafe fn copy<T: Copy>(&self, data: &[T], out: &Shared<T>) {
        let [rows, columns] = self.size;
        let index = |i: usize, j: usize| {
            (self.from + i as isize * self.steps[0] + j as isize * self.steps[1]) as usize
        };
        // SAFETY: row i of the block is the caller's alone.
        let row = |i: usize| unsafe { out.part(self.to + i * self.out_step, columns) };
        let whole = if rows == TILE && self.steps[0] == 1 { columns / TILE * TILE } else { 0 };
        for column in (0..whole).step_by(TILE) {
            // A copy, because lines at distances of a power of two push each other out of the cache.
            let tile: [[T; TILE]; TILE] = from_fn(|j| {
                *data[index(0, column + j)..].first_chunk().expect("a view lies within its buffer")
            });
            for i in 0..TILE {
                row(i)[column..column + TILE].copy_from_slice(&tile.map(|line| line[i]));
            }
        }
        for i in 0..rows {
            for (j, value) in row(i).iter_mut().enumerate().skip(whole) {
                *value = data[index(i, j)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contiguous_axes_merge_into_one_row() {
        let data = [0u8; 24];
        let rank =
            |shape: &[usize], strides: &[isize]| Merged::new(&View::new(&data, shape, strides, 0)).rank;
        assert_eq!(rank(&[2, 3, 4], &[12, 4, 1]), 1);
        assert_eq!(rank(&[2, 3, 4], &[0, 0, 0]), 1);
        assert_eq!(rank(&[2, 3, 4], &[0, 1, 0]), 3);
        assert_eq!(rank(&[1, 2, 3, 4], &[99, 12, 4, 1]), 1);
        assert_eq!(rank(&[], &[]), 1);
    }

    /// Shapes with whole tiles and without, an axis before, between and behind, steps above 1 and below 0.
    #[test]
    fn copies_agree_with_indexing() {
        let data: Vec<i64> = (0..300_000).collect();
        let views: [(&[usize], &[isize], usize); 9] = [
            (&[33, 50], &[1, 33], 0),
            (&[50, 3000], &[1, 50], 0),
            (&[2, 64, 48], &[3072, 1, 64], 5),
            (&[64, 2, 48], &[1, 3072, 64], 0),
            (&[48, 64, 7], &[7, 336, 1], 0),
            (&[5, 3, 784], &[2352, 1, 3], 0),
            (&[40, 40], &[-1, 40], 39),
            (&[40, 40], &[2, 100], 0),
            (&[20, 0, 3], &[1, 20, 20], 0),
        ];
        for (shape, strides, offset) in views {
            let view = View::new(&data, shape, strides, offset);
            let mut out = vec![-1; view.len()];
            view.copy_to(&mut out);
            assert!(out.iter().enumerate().all(|(i, &value)| value == view.at(i)), "{shape:?} {strides:?}");
        }
    }
}
