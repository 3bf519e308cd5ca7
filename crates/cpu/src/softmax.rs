//! Softmax and its logarithm along the middle of three contiguous axes.

use crate::fold::fold_slices;
use crate::par::Shared;
use crate::reduce::maximum;
use crate::simd::{Kernel, vectorize_for};
use crate::transpose::{TILE, transpose};
use crate::{Float, par};

/// Columns that are normalised together where the axis is not the innermost.
const COLUMNS: usize = 64;

/// yᵢ = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x) along the middle axis of `x: [outer, n, inner]`.
pub fn softmax<T: Float>(x: &[T], dims: [usize; 3], out: &mut [T]) {
    normalise::<T, false>(x, dims, out);
}

/// yᵢ = xᵢ − max x − ln Σⱼ exp(xⱼ − max x) along the middle axis of `x: [outer, n, inner]`.
pub fn log_softmax<T: Float>(x: &[T], dims: [usize; 3], out: &mut [T]) {
    normalise::<T, true>(x, dims, out);
}

/// Softmax or its logarithm, row by row where rows are contiguous, else on blocks of neighbouring columns.
fn normalise<T: Float, const LOG: bool>(x: &[T], [outer, n, inner]: [usize; 3], out: &mut [T]) {
    assert_eq!((x.len(), out.len()), (outer * n * inner, outer * n * inner), "softmax takes a whole array");
    if out.is_empty() {
        return;
    }
    // An exponential costs about as much as ten simple operations.
    if inner == 1 {
        par::rows_mut(out, n, n * 10, |first, y| {
            let x = &x[first * n..][..y.len()];
            if n <= TILE {
                vectorize_for::<T, _>(ShortRows::<T, LOG> { x, y, n });
            } else {
                vectorize_for::<T, _>(Rows::<T, LOG> { x, y, n });
            }
        });
        return;
    }
    let blocks = inner.div_ceil(COLUMNS);
    let y = Shared::new(out);
    par::ranges(outer * blocks, par::rows_per_task(n * COLUMNS.min(inner) * 10), |tasks| {
        for task in tasks {
            let column = task % blocks * COLUMNS;
            let (start, width) = (task / blocks * n * inner + column, COLUMNS.min(inner - column));
            vectorize_for::<T, _>(Columns::<T, LOG, COLUMNS> { x, y, n, inner, start, width });
        }
    });
}

struct Rows<'a, T, const LOG: bool> {
    x: &'a [T],
    y: &'a mut [T],
    n: usize,
}

impl<T: Float, const LOG: bool> Kernel for Rows<'_, T, LOG> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (y, x) in self.y.chunks_exact_mut(self.n).zip(self.x.chunks_exact(self.n)) {
            let row = Row { x, y };
            if LOG { row.log_softmax() } else { row.softmax() }
        }
    }
}

/// Rows of at most [`TILE`] elements, which would leave most lanes of a vector idle one by one: [`TILE`] of them are turned and
/// normalised side by side.
///
/// A row is moved with what follows it, so that its length is known: nobody reads that, and the rows that follow overwrite it.
struct ShortRows<'a, T, const LOG: bool> {
    x: &'a [T],
    y: &'a mut [T],
    n: usize,
}

impl<T: Float, const LOG: bool> Kernel for ShortRows<'_, T, LOG> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { x, y, n } = self;
        for first in (0..x.len()).step_by(TILE * n) {
            let starts = (first..x.len()).step_by(n).take(TILE);
            let (mut tile, mut turned) = ([[T::ZERO; TILE]; TILE], [[T::ZERO; TILE]; TILE]);
            for (row, start) in tile.iter_mut().zip(starts.clone()) {
                match x[start..].first_chunk() {
                    Some(whole) => *row = *whole,
                    None => row[..n].copy_from_slice(&x[start..][..n]),
                }
            }
            transpose(&mut tile);
            let (from, to) = (tile.as_flattened(), Shared::new(turned.as_flattened_mut()));
            Columns::<T, LOG, TILE> { x: from, y: to, n, inner: TILE, start: 0, width: TILE }.run();
            transpose(&mut turned);
            for (row, start) in turned.iter().zip(starts) {
                match y[start..].first_chunk_mut() {
                    Some(whole) => *whole = *row,
                    None => y[start..][..n].copy_from_slice(&row[..n]),
                }
            }
        }
    }
}

struct Row<'a, T> {
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Row<'_, T> {
    #[inline(always)]
    fn largest(&self) -> T {
        fold_slices(self.x, self.x, T::LOWEST, |x, _| x, maximum)
    }

    #[inline(always)]
    fn softmax(self) {
        let largest = self.largest();
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = (x - largest).exp();
        }
        let scale = T::ONE / fold_slices(self.y, self.y, T::ZERO, |y, _| y, T::plus);
        self.y.iter_mut().for_each(|y| *y *= scale);
    }

    #[inline(always)]
    fn log_softmax(self) {
        let largest = self.largest();
        let sum = fold_slices(self.x, self.x, T::ZERO, |x, _| (x - largest).exp(), T::plus);
        let shift = sum.ln();
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = (x - largest) - shift;
        }
    }
}

/// Neighbouring columns of one `[n, inner]` matrix: `width` ≤ `MOST` of them, the first of which begins at `start`.
struct Columns<'a, T, const LOG: bool, const MOST: usize> {
    x: &'a [T],
    y: Shared<'a, T>,
    n: usize,
    inner: usize,
    start: usize,
    width: usize,
}

impl<T: Float, const LOG: bool, const MOST: usize> Kernel for Columns<'_, T, LOG, MOST> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        if LOG { self.log_softmax() } else { self.softmax() }
    }
}

impl<T: Float, const LOG: bool, const MOST: usize> Columns<'_, T, LOG, MOST> {
    /// The rows of `y` and `x`, cut to these columns.
    #[inline(always)]
    fn rows(&mut self) -> impl Iterator<Item = (&mut [T], &[T])> {
        let this = &*self;
        (0..this.n).map(move |i| {
            let first = this.start + i * this.inner;
            // SAFETY: each task has columns of its own, each row is asked for once a walk, and walks follow each other.
            (unsafe { this.y.part(first, this.width) }, &this.x[first..][..this.width])
        })
    }

    #[inline(always)]
    fn largest(&mut self) -> [T; MOST] {
        let mut largest = [T::LOWEST; MOST];
        for (_, x) in self.rows() {
            for (largest, &x) in largest.iter_mut().zip(x) {
                *largest = maximum(*largest, x);
            }
        }
        largest
    }

    #[inline(always)]
    fn softmax(mut self) {
        let largest = self.largest();
        let mut sums = [T::ZERO; MOST];
        for (y, x) in self.rows() {
            for (((y, &x), &largest), sum) in y.iter_mut().zip(x).zip(&largest).zip(&mut sums) {
                *y = (x - largest).exp();
                *sum += *y;
            }
        }
        let scales = sums.map(|sum| T::ONE / sum);
        for (y, _) in self.rows() {
            for (y, &scale) in y.iter_mut().zip(&scales) {
                *y *= scale;
            }
        }
    }

    #[inline(always)]
    fn log_softmax(mut self) {
        let largest = self.largest();
        let mut sums = [T::ZERO; MOST];
        for (_, x) in self.rows() {
            for ((&x, &largest), sum) in x.iter().zip(&largest).zip(&mut sums) {
                *sum += (x - largest).exp();
            }
        }
        let shifts = sums.map(T::ln);
        for (y, x) in self.rows() {
            for (((y, &x), &largest), &shift) in y.iter_mut().zip(x).zip(&largest).zip(&shifts) {
                *y = (x - largest) - shift;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::at_each_level;

    #[test]
    fn both_directions_match_the_formula() {
        // Columns; rows long and short, the last of these in a tile that is not full.
        for [outer, n, inner] in [[3, 19, 70], [57, 70, 1], [37, 10, 1], [3, 16, 1], [50, 1, 1]] {
            let x: Vec<f64> = (0..outer * n * inner).map(|i| (i * 37 % 101) as f64 / 9.0 + 700.0).collect();
            let dims = [outer, n, inner];
            let (mut y, mut log) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            softmax(&x, dims, &mut y);
            log_softmax(&x, dims, &mut log);
            for column in 0..outer * inner {
                let at = |i: usize| column / inner * n * inner + i * inner + column % inner;
                let sum: f64 = (0..n).map(|i| (x[at(i)] - 700.0).exp()).sum();
                for i in 0..n {
                    let exact = (x[at(i)] - 700.0).exp() / sum;
                    assert!((y[at(i)] - exact).abs() < 1e-14);
                    assert!((log[at(i)] - exact.ln()).abs() < 1e-12);
                }
            }
        }
    }

    /// Each row must come out as it does alone, whatever stands beside it.
    #[test]
    fn short_rows_do_not_touch_each_other() {
        at_each_level(|_| {
            let n = 10;
            let mut x: Vec<f32> = (0..37 * n).map(|i| (i * 37 % 101) as f32 / 9.0).collect();
            x[5 * n] = f32::NAN;
            x[20 * n..21 * n].fill(f32::NEG_INFINITY);
            let (mut y, mut alone) = (vec![0.0; x.len()], vec![0.0; n]);
            for normalise in [softmax::<f32>, log_softmax::<f32>] {
                normalise(&x, [37, n, 1], &mut y);
                for (i, (row, y)) in x.chunks(n).zip(y.chunks(n)).enumerate() {
                    normalise(row, [1, n, 1], &mut alone);
                    let bits = |values: &[f32]| values.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(y), bits(&alone), "row {i}");
                    assert_eq!(y.iter().any(|y| y.is_nan()), [5, 20].contains(&i), "row {i}");
                }
            }
        });
    }

    #[test]
    fn masked_and_empty_rows() {
        let x = [f32::NEG_INFINITY, 0.0, 0.0, f32::NEG_INFINITY];
        let mut y = [0.0; 4];
        softmax(&x, [1, 4, 1], &mut y);
        assert_eq!(y, [0.0, 0.5, 0.5, 0.0]);
        softmax::<f32>(&[], [3, 0, 2], &mut []);
    }
}
