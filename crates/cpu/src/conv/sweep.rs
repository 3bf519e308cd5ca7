//! One axis of a convolution, seen from its result: which elements of the source each element is made of.

use crate::window::Window;

/// Elements of the result along one axis that are made the same way: element `first + q·spacing`, for q below
/// `count`, is the sum over `reads` of a tap times element `q·step + shift` of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    /// Elements of the result.
    pub count: usize,
    /// The first of them.
    pub first: usize,
    /// Distance from one to the next.
    pub spacing: usize,
    /// Elements of the source from the sum of one to that of the next.
    pub step: usize,
    /// The taps that take part.
    pub reads: Vec<Read>,
}

/// A tap, and where in the source it is met first. What lies outside the source is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub tap: usize,
    pub shift: isize,
}

impl Sweep {
    /// The output of a window over its input.
    pub fn forward(window: &Window) -> Self {
        let reads = (0..window.kernel)
            .map(|tap| Read { tap, shift: (tap * window.dilation) as isize - window.padding as isize })
            .collect();
        Self { count: window.output, first: 0, spacing: 1, step: window.stride, reads }
    }

    /// The adjoint: the input of a window over its output. Tap t carries input u to output o where o·stride = u +
    /// padding − t·dilation, so which taps take part depends on the remainder of u by the stride: one sweep for each.
    pub fn adjoint(window: &Window) -> Vec<Self> {
        let stride = window.stride;
        let sweep = |first: usize| {
            let origin = |tap: usize| (first + window.padding) as isize - (tap * window.dilation) as isize;
            let reads = (0..window.kernel)
                .filter(|&tap| origin(tap).rem_euclid(stride as isize) == 0)
                .map(|tap| Read { tap, shift: origin(tap).div_euclid(stride as isize) })
                .collect();
            let count = (window.input - first).div_ceil(stride);
            Self { count, first, spacing: stride, step: 1, reads }
        };
        (0..stride.min(window.input)).map(sweep).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs (result, source, tap) of sweeps, without those that read padding.
    fn pairs(sweeps: &[Sweep], source: usize) -> Vec<(usize, usize, usize)> {
        let mut pairs = Vec::new();
        for sweep in sweeps {
            for (q, read) in (0..sweep.count).flat_map(|q| sweep.reads.iter().map(move |read| (q, read))) {
                let from = (q * sweep.step) as isize + read.shift;
                if (0..source as isize).contains(&from) {
                    pairs.push((sweep.first + q * sweep.spacing, from as usize, read.tap));
                }
            }
        }
        pairs.sort_unstable();
        pairs
    }

    #[test]
    fn forward_and_adjoint_agree_with_the_definition() {
        for (input, output, kernel, stride, dilation, padding) in [
            (7, 7, 3, 1, 1, 1),
            (14, 7, 4, 2, 1, 1),
            (7, 2, 2, 3, 2, 0),
            (1, 2, 3, 4, 1, 6),
            (5, 3, 1, 2, 1, 0),
            (9, 2, 3, 5, 3, 2),
        ] {
            let window = Window { input, output, kernel, stride, dilation, padding };
            let mut expected = Vec::new();
            for (o, tap) in (0..output).flat_map(|o| (0..kernel).map(move |tap| (o, tap))) {
                let from = (o * stride + tap * dilation).wrapping_sub(padding);
                if from < input {
                    expected.push((o, from, tap));
                }
            }
            assert_eq!(pairs(&[Sweep::forward(&window)], input), expected);
            let mut turned: Vec<_> = expected.into_iter().map(|(o, from, tap)| (from, o, tap)).collect();
            turned.sort_unstable();
            assert_eq!(pairs(&Sweep::adjoint(&window), output), turned);
        }
    }
}
