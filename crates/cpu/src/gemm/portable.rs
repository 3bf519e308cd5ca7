//! The product on a grid of output tiles, each of which [`Gemm::tile`] computes by itself over all of k.

use super::{Gemm, Stack};
use crate::par;
use std::ops::Range;

/// Computes all products of a stack.
pub(super) fn multiply<T: Gemm>(stack: &Stack<T>) {
    let grid = Grid::new(stack.m, stack.k, stack.n);
    let tiles = grid.len();
    let tasks_together = par::rows_per_task(grid.tile_work(stack.k) / WORK_PER_ELEMENT);
    par::ranges(stack.batch * tiles, tasks_together, |tasks| {
        for task in tasks {
            let (index, (rows, columns)) = (task / tiles, grid.tile(task % tiles));
            // SAFETY: the tile's rows and columns are within m and n, and no two tasks share a tile.
            unsafe { part(stack, index, rows, columns) }
        }
    });
}

/// Computes a part of result `index`.
///
/// # Safety
/// The part must be within the result, and nobody else's.
pub(super) unsafe fn part<T: Gemm>(
    stack: &Stack<T>,
    index: usize,
    rows: Range<usize>,
    columns: Range<usize>,
) {
    let a = stack.a(index).at(rows.start, 0);
    let b = stack.b(index).at(0, columns.start);
    let c = stack.out(index).at(rows.start, columns.start);
    let beta = if stack.epilogue.accumulate { T::ONE } else { T::ZERO };
    // SAFETY: the views have checked that each element of a and b is in bounds; the caller vouches for the part.
    unsafe {
        T::tile(rows.len(), stack.k, columns.len(), a, b, beta, c);
        if let Some(bias) = stack.epilogue.column_bias {
            let add = |row: &mut [T]| {
                for (value, &bias) in row.iter_mut().zip(&bias[columns.clone()]) {
                    *value = value.plus(bias);
                }
            };
            stack.activate(&add, index, rows.clone(), columns.clone());
        }
        if let Some(activation) = stack.epilogue.activation {
            stack.activate(activation, index, rows, columns);
        }
    }
}

/// Multiply-adds that take as long as one simple element operation.
const WORK_PER_ELEMENT: usize = 8;
/// A tile is at most this high and wide: wide enough that packing its operands is cheap beside multiplying them.
const LARGEST_TILE: usize = 128;
/// A tile is halved no further than this.
const SMALLEST_TILE: usize = 32;
/// Tile edges are multiples of this, the widest register block in use.
const TILE_STEP: usize = 8;
/// Multiply-adds below which a tile is not worth halving.
const SMALL_TILE_WORK: usize = 1 << 19;
/// Tiles wanted of one product, so that many cores have something to do.
const WANTED_TILES: usize = 16;

/// How one product is cut into tiles.
struct Grid {
    m: usize,
    n: usize,
    tile_rows: usize,
    tile_columns: usize,
}

impl Grid {
    fn new(m: usize, k: usize, n: usize) -> Self {
        let (mut rows, mut columns) = (LARGEST_TILE, LARGEST_TILE);
        let even = |size: usize, tile: usize| size.div_ceil(size.div_ceil(tile)).next_multiple_of(TILE_STEP);
        loop {
            let grid = Self { m, n, tile_rows: even(m, rows), tile_columns: even(n, columns) };
            let longer = if grid.tile_rows >= grid.tile_columns { &mut rows } else { &mut columns };
            let enough = grid.len() >= WANTED_TILES || grid.tile_work(k) < SMALL_TILE_WORK;
            if enough || *longer <= SMALLEST_TILE {
                return grid;
            }
            *longer /= 2;
        }
    }

    fn len(&self) -> usize {
        self.m.div_ceil(self.tile_rows) * self.n.div_ceil(self.tile_columns)
    }

    fn tile_work(&self, k: usize) -> usize {
        self.tile_rows.min(self.m) * self.tile_columns.min(self.n) * k
    }

    /// The rows and columns of a tile.
    fn tile(&self, index: usize) -> (Range<usize>, Range<usize>) {
        let across = self.n.div_ceil(self.tile_columns);
        let cut = |i: usize, tile: usize, size: usize| i * tile..((i + 1) * tile).min(size);
        (cut(index / across, self.tile_rows, self.m), cut(index % across, self.tile_columns, self.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_product_once() {
        for [m, k, n] in [[1, 9, 1], [128, 784, 400], [31, 1 << 20, 300], [1000, 1000, 1000]] {
            let grid = Grid::new(m, k, n);
            let area: usize = (0..grid.len()).map(|i| grid.tile(i)).map(|(r, c)| r.len() * c.len()).sum();
            assert_eq!(area, m * n);
        }
    }
}
