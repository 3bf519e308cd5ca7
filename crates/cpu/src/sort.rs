//! Stable sorting along the middle of three contiguous axes.

use crate::{Element, par};
use rayon::slice::ParallelSliceMut;

/// The positions that sort `x: [outer, n, inner]` along its middle axis; equals keep their order.
///
/// NaN is larger than any number: last in ascending order, first in descending.
pub fn argsort<T: Element>(x: &[T], [outer, n, inner]: [usize; 3], descending: bool, out: &mut [i64]) {
    let size = n * inner;
    assert_eq!((x.len(), out.len()), (outer * size, outer * size), "a sort takes a whole array");
    let comparisons = size * (n.max(2).ilog2() as usize + 1);
    par::rows_mut(out, size, comparisons, |first, parts| {
        let mut numbered: Vec<Numbered> = Vec::with_capacity(n);
        for (i, out) in parts.chunks_exact_mut(size).enumerate() {
            let x = &x[(first + i) * size..][..size];
            for column in 0..inner {
                let keys = x[column..].iter().step_by(inner).map(|value| value.order_key());
                numbered.clear();
                numbered
                    .extend(keys.zip(0..).map(|(key, number)| (if descending { !key } else { key }, number)));
                sort(&mut numbered);
                for (position, &(_, number)) in out[column..].iter_mut().step_by(inner).zip(&numbered) {
                    *position = number;
                }
            }
        }
    });
}

/// The key of an element and its position.
type Numbered = (u64, i64);

// Keys and not elements, so that sorting is compiled once and not for every type.
fn sort(numbered: &mut [Numbered]) {
    // All differ in their positions, which makes any sort a stable one, and one in parallel the same.
    if numbered.len() > par::CHUNK { numbered.par_sort_unstable() } else { numbered.sort_unstable() }
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
        argsort(&[0.0f64, -0.0, -f64::NAN, f64::INFINITY, -1e-320, 1e-320], [1, 6, 1], false, &mut out);
        assert_eq!(out, [4, 0, 1, 5, 3, 2]);
        argsort(&[i64::MAX, -1, 0, i64::MIN, 1, -2], [1, 6, 1], false, &mut out);
        assert_eq!(out, [3, 5, 1, 2, 4, 0]);
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
