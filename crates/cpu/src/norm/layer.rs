//! Layer normalisation of the rows of contiguous `[rows, n]` arrays (Ba, Kiros and Hinton, 2016, arXiv:1607.06450).
//!
//! x̂ = (x − mean) / √(variance + ε) with the mean and the biased variance of the row. A row stays in the cache, so
//! the gradients compute its statistics again rather than read them.

use crate::fold::{combine_rows, fold_slices};
use crate::{Float, par};

/// y = x̂ · weight + bias, with a weight and a bias for each column or none.
pub fn layer_norm<T: Float>(
    x: &[T],
    n: usize,
    weight: Option<&[T]>,
    bias: Option<&[T]>,
    epsilon: f64,
    y: &mut [T],
) {
    assert_eq!(x.len(), y.len());
    // Three passes over the row.
    par::rows_mut(y, n, 3 * n, |first, rows| {
        for (y, x) in rows.chunks_exact_mut(n).zip(x[first * n..].chunks_exact(n)) {
            let (mean, scale) = statistics(x, epsilon);
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - mean) * scale;
            }
            if let Some(weight) = weight {
                y.iter_mut().zip(weight).for_each(|(y, &weight)| *y *= weight);
            }
            if let Some(bias) = bias {
                y.iter_mut().zip(bias).for_each(|(y, &bias)| *y += bias);
            }
        }
    });
}

/// The gradient of the input, through the statistics too: with h = g · weight and means over the row,
/// (h − mean h − x̂ · mean (h · x̂)) / √(variance + ε).
pub fn layer_norm_input_grad<T: Float>(
    gradient: &[T],
    x: &[T],
    n: usize,
    weight: Option<&[T]>,
    epsilon: f64,
    out: &mut [T],
) {
    assert_eq!((gradient.len(), x.len()), (out.len(), out.len()));
    let count = T::from_f64(n as f64);
    par::rows_mut(out, n, 5 * n, |first, rows| {
        let inputs = gradient[first * n..].chunks_exact(n).zip(x[first * n..].chunks_exact(n));
        for (out, (gradient, x)) in rows.chunks_exact_mut(n).zip(inputs) {
            let (mean, scale) = statistics(x, epsilon);
            match weight {
                Some(weight) => {
                    for ((out, &g), &weight) in out.iter_mut().zip(gradient).zip(weight) {
                        *out = g * weight;
                    }
                }
                None => out.copy_from_slice(gradient),
            }
            let offset = fold_slices(out, out, T::ZERO, |h, _| h, T::plus) / count;
            let slope = fold_slices(out, x, T::ZERO, |h, x| h * (x - mean), T::plus) * scale * scale / count;
            for (out, &x) in out.iter_mut().zip(x) {
                *out = (*out - offset - (x - mean) * slope) * scale;
            }
        }
    });
}

/// The gradient of the weight: Σ g · x̂ over the rows, for each of `n` columns.
pub fn layer_norm_weight_grad<T: Float>(gradient: &[T], x: &[T], n: usize, epsilon: f64, out: &mut [T]) {
    assert_eq!((gradient.len(), n), (x.len(), out.len()));
    if x.is_empty() {
        out.fill(T::ZERO);
        return;
    }
    let rows = x.len() / n;
    // At least so many rows a task that its sums are small beside its input.
    let rows_per_task = par::rows_per_task(4 * n).max(32);
    let mut partials = vec![T::ZERO; rows.div_ceil(rows_per_task) * n];
    par::chunks_mut(&mut partials, n, |start, sums| {
        let elements = start * rows_per_task..((start / n + 1) * rows_per_task).min(rows) * n;
        let pairs = gradient[elements.clone()].chunks_exact(n).zip(x[elements].chunks_exact(n));
        for (gradient, x) in pairs {
            let (mean, scale) = statistics(x, epsilon);
            for ((sum, &g), &x) in sums.iter_mut().zip(gradient).zip(x) {
                *sum += g * ((x - mean) * scale);
            }
        }
    });
    combine_rows(&mut partials, n, T::plus);
    out.copy_from_slice(&partials[..n]);
}

/// The mean of a row and 1 / √(variance + ε).
fn statistics<T: Float>(row: &[T], epsilon: f64) -> (T, T) {
    let count = T::from_f64(row.len() as f64);
    let mean = fold_slices(row, row, T::ZERO, |x, _| x, T::plus) / count;
    let square = |x: T, _| (x - mean) * (x - mean);
    let variance = fold_slices(row, row, T::ZERO, square, T::plus) / count;
    (mean, T::ONE / (variance + T::from_f64(epsilon)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPSILON: f64 = 1e-5;

    fn numbers(count: usize, seed: usize) -> Vec<f64> {
        (0..count).map(|i| ((i * 7919 + seed * 131) % 1009) as f64 / 300.0 - 1.0).collect()
    }

    #[test]
    fn gradients_are_the_slopes() {
        let (rows, n) = (70, 5);
        let (x, g) = (numbers(rows * n, 1), numbers(rows * n, 2));
        let (weight, bias) = (numbers(n, 3), numbers(n, 4));
        let loss = |x: &[f64], weight: &[f64]| -> f64 {
            let mut y = vec![0.0; rows * n];
            layer_norm(x, n, Some(weight), Some(&bias), EPSILON, &mut y);
            y.iter().zip(&g).map(|(y, g)| y * g).sum()
        };
        let slope = |loss: &dyn Fn(&[f64]) -> f64, at: &[f64], i: usize| {
            let (mut above, mut below) = (at.to_vec(), at.to_vec());
            above[i] += 1e-6;
            below[i] -= 1e-6;
            (loss(&above) - loss(&below)) / 2e-6
        };
        let (mut input, mut of_weight) = (vec![0.0; rows * n], vec![0.0; n]);
        layer_norm_input_grad(&g, &x, n, Some(&weight), EPSILON, &mut input);
        layer_norm_weight_grad(&g, &x, n, EPSILON, &mut of_weight);
        for (i, gradient) in input.iter().enumerate() {
            assert!((slope(&|x| loss(x, &weight), &x, i) - gradient).abs() < 1e-6);
        }
        for (i, gradient) in of_weight.iter().enumerate() {
            assert!((slope(&|weight| loss(&x, weight), &weight, i) - gradient).abs() < 1e-6);
        }
    }

    #[test]
    fn no_rows() {
        let mut sums = [1.0f32; 3];
        layer_norm_weight_grad(&[], &[], 3, EPSILON, &mut sums);
        assert_eq!(sums, [0.0; 3]);
        layer_norm::<f32>(&[], 3, None, None, EPSILON, &mut []);
    }
}
