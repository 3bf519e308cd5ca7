//! Reductions over any set of axes of a strided view, and positions of extremes.
//!
//! `out` holds the kept axes row-major; for the order of the sums see [`crate::fold`].

use crate::fold::{fold, fold_pairs};
use crate::{Element, Float, Number, View};

/// Sum over `axes`; 0 where there are no elements.
pub fn sum<T: Number>(view: View<T>, axes: &[usize], out: &mut [T]) {
    fold(view, axes, out, T::ZERO, |x| x, T::plus);
}

/// Sum over `axes` of small integers or booleans, as i64.
pub fn sum_as_i64<T: Element + Into<i64>>(view: View<T>, axes: &[usize], out: &mut [i64]) {
    fold(view, axes, out, 0, T::into, i64::wrapping_add);
}

/// Product over `axes`; 1 where there are no elements.
pub fn prod<T: Number>(view: View<T>, axes: &[usize], out: &mut [T]) {
    fold(view, axes, out, T::ONE, |x| x, T::times);
}

/// Product over `axes` of small integers or booleans, as i64.
pub fn prod_as_i64<T: Element + Into<i64>>(view: View<T>, axes: &[usize], out: &mut [i64]) {
    fold(view, axes, out, 1, T::into, i64::wrapping_mul);
}

/// Largest value over `axes`; NaN where there is one.
pub fn amax<T: Number>(view: View<T>, axes: &[usize], out: &mut [T]) {
    fold(view, axes, out, T::LOWEST, |x| x, maximum);
}

/// Smallest value over `axes`; NaN where there is one.
pub fn amin<T: Number>(view: View<T>, axes: &[usize], out: &mut [T]) {
    fold(view, axes, out, T::HIGHEST, |x| x, minimum);
}

/// Number of elements over `axes` that are not zero or false; NaN counts.
pub fn count_nonzero<T: Element>(view: View<T>, axes: &[usize], out: &mut [i64]) {
    fold(view, axes, out, 0, |x| i64::from(x != T::default()), |a, b| a + b);
}

/// ln Σ exp(x) over `axes`, without overflow; −∞ where there are no elements.
pub fn logsumexp<T: Float>(view: View<T>, axes: &[usize], out: &mut [T]) {
    amax(view, axes, out);
    // Infinities are not subtracted from themselves: e^∞ is ∞ and e^(−∞) 0 without it.
    let shifts: Vec<T> = out.iter().map(|&x| if x.is_finite() { x } else { T::ZERO }).collect();
    with_each_output(view, &shifts, axes, |shifts| {
        fold_pairs([view, shifts], axes, out, T::ZERO, |_, x, shift| (x - shift).exp(), T::plus);
    });
    for (value, shift) in out.iter_mut().zip(shifts) {
        *value = shift + value.ln();
    }
}

/// Position of the largest value over `axes`, counted row-major among the reduced elements: the first of equals; a
/// NaN is larger than any number.
///
/// # Panics
/// When the reduced axes have no elements but `out` has some.
pub fn argmax<T: Number>(view: View<T>, axes: &[usize], out: &mut [i64]) {
    let mut largest = vec![T::LOWEST; out.len()];
    amax(view, axes, &mut largest);
    first_position(view, &largest, axes, out);
}

/// Position of the smallest value over `axes`, as [`argmax`]; a NaN is smaller than any number.
///
/// # Panics
/// When the reduced axes have no elements but `out` has some.
pub fn argmin<T: Number>(view: View<T>, axes: &[usize], out: &mut [i64]) {
    let mut smallest = vec![T::HIGHEST; out.len()];
    amin(view, axes, &mut smallest);
    first_position(view, &smallest, axes, out);
}

/// Number of the first element over `axes` that equals the extreme of its output, or is NaN, which makes the extreme NaN.
fn first_position<T: Number>(view: View<T>, extremes: &[T], axes: &[usize], out: &mut [i64]) {
    let elements = axes.iter().all(|&axis| view.shape()[axis] > 0);
    assert!(elements || out.is_empty(), "an extreme needs at least one element");
    let number = |number: usize, x: T, extreme: T| {
        if (x == extreme) | is_nan(x) { number as i64 } else { i64::MAX }
    };
    with_each_output(view, extremes, axes, |extremes| {
        fold_pairs([view, extremes], axes, out, i64::MAX, number, minimum);
    });
}

/// Calls `body` with a view of `values`, one for each output of a reduction of `view` over `axes`, in the shape of `view`.
fn with_each_output<T: Number>(view: View<T>, values: &[T], axes: &[usize], body: impl FnOnce(View<T>)) {
    let shape = view.shape();
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for axis in (0..shape.len()).rev().filter(|axis| !axes.contains(axis)) {
        strides[axis] = stride;
        stride *= shape[axis] as isize;
    }
    body(View::new(values, shape, &strides, 0));
}

/// Whether a number is NaN, for element types that may not have one.
#[inline(always)]
#[allow(clippy::eq_op)] // The one test of NaN that needs no float.
pub(crate) fn is_nan<T: PartialEq + Copy>(value: T) -> bool {
    value != value
}

/// The larger of two values, NaN where either is.
#[inline(always)]
pub(crate) fn maximum<T: Number>(a: T, b: T) -> T {
    // A doubled NaN is a NaN, but another value than `b` to the compiler: the first choice alone is one instruction, which it
    // would give up to make one choice of two that have the same result.
    let larger = if b > a { b } else { a };
    if is_nan(b) { b.plus(b) } else { larger }
}

/// The smaller of two values, NaN where either is.
#[inline(always)]
pub(crate) fn minimum<T: Number>(a: T, b: T) -> T {
    let smaller = if b < a { b } else { a };
    if is_nan(b) { b.plus(b) } else { smaller }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::at_each_level;

    fn whole<T: Element, R: Copy>(data: &[T], run: impl Fn(View<T>, &[usize], &mut [R]), start: R) -> R {
        let mut out = [start];
        run(View::new(data, &[data.len()], &[1], 0), &[0], &mut out);
        out[0]
    }

    #[test]
    fn nan_and_infinity() {
        let mut data = vec![1.0f64; 40];
        data[33] = f64::NAN;
        data[35] = f64::NAN;
        assert!(whole(&data, amax, 0.0).is_nan() && whole(&data, amin, 0.0).is_nan());
        assert!(whole(&data, logsumexp, 0.0).is_nan());
        assert_eq!((whole(&data, argmax, 0), whole(&data, argmin, 0)), (33, 33));
        let lowest = [f64::NEG_INFINITY; 20];
        assert_eq!(whole(&lowest, amax, 0.0), f64::NEG_INFINITY);
        assert_eq!(whole(&lowest, logsumexp, 0.0), f64::NEG_INFINITY);
        assert_eq!(whole(&[], logsumexp, 0.0), f64::NEG_INFINITY);
        assert_eq!(whole(&[f64::INFINITY, 0.0, f64::INFINITY], logsumexp, 0.0), f64::INFINITY);
    }

    #[test]
    fn one_nan_anywhere_makes_the_extreme_nan() {
        let mut data: Vec<f32> = (0..150).map(|i| (i * 37 % 101) as f32).collect();
        at_each_level(|_| {
            assert_eq!((whole(&data, amax, 0.0), whole(&data, amin, 0.0)), (100.0, 0.0));
            for position in 0..data.len() {
                let number = std::mem::replace(&mut data[position], f32::NAN);
                assert!(whole(&data, amax, 0.0).is_nan() && whole(&data, amin, 0.0).is_nan(), "{position}");
                data[position] = number;
            }
        });
    }

    #[test]
    fn logsumexp_of_large_numbers() {
        let data: Vec<f64> = (0..100).map(|i| 1000.0 + f64::from(i % 7)).collect();
        let exact = 1000.0 + data.iter().map(|x| (x - 1000.0).exp()).sum::<f64>().ln();
        assert!((whole(&data, logsumexp, 0.0) - exact).abs() < 1e-11);
    }

    #[test]
    fn first_of_equals() {
        let data: Vec<i64> = (0..3000).map(|i| i % 10).collect();
        assert_eq!((whole(&data, argmax, 0), whole(&data, argmin, 0)), (9, 0));
        let mut out = [0; 10];
        argmax(View::new(&data, &[300, 10], &[10, 1], 0), &[0], &mut out);
        assert_eq!(out, [0; 10]);
        let mut out = [0; 2];
        argmax(View::new(&data, &[2, 3, 5], &[15, 1, 3], 0), &[1, 2], &mut out);
        // The first matrix starts 0 3 6 9 2, the second 5 8 1 4 7, 6 9.
        assert_eq!(out, [3, 6]);
    }

    #[test]
    fn integers_and_booleans() {
        assert_eq!(whole(&[200u8, 100], sum_as_i64, 0), 300);
        assert_eq!(whole(&[200u8, 100], prod_as_i64, 0), 20_000);
        assert_eq!(whole(&[true, false, true], sum_as_i64, 0), 2);
        assert_eq!(whole(&[0.0f32, -0.0, f32::NAN, 2.0], count_nonzero, 0), 2);
        assert_eq!((whole(&[], prod, 0i64), whole(&[3, 4], prod, 0i64)), (1, 12));
    }
}
