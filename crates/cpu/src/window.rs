//! One axis of a sliding window: the arithmetic that convolution, pooling and patch extraction share.

use std::ops::Range;

/// How a window of `kernel` taps slides along one axis.
///
/// Tap `t` of the window at output position `o` reads input position `o·stride + t·dilation − padding`;
/// positions outside `0..input` are padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Size of the axis that the window slides along.
    pub input: usize,
    /// Number of positions that the window takes.
    pub output: usize,
    /// Number of taps of the window.
    pub kernel: usize,
    /// Distance between neighbouring positions of the window.
    pub stride: usize,
    /// Distance between neighbouring taps.
    pub dilation: usize,
    /// Padding before the first input element. What follows the last one is given by `output`.
    pub padding: usize,
}

impl Window {
    /// The input position that `tap` reads at `output`, which must lie inside the input (see
    /// [`Window::inside`]).
    #[inline]
    pub fn source(&self, tap: usize, output: usize) -> usize {
        output * self.stride + tap * self.dilation - self.padding
    }

    /// Those of the positions `outputs` where `tap` reads the input and not the padding.
    pub fn inside(&self, tap: usize, outputs: &Range<usize>) -> Range<usize> {
        let shift = tap * self.dilation;
        let first = self.padding.saturating_sub(shift).div_ceil(self.stride);
        let end = (self.input + self.padding).saturating_sub(shift).div_ceil(self.stride);
        let start = first.clamp(outputs.start, outputs.end);
        start..end.clamp(start, outputs.end)
    }

    /// The taps that read the input and not the padding at position `output`.
    pub fn taps_inside(&self, output: usize) -> Range<usize> {
        let start = output * self.stride;
        let first = self.padding.saturating_sub(start).div_ceil(self.dilation);
        let end = (self.input + self.padding).saturating_sub(start).div_ceil(self.dilation).min(self.kernel);
        first.min(end)..end
    }
}

/// Number of positions of a window along an axis, or `None` where the dilated window does not fit the padded
/// axis or the arithmetic overflows. `padding` counts the elements added before and after; negative ones are
/// cut off.
///
/// ⌊(input + before + after − dilation·(kernel − 1) − 1) / stride⌋ + 1
pub fn output_size(
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    padding: (usize, isize),
) -> Option<usize> {
    let padded = input.checked_add(padding.0)?.checked_add_signed(padding.1)?;
    // Positions are counted from the first element of the input, those of the padding before it are negative.
    let padded = isize::try_from(padded).ok()?.unsigned_abs();
    let span = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    padded.checked_sub(span)?.checked_div(stride)?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_agrees_with_the_definition() {
        for (input, kernel, stride, dilation, padding) in [
            (7, 3, 1, 1, 1),
            (7, 3, 2, 1, 2),
            (5, 4, 3, 2, 6),
            (1, 3, 1, 2, 2),
            (9, 1, 4, 1, 0),
            (2, 2, 5, 3, 3),
        ] {
            let output = output_size(input, kernel, stride, dilation, (padding, padding as isize)).unwrap();
            let window = Window { input, output, kernel, stride, dilation, padding };
            let reads = |tap: usize, position: usize| {
                let padded = position * stride + tap * dilation;
                padded >= padding && padded - padding < input
            };
            for tap in 0..kernel {
                let expected: Vec<usize> = (0..output).filter(|&position| reads(tap, position)).collect();
                assert_eq!(window.inside(tap, &(0..output)).collect::<Vec<_>>(), expected);
            }
            for position in 0..output {
                let expected: Vec<usize> = (0..kernel).filter(|&tap| reads(tap, position)).collect();
                assert_eq!(window.taps_inside(position).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn output_sizes() {
        assert_eq!(output_size(28, 3, 1, 1, (1, 1)), Some(28));
        assert_eq!(output_size(28, 4, 2, 1, (1, 1)), Some(14));
        assert_eq!(output_size(28, 3, 1, 1, (0, -2)), Some(24));
        assert_eq!(output_size(2, 3, 1, 1, (0, 0)), None);
        assert_eq!(output_size(2, 2, 0, 1, (0, 0)), None);
        assert_eq!(output_size(2, usize::MAX, 1, usize::MAX, (0, 0)), None);
        assert_eq!(output_size(0, 1, 1 << 58, 1, (2, isize::MAX)), None);
    }
}
