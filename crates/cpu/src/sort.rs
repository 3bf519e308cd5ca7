//! Stable sorting along the middle of three contiguous axes.

use crate::reduce::is_nan;
use crate::{Element, par};
use rayon::slice::ParallelSliceMut;
use std::cmp::Ordering;

/// The positions that sort `x: [outer, n, inner]` along its middle axis; equals keep their order.
///
/// NaN is larger than any number: last in ascending order, first in descending.
pub fn argsort<T: Element>(x: &[T], [outer, n, inner]: [usize; 3], descending: bool, out: &mut [i64]) {
    let size = n * inner;
    assert_eq!((x.len(), out.len()), (outer * size, outer * size), "a sort takes a whole array");
    let order = |a: &(T, i64), b: &(T, i64)| {
        let order = compare(a.0, b.0);
        if descending { order.reverse() } else { order }
    };
    let comparisons = size * (n.max(2).ilog2() as usize + 1);
    par::rows_mut(out, size, comparisons, |first, parts| {
        let mut keys: Vec<(T, i64)> = Vec::with_capacity(n);
        for (i, out) in parts.chunks_exact_mut(size).enumerate() {
            let x = &x[(first + i) * size..][..size];
            for column in 0..inner {
                keys.clear();
                keys.extend(
                    x[column..].iter().step_by(inner).zip(0..).map(|(&value, number)| (value, number)),
                );
                // A stable order is unique, so sorting in parallel gives the same one.
                if n > par::CHUNK {
                    keys.par_sort_by(order)
                } else {
                    keys.sort_by(order)
                }
                for (position, &(_, number)) in out[column..].iter_mut().step_by(inner).zip(&keys) {
                    *position = number;
                }
            }
        }
    });
}

fn compare<T: Element>(a: T, b: T) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_with_nan_largest() {
        let x = [2.0f32, f32::NAN, 1.0, 2.0, f32::NEG_INFINITY, 1.0];
        let mut out = [0; 6];
        argsort(&x, [1, 6, 1], false, &mut out);
        assert_eq!(out, [4, 2, 5, 0, 3, 1]);
        argsort(&x, [1, 6, 1], true, &mut out);
        assert_eq!(out, [1, 0, 3, 2, 5, 4]);
        argsort(&x, [1, 2, 3], false, &mut out);
        assert_eq!(out, [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn long_rows() {
        let n = par::CHUNK * 2 + 1;
        let x: Vec<i64> = (0..n as i64).map(|i| i * 7919 % 1000).collect();
        let mut out = vec![0; n];
        argsort(&x, [1, n, 1], false, &mut out);
        assert!(out.windows(2).all(|pair| {
            let [a, b] = [pair[0], pair[1]].map(|i| (x[i as usize], i));
            a < b
        }));
    }
}
