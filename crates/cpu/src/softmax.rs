//! Softmax and its logarithm along the middle of three contiguous axes.

use crate::fold::fold_slices;
use crate::reduce::maximum;
use crate::{Float, par};

/// Columns that are normalised together where the axis is not the innermost.
const COLUMNS: usize = 64;

/// yᵢ = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x) along the middle axis of `x: [outer, n, inner]`.
pub fn softmax<T: Float>(x: &[T], dims: [usize; 3], out: &mut [T]) {
    each_row(x, dims, out, |row| row.softmax(), |columns| columns.softmax());
}

/// yᵢ = xᵢ − max x − ln Σⱼ exp(xⱼ − max x) along the middle axis of `x: [outer, n, inner]`.
pub fn log_softmax<T: Float>(x: &[T], dims: [usize; 3], out: &mut [T]) {
    each_row(x, dims, out, |row| row.log_softmax(), |columns| columns.log_softmax());
}

/// Runs `row` on each row of `n` elements where they are contiguous, else `columns` on blocks of neighbouring columns.
fn each_row<T: Float>(
    x: &[T],
    [outer, n, inner]: [usize; 3],
    out: &mut [T],
    row: impl Fn(Row<T>) + Send + Sync,
    columns: impl Fn(Columns<T>) + Send + Sync,
) {
    assert_eq!((x.len(), out.len()), (outer * n * inner, outer * n * inner), "softmax takes a whole array");
    // An exponential costs about as much as ten simple operations.
    par::rows_mut(out, n * inner, n * inner * 10, |first, rows| {
        let x = &x[first * n * inner..][..rows.len()];
        for (y, x) in rows.chunks_exact_mut(n * inner).zip(x.chunks_exact(n * inner)) {
            if inner == 1 {
                row(Row { x, y });
                continue;
            }
            for first in (0..inner).step_by(COLUMNS) {
                columns(Columns { x, y, inner, first, width: COLUMNS.min(inner - first) });
            }
        }
    });
}

struct Row<'a, T> {
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Row<'_, T> {
    fn largest(&self) -> T {
        fold_slices(self.x, self.x, T::LOWEST, |x, _| x, maximum)
    }

    fn softmax(self) {
        let largest = self.largest();
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = (x - largest).exp();
        }
        let scale = T::ONE / fold_slices(self.y, self.y, T::ZERO, |y, _| y, T::plus);
        self.y.iter_mut().for_each(|y| *y *= scale);
    }

    fn log_softmax(self) {
        let largest = self.largest();
        let sum = fold_slices(self.x, self.x, T::ZERO, |x, _| (x - largest).exp(), T::plus);
        let shift = sum.ln();
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = (x - largest) - shift;
        }
    }
}

/// Neighbouring columns `first..first + width` of one `[n, inner]` matrix.
struct Columns<'a, T> {
    x: &'a [T],
    y: &'a mut [T],
    inner: usize,
    first: usize,
    width: usize,
}

impl<T: Float> Columns<'_, T> {
    /// The rows of `y` and `x`, cut to these columns.
    fn rows(&mut self) -> impl Iterator<Item = (&mut [T], &[T])> {
        let columns = self.first..self.first + self.width;
        let rows = self.y.chunks_exact_mut(self.inner).zip(self.x.chunks_exact(self.inner));
        rows.map(move |(y, x)| (&mut y[columns.clone()], &x[columns.clone()]))
    }

    fn largest(&mut self) -> [T; COLUMNS] {
        let mut largest = [T::LOWEST; COLUMNS];
        for (_, x) in self.rows() {
            for (largest, &x) in largest.iter_mut().zip(x) {
                *largest = maximum(*largest, x);
            }
        }
        largest
    }

    fn softmax(mut self) {
        let largest = self.largest();
        let mut sums = [T::ZERO; COLUMNS];
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

    fn log_softmax(mut self) {
        let largest = self.largest();
        let mut sums = [T::ZERO; COLUMNS];
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

    #[test]
    fn both_directions_match_the_formula() {
        let (outer, n, inner) = (3, 19, 70);
        let x: Vec<f64> = (0..outer * n * inner).map(|i| (i * 37 % 101) as f64 / 9.0 + 700.0).collect();
        for dims in [[outer, n, inner], [outer * n, inner, 1]] {
            let [outer, n, inner] = dims;
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

    #[test]
    fn masked_and_empty_rows() {
        let x = [f32::NEG_INFINITY, 0.0, 0.0, f32::NEG_INFINITY];
        let mut y = [0.0; 4];
        softmax(&x, [1, 4, 1], &mut y);
        assert_eq!(y, [0.0, 0.5, 0.5, 0.0]);
        softmax::<f32>(&[], [3, 0, 2], &mut []);
    }
}
