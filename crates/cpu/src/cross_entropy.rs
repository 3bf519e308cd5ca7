//! Softmax cross-entropy against class indices, and its gradient, without storing the softmax.
//!
//! Logits lie as `[outer, classes, inner]`, targets and losses as `[outer, inner]`.

use crate::element::Float;
use crate::fold::fold_slices;
use crate::par;
use crate::reduce::maximum;
use crate::simd::{Kernel, vectorize_for};

/// What the logits are held against.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// Class of each sample, below `classes`, or `ignore_index`.
    pub indices: &'a [i64],
    /// Samples of this class count nothing.
    pub ignore_index: i64,
    /// Share ε of the target that is spread evenly over all classes.
    pub label_smoothing: f64,
    /// Number of classes.
    pub classes: usize,
    /// Samples next to each other in memory.
    pub inner: usize,
}

impl Targets<'_> {
    /// The first target that is neither a class nor ignored.
    pub fn invalid(&self) -> Option<i64> {
        let valid = |&target: &i64| target == self.ignore_index || (0..self.classes as i64).contains(&target);
        self.indices.iter().copied().find(|target| !valid(target))
    }

    /// Position of class 0 of a sample in the logits.
    fn start(&self, sample: usize) -> usize {
        sample / self.inner * self.classes * self.inner + sample % self.inner
    }
}

/// ln Σ eˣ over the logits of one sample.
fn log_sum_exp<T: Float>(logits: impl Iterator<Item = T> + Clone) -> T {
    let largest = logits.clone().fold(T::LOWEST, |a, b| if b > a { b } else { a });
    if !largest.is_finite() {
        // All −∞, or one of +∞: subtracting it would give NaN.
        return largest + logits.fold(T::ZERO, |sum, x| if x.is_nan() { x } else { sum });
    }
    largest + logits.map(|x| (x - largest).exp()).sum::<T>().ln()
}

/// [`log_sum_exp`] of logits that are neighbours.
struct LogSumExp<'a, T>(&'a [T]);

impl<T: Float> Kernel for LogSumExp<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run(self) -> T {
        let largest = fold_slices(self.0, self.0, T::LOWEST, |x, _| x, maximum);
        if !largest.is_finite() {
            return largest;
        }
        let sum = fold_slices(self.0, self.0, T::ZERO, |x, _| (x - largest).exp(), T::plus);
        largest + sum.ln()
    }
}

/// `out[c] = g (exp(logits[c] − total) − spread)`, for logits that are neighbours.
struct Slopes<'a, T> {
    logits: &'a [T],
    out: &'a mut [T],
    total: T,
    g: T,
    spread: T,
}

impl<T: Float> Kernel for Slopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { logits, out, total, g, spread } = self;
        for (out, &x) in out.iter_mut().zip(logits) {
            *out = g * ((x - total).exp() - spread);
        }
    }
}

/// `out[s] = −Σ_c q_c ln softmax(x)_c`, with q the smoothed target of sample s; 0 where it is ignored.
///
/// # Panics
/// When a length is not what the others ask for, or a target is [invalid](Targets::invalid).
pub fn cross_entropy<T: Float>(logits: &[T], targets: &Targets, out: &mut [T]) {
    assert_eq!(out.len(), targets.indices.len(), "cross_entropy: one loss a target");
    assert_eq!(logits.len(), out.len() * targets.classes, "cross_entropy: one logit a target and class");
    let (peak, spread) = shares::<T>(targets);
    par::rows_mut(out, 1, targets.classes * EXP_COST, |first, out| {
        for (sample, out) in (first..).zip(out) {
            let target = targets.indices[sample];
            if target == targets.ignore_index {
                *out = T::ZERO;
                continue;
            }
            let start = targets.start(sample);
            let row = logits[start..].iter().copied().step_by(targets.inner).take(targets.classes);
            let total = if targets.inner == 1 {
                vectorize_for::<T, _>(LogSumExp(&logits[start..][..targets.classes]))
            } else {
                log_sum_exp(row.clone())
            };
            *out = total - peak * logits[start + target as usize * targets.inner];
            if spread != T::ZERO {
                *out -= spread * row.sum::<T>();
            }
        }
    });
}

/// `out[s, c] = g[s] (softmax(x)_c − q_c)`, in the layout of the logits; 0 where the target is ignored.
///
/// # Panics
/// As [`cross_entropy`].
pub fn cross_entropy_grad<T: Float>(logits: &[T], targets: &Targets, cotangent: &[T], out: &mut [T]) {
    assert_eq!(cotangent.len(), targets.indices.len(), "cross_entropy_grad: one cotangent a target");
    assert_eq!(logits.len(), out.len(), "cross_entropy_grad: one gradient a logit");
    assert_eq!(
        logits.len(),
        cotangent.len() * targets.classes,
        "cross_entropy_grad: one logit a target and class"
    );
    let (peak, spread) = shares::<T>(targets);
    let block = targets.classes * targets.inner;
    par::rows_mut(out, block, block * EXP_COST, |first, out| {
        let first_sample = first * targets.inner;
        let samples = out.len() / targets.classes;
        for (place, sample) in (first_sample..first_sample + samples).enumerate() {
            let (target, g) = (targets.indices[sample], cotangent[sample]);
            let (start, out_start) = (targets.start(sample), targets.start(place));
            let row = logits[start..].iter().copied().step_by(targets.inner).take(targets.classes);
            let out_row = out[out_start..].iter_mut().step_by(targets.inner).take(targets.classes);
            if target == targets.ignore_index {
                out_row.for_each(|out| *out = T::ZERO);
                continue;
            }
            if targets.inner == 1 {
                let logits = &logits[start..][..targets.classes];
                let total = vectorize_for::<T, _>(LogSumExp(logits));
                let out = &mut out[out_start..][..targets.classes];
                vectorize_for::<T, _>(Slopes { logits, out, total, g, spread });
            } else {
                let total = log_sum_exp(row.clone());
                out_row.zip(row).for_each(|(out, x)| *out = g * ((x - total).exp() - spread));
            }
            out[out_start + target as usize * targets.inner] -= g * peak;
        }
    });
}

/// An exponential in simple operations, for cutting work.
const EXP_COST: usize = 8;

/// What the true class gets of q beyond its even share, and the even share.
fn shares<T: Float>(targets: &Targets) -> (T, T) {
    let smoothing = targets.label_smoothing;
    (T::from_f64(1.0 - smoothing), T::from_f64(smoothing / targets.classes as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::at_each_level;

    #[test]
    fn agrees_with_the_definition_in_both_layouts() {
        let (outer, classes, inner, smoothing) = (3, 4, 2, 0.2);
        let logits: Vec<f64> = (0..outer * classes * inner).map(|i| (i as f64 * 1.7).sin() * 3.0).collect();
        let indices = [0, 3, -1, 2, 1, 1];
        let targets =
            Targets { indices: &indices, ignore_index: -1, label_smoothing: smoothing, classes, inner };
        assert_eq!(targets.invalid(), None);
        let (mut loss, mut grad) = (vec![0.0; 6], vec![0.0; logits.len()]);
        cross_entropy(&logits, &targets, &mut loss);
        cross_entropy_grad(&logits, &targets, &[2.0; 6], &mut grad);
        for (sample, &target) in indices.iter().enumerate() {
            let at = |c: usize| (sample / inner * classes + c) * inner + sample % inner;
            let total: f64 = (0..classes).map(|c| logits[at(c)].exp()).sum();
            let mut expected = 0.0;
            for c in (0..classes).filter(|_| target != -1) {
                let q = smoothing / 4.0 + if c as i64 == target { 1.0 - smoothing } else { 0.0 };
                expected -= q * (logits[at(c)].exp() / total).ln();
                assert!((grad[at(c)] - 2.0 * (logits[at(c)].exp() / total - q)).abs() < 1e-14);
            }
            assert!((loss[sample] - expected).abs() < 1e-13);
        }
        assert!((0..classes).all(|c| grad[(classes + c) * inner] == 0.0));
    }

    /// Loss and gradient of neighbouring logits, with every fifth sample ignored, against the definition in f64.
    fn assert_rows_agree<T: Float + Into<f64>>(classes: usize, label_smoothing: f64, tolerance: f64) {
        let samples = 11;
        let logits: Vec<T> =
            (0..samples * classes).map(|i| T::from_f64((i as f64 * 1.7).sin() * 6.0 + 30.0)).collect();
        let cotangent: Vec<T> = (0..samples).map(|i| T::from_f64(i as f64 * 0.5 - 2.0)).collect();
        let target = |sample: usize| if sample % 5 == 2 { -1 } else { (sample * 7 % classes) as i64 };
        let indices: Vec<i64> = (0..samples).map(target).collect();
        let targets = Targets { indices: &indices, ignore_index: -1, label_smoothing, classes, inner: 1 };
        let (mut loss, mut grad) = (vec![T::LOWEST; samples], vec![T::LOWEST; logits.len()]);
        cross_entropy(&logits, &targets, &mut loss);
        cross_entropy_grad(&logits, &targets, &cotangent, &mut grad);
        let close = |found: T, exact: f64| (found.into() - exact).abs() <= tolerance;
        for (sample, (row, slopes)) in logits.chunks(classes).zip(grad.chunks(classes)).enumerate() {
            let total = row.iter().map(|&x| x.into().exp()).sum::<f64>().ln();
            let mut expected = 0.0;
            for (c, (&x, &slope)) in row.iter().zip(slopes).enumerate() {
                let truth = if c as i64 == indices[sample] { 1.0 } else { 0.0 };
                let q = (1.0 - label_smoothing) * truth + label_smoothing / classes as f64;
                let counts = if indices[sample] == -1 { 0.0 } else { 1.0 };
                expected += counts * q * (total - x.into());
                let slope_of_loss = counts * ((x.into() - total).exp() - q);
                assert!(close(slope, cotangent[sample].into() * slope_of_loss), "{classes}: {sample}, {c}");
            }
            assert!(close(loss[sample], expected), "{classes} classes: sample {sample}");
        }
    }

    #[test]
    fn rows_agree_with_the_definition() {
        // Fewer than one vector, tails, and more classes than the sums have lanes.
        for classes in [1, 7, 10, 17, 64, 67, 333] {
            for smoothing in [0.0, 0.2] {
                assert_rows_agree::<f64>(classes, smoothing, 1e-13);
                at_each_level(|_| assert_rows_agree::<f32>(classes, smoothing, 3e-5));
            }
        }
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let targets =
            Targets { indices: &[1, 0], ignore_index: -100, label_smoothing: 0.0, classes: 2, inner: 1 };
        let mut loss = [0.0f32; 2];
        cross_entropy(&[1e30, 0.0, f32::NEG_INFINITY, 3.0], &targets, &mut loss);
        assert_eq!(loss, [1e30, f32::INFINITY]);
        assert_eq!(Targets { indices: &[0, 2], ..targets }.invalid(), Some(2));
    }
}
