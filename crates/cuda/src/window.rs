//! Windows that slide over an axis, as kernels take them.

use crate::launch::{Argument, Arguments};
use crate::{Error, Result};

/// Tap t of the window at position o reads input o·stride + t·dilation − padding, or padding where that is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size of the axis.
    pub input: usize,
    /// Number of positions of the window.
    pub output: usize,
    /// Number of its taps.
    pub kernel: usize,
    /// Distance between neighbouring positions.
    pub stride: usize,
    /// Distance between neighbouring taps.
    pub dilation: usize,
    /// Padding before the first input.
    pub padding: usize,
}

/// As in `kernels/window.cuh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window32 {
    pub input: i32,
    pub output: i32,
    pub kernel: i32,
    pub stride: i32,
    pub dilation: i32,
    pub padding: i32,
}

/// Places and distances that kernels may add without overflow.
const LONGEST: usize = 1 << 29;

impl Window {
    /// The window in 32 bits. Distances that nothing is apart become 1.
    ///
    /// # Errors
    /// When a place is beyond what kernels count.
    pub(crate) fn narrowed(&self) -> Result<Window32> {
        let stride = if self.output > 1 { self.stride } else { 1 };
        let dilation = if self.kernel > 1 { self.dilation } else { 1 };
        let last = (self.output.saturating_sub(1).saturating_mul(stride))
            .saturating_add(self.kernel.saturating_sub(1).saturating_mul(dilation));
        if [self.input, self.output, self.kernel, stride, dilation, self.padding, last]
            .iter()
            .any(|&size| size > LONGEST)
        {
            return Err(Error::Argument(format!("{self:?} reaches further than a kernel counts")));
        }
        let [input, output, kernel, stride, dilation, padding] =
            [self.input, self.output, self.kernel, stride, dilation, self.padding].map(|size| size as i32);
        Ok(Window32 { input, output, kernel, stride, dilation, padding })
    }
}

impl Argument for Window32 {
    fn add_to(&self, arguments: &mut Arguments) {
        let Window32 { input, output, kernel, stride, dilation, padding } = *self;
        arguments.push(&words([input, output, kernel, stride, dilation, padding]));
    }
}

/// The bytes of a struct of integers.
pub(crate) fn words<const N: usize>(words: [i32; N]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_that_is_not_gone_does_not_count() {
        let far =
            Window { input: 5, output: 1, kernel: 1, stride: usize::MAX, dilation: usize::MAX, padding: 0 };
        let narrow = far.narrowed().unwrap();
        assert_eq!((narrow.stride, narrow.dilation), (1, 1));
        assert!(Window { output: 2, ..far }.narrowed().is_err());
        assert!(Window { padding: 1 << 40, ..far }.narrowed().is_err());
    }
}
