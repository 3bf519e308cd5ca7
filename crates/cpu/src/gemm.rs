//! Matrix products: `out = a · b`, batched, over strided views, parallel over a grid of output tiles.
//!
//! The grid depends on the shape only and a tile sums over all of K by itself, so the bits do not depend on the
//! number of threads. Transposed operands are strides like any other: nothing is copied.

pub mod kernel;
mod tile;
mod vector;

use crate::element::Number;
use crate::par;
use crate::view::View;
use std::ops::Range;

/// Changes a row, or a part of one, in place.
pub type RowFunction<'a, T> = &'a (dyn Fn(&mut [T]) + Sync);

/// What happens to each element of a product before it leaves its tile, in this order:
/// `out = activation(a·b + [accumulate] out + bias)`.
///
/// It costs no further pass over memory, because the tile is still in cache.
#[derive(Clone, Copy)]
pub struct Epilogue<'a, T> {
    /// Adds the product to what `out` holds instead of overwriting it.
    pub accumulate: bool,
    /// One value a column, added to each row: the bias of a linear layer.
    pub column_bias: Option<&'a [T]>,
    /// Applied in place to each finished row of a tile.
    pub activation: Option<RowFunction<'a, T>>,
}

impl<T> Epilogue<'_, T> {
    /// The plain product.
    pub const NONE: Self = Self { accumulate: false, column_bias: None, activation: None };
}

/// Element types that have a matrix product.
pub trait Gemm: Number {
    /// `c = a · b + beta · c` for `a` [m, k], `b` [k, n], `c` [m, n]; each operand is a pointer with its row and
    /// column stride. `c` is not read when `beta` is zero.
    ///
    /// # Safety
    /// All elements that the shapes and strides describe must be in bounds, and no other thread may touch those of `c`.
    unsafe fn tile(
        m: usize,
        k: usize,
        n: usize,
        a: Strided<*const Self>,
        b: Strided<*const Self>,
        beta: Self,
        c: Strided<*mut Self>,
    );
}

/// A matrix in memory: where element (0, 0) lies, and the distances between rows and between columns.
#[derive(Clone, Copy, Debug)]
pub struct Strided<P> {
    /// Address of element (0, 0).
    pub start: P,
    /// Elements from a row to the next.
    pub row: isize,
    /// Elements from a column to the next.
    pub column: isize,
}

macro_rules! float_gemm {
    ($t:ty, $gemm:path) => {
        impl Gemm for $t {
            unsafe fn tile(
                m: usize,
                k: usize,
                n: usize,
                a: Strided<*const Self>,
                b: Strided<*const Self>,
                beta: Self,
                c: Strided<*mut Self>,
            ) {
                // SAFETY: the caller vouches for the bounds and for sole access to `c`.
                unsafe {
                    $gemm(
                        m, k, n, 1.0, a.start, a.row, a.column, b.start, b.row, b.column, beta, c.start,
                        c.row, c.column,
                    )
                }
            }
        }
    };
}
float_gemm!(f32, matrixmultiply::sgemm);
float_gemm!(f64, matrixmultiply::dgemm);

macro_rules! integer_gemm {
    ($($t:ty),*) => {$(
        impl Gemm for $t {
            unsafe fn tile(
                m: usize,
                k: usize,
                n: usize,
                a: Strided<*const Self>,
                b: Strided<*const Self>,
                beta: Self,
                c: Strided<*mut Self>,
            ) {
                for i in 0..m as isize {
                    for j in 0..n as isize {
                        // SAFETY: i < m, j < n and l < k, and the caller vouches for such elements.
                        unsafe {
                            let mut sum = Self::ZERO;
                            for l in 0..k as isize {
                                let left = *a.start.offset(i * a.row + l * a.column);
                                sum = sum.plus(left.times(*b.start.offset(l * b.row + j * b.column)));
                            }
                            let out = c.start.offset(i * c.row + j * c.column);
                            *out = if beta == 0 { sum } else { sum.plus(beta.times(*out)) };
                        }
                    }
                }
            }
        }
    )*};
}
integer_gemm!(i64, u8);

/// The product of matrices, or of stacks of them: `a` [batch…, m, k] by `b` [batch…, k, n] into the contiguous `out`
/// [batch…, m, n]. The batch axes must already agree; broadcast ones have stride 0. K = 0 gives zeros.
///
/// # Panics
/// When shapes disagree.
pub fn matmul<T: Gemm>(a: View<T>, b: View<T>, out: &mut [T], epilogue: Epilogue<T>) {
    let axes = a.shape().len();
    assert!(axes >= 2 && b.shape().len() == axes, "matmul takes matrices of one rank");
    let (batch_shape, [m, k]) = (&a.shape()[..axes - 2], [a.shape()[axes - 2], a.shape()[axes - 1]]);
    let n = b.shape()[axes - 1];
    assert_eq!(&b.shape()[..axes - 2], batch_shape, "batch axes");
    assert_eq!(b.shape()[axes - 2], k, "inner axes");
    let batch: usize = batch_shape.iter().product();
    assert_eq!(out.len(), batch * m * n, "output");
    assert!(epilogue.column_bias.is_none_or(|bias| bias.len() == n), "one bias a column");
    if out.is_empty() {
        return;
    }

    let grid = Grid::new(m, k, n);
    let operand = |view: &View<T>, index: usize, row: usize, column: usize| {
        let (rows, columns) = (view.strides()[axes - 2], view.strides()[axes - 1]);
        let start = batch_offset(view, index) + row as isize * rows + column as isize * columns;
        // The pointer may reach the whole buffer: negative strides lead to elements before the first one.
        let start = view.data().as_ptr().wrapping_offset(start);
        Strided { start, row: rows, column: columns }
    };
    let target = SharedMut(out.as_mut_ptr());
    let tiles = grid.len();
    let tasks_together = par::rows_per_task(grid.tile_work(k) / WORK_PER_ELEMENT);
    par::ranges(batch * tiles, tasks_together, |tasks| {
        for task in tasks {
            let (index, (rows, columns)) = (task / tiles, grid.tile(task % tiles));
            let a = operand(&a, index, rows.start, 0);
            let b = operand(&b, index, 0, columns.start);
            let first = (index * m + rows.start) * n + columns.start;
            // SAFETY: `View` has checked that each element of a and b is in bounds; the tile's rows and columns are
            // within m and n, so its part of `out` is too, and no two tasks share a tile.
            unsafe {
                let start = target.at(first);
                let beta = if epilogue.accumulate { T::ONE } else { T::ZERO };
                let c = Strided { start, row: n as isize, column: 1 };
                T::tile(rows.len(), k, columns.len(), a, b, beta, c);
                for row in 0..rows.len() {
                    let row = std::slice::from_raw_parts_mut(start.add(row * n), columns.len());
                    finish(row, columns.start, &epilogue);
                }
            }
        }
    });
}

/// Adds the bias to the part of a row that starts at column `first`, and activates it.
fn finish<T: Number>(row: &mut [T], first: usize, epilogue: &Epilogue<T>) {
    if let Some(bias) = epilogue.column_bias {
        for (value, &bias) in row.iter_mut().zip(&bias[first..]) {
            *value = value.plus(bias);
        }
    }
    if let Some(activation) = epilogue.activation {
        activation(row);
    }
}

/// Buffer index of element (0, 0) of matrix `index` of a stack.
fn batch_offset<T: Copy>(view: &View<T>, mut index: usize) -> isize {
    let mut offset = view.offset() as isize;
    let batch_axes = view.shape().len() - 2;
    for axis in (0..batch_axes).rev() {
        offset += (index % view.shape()[axis]) as isize * view.strides()[axis];
        index /= view.shape()[axis];
    }
    offset
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

/// A pointer that several threads write through, each to its own elements.
struct SharedMut<T>(*mut T);
// SAFETY: whoever calls `at` vouches that threads write to different elements.
unsafe impl<T: Send> Sync for SharedMut<T> {}

impl<T> SharedMut<T> {
    /// # Safety
    /// `index` must be within the buffer.
    unsafe fn at(&self, index: usize) -> *mut T {
        // SAFETY: the caller vouches that it is in bounds.
        unsafe { self.0.add(index) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919) % 23) as f64 - 11.0).collect()
    }

    fn reference(a: View<f64>, b: View<f64>, [m, k, n]: [usize; 3]) -> Vec<f64> {
        let mut out = vec![0.0; m * n];
        for i in 0..m {
            for j in 0..n {
                out[i * n + j] = (0..k).map(|l| a.at(i * k + l) * b.at(l * n + j)).sum();
            }
        }
        out
    }

    #[test]
    fn agrees_with_the_definition_for_any_strides() {
        for [m, k, n] in
            [[1, 1, 1], [3, 5, 2], [130, 17, 300], [257, 700, 65], [4, 0, 3], [0, 3, 2], [1, 300, 1]]
        {
            let (a, b) = (numbers(m * k), numbers(k * n));
            let (a_shape, b_shape) = ([m, k], [k, n]);
            let row_major = [[k as isize, 1], [n as isize, 1]];
            let column_major = [[1, m as isize], [1, k as isize]];
            for [a_strides, b_strides] in [row_major, column_major] {
                let (a, b) = (View::new(&a, &a_shape, &a_strides, 0), View::new(&b, &b_shape, &b_strides, 0));
                // Whatever the output holds must not shine through.
                let mut out = vec![f64::NAN; m * n];
                matmul(a, b, &mut out, Epilogue::NONE);
                assert_eq!(out, reference(a, b, [m, k, n]), "{m}x{k}x{n}");
            }
        }
    }

    #[test]
    fn flipped_operands() {
        let (a, b) = (numbers(6), numbers(6));
        let a = View::new(&a, &[2, 3], &[-3, -1], 5);
        let b = View::new(&b, &[3, 2], &[2, -1], 1);
        let mut out = vec![0.0; 4];
        matmul(a, b, &mut out, Epilogue::NONE);
        assert_eq!(out, reference(a, b, [2, 3, 2]));
    }

    #[test]
    fn a_broadcast_batch() {
        let (a, b) = (numbers(2 * 3 * 4), numbers(4 * 5));
        let (a_view, b_view) =
            (View::new(&a, &[2, 3, 4], &[12, 4, 1], 0), View::new(&b, &[2, 4, 5], &[0, 5, 1], 0));
        let mut out = vec![0.0; 2 * 3 * 5];
        matmul(a_view, b_view, &mut out, Epilogue::NONE);
        let b = View::new(&b, &[4, 5], &[5, 1], 0);
        for i in 0..2 {
            let a = View::new(&a, &[3, 4], &[4, 1], i * 12);
            assert_eq!(out[i * 15..][..15], reference(a, b, [3, 4, 5]));
        }
    }

    #[test]
    fn epilogue_accumulates_adds_bias_and_activates() {
        let (a, b, bias) = (numbers(200 * 3), numbers(3 * 150), numbers(150));
        let (a, b) = (View::new(&a, &[200, 3], &[3, 1], 0), View::new(&b, &[3, 150], &[150, 1], 0));
        let mut out = numbers(200 * 150);
        let expected: Vec<f64> = (reference(a, b, [200, 3, 150]).iter().zip(&out).enumerate())
            .map(|(i, (product, old))| (product + old + bias[i % 150]).max(0.0))
            .collect();
        let relu = |row: &mut [f64]| row.iter_mut().for_each(|x| *x = x.max(0.0));
        matmul(
            a,
            b,
            &mut out,
            Epilogue { accumulate: true, column_bias: Some(&bias), activation: Some(&relu) },
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn integers() {
        let mut out = [0; 4];
        let (a, b) = ([1i64, 2, 3, 4], [5, 6, 7, 8]);
        matmul(
            View::new(&a, &[2, 2], &[2, 1], 0),
            View::new(&b, &[2, 2], &[2, 1], 0),
            &mut out,
            Epilogue::NONE,
        );
        assert_eq!(out, [19, 22, 43, 50]);
    }

    #[test]
    fn tiles_cover_the_product_once() {
        for [m, k, n] in [[1, 9, 1], [128, 784, 400], [31, 1 << 20, 300], [1000, 1000, 1000]] {
            let grid = Grid::new(m, k, n);
            let area: usize = (0..grid.len()).map(|i| grid.tile(i)).map(|(r, c)| r.len() * c.len()).sum();
            assert_eq!(area, m * n);
        }
    }
}
