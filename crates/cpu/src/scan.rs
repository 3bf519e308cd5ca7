//! Running totals along the middle of three contiguous axes.

use crate::{Element, par};

/// Running totals along the middle axis of `x: [outer, n, inner]`, from its end where `reverse`.
///
/// A total starts as `start`; `step` adds an element to it and `narrow` makes an output of it. Totals of floats are
/// best kept in f64: a running total of f32 loses a digit every few thousand elements.
pub fn cumulate<T: Element, A: Copy + Send + Sync, R: Element>(
    x: &[T],
    [outer, n, inner]: [usize; 3],
    reverse: bool,
    out: &mut [R],
    start: A,
    step: impl Fn(A, T) -> A + Send + Sync,
    narrow: impl Fn(A) -> R + Send + Sync,
) {
    let size = n * inner;
    assert_eq!((x.len(), out.len()), (outer * size, outer * size), "a scan takes a whole array");
    par::rows_mut(out, size, size, |first, parts| {
        let x = &x[first * size..][..parts.len()];
        let mut totals = vec![start; inner];
        for (out, x) in parts.chunks_exact_mut(size).zip(x.chunks_exact(size)) {
            totals.fill(start);
            for i in 0..n {
                let row = if reverse { n - 1 - i } else { i };
                let elements = out[row * inner..][..inner].iter_mut().zip(&x[row * inner..][..inner]);
                for (total, (out, &x)) in totals.iter_mut().zip(elements) {
                    *total = step(*total, x);
                    *out = narrow(*total);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_and_backwards() {
        let x = [1i64, 2, 3, 4, 5, 6];
        let mut out = [0; 6];
        let mut run = |dims, reverse| {
            cumulate(&x, dims, reverse, &mut out, 0, |a, x| a + x, |a| a);
            out
        };
        assert_eq!(run([2, 3, 1], false), [1, 3, 6, 4, 9, 15]);
        assert_eq!(run([2, 3, 1], true), [6, 5, 3, 15, 11, 6]);
        assert_eq!(run([1, 3, 2], false), [1, 2, 4, 6, 9, 12]);
        assert_eq!(run([1, 3, 2], true), [9, 12, 8, 10, 5, 6]);
    }
}
