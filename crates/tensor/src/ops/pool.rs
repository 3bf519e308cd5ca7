//! Pooling: the largest or the mean element of each window.

mod average;
mod max;

use super::slide::{AXES, Slide};
use crate::onnx::{Attribute, ints, pads};
use crate::{Error, Result};
use wengert_cpu::pool::every_window_meets_input;
use wengert_cpu::window::Window;

pub(crate) const OPS: &[&str] = &[
    "max_pool2d_indices",
    "max_pool2d",
    "max_pool2d_grad",
    "avg_pool2d",
    "avg_pool2d_grad",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_grad",
];

/// Attributes of pooling over `D` axes.
///
/// ```
/// use wengert_tensor::Pool2dOptions;
/// let options = Pool2dOptions::new([3, 3]).stride(2).padding(1);
/// assert_eq!((options.kernel, options.stride), ([3, 3], [2, 2]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolOptions<const D: usize> {
    /// Size of the window.
    pub kernel: [usize; D],
    /// Distance between neighbouring windows (the size of the window).
    pub stride: [usize; D],
    /// Padding before and after each axis (0): never the largest element, and zero in an average. Less than
    /// the dilated window, so that no window holds padding only.
    pub padding: [(usize, usize); D],
    /// Distance between neighbouring elements of a window (1).
    pub dilation: [usize; D],
    /// Whether a last window that begins inside but ends outside the padded axis counts too (no). The first window may
    /// be the last, where it ends less than a stride outside.
    pub ceil_mode: bool,
    /// Whether padding counts in the divisor of an average (yes).
    pub count_include_pad: bool,
}

/// Attributes of [`Tensor::max_pool1d`](crate::Tensor::max_pool1d) and its relatives.
pub type Pool1dOptions = PoolOptions<1>;
/// Attributes of [`Tensor::max_pool2d`](crate::Tensor::max_pool2d) and its relatives.
pub type Pool2dOptions = PoolOptions<2>;

impl<const D: usize> PoolOptions<D> {
    /// Windows of `kernel` elements side by side.
    pub fn new(kernel: [usize; D]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [(0, 0); D],
            dilation: [1; D],
            ceil_mode: false,
            count_include_pad: true,
        }
    }

    /// The same stride along every axis.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; D], ..self }
    }

    /// The same padding on every side.
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [(padding, padding); D], ..self }
    }

    /// The same dilation along every axis.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation: [dilation; D], ..self }
    }

    /// Whether a last window that ends outside the padded axis counts too.
    pub fn ceil_mode(self, ceil_mode: bool) -> Self {
        Self { ceil_mode, ..self }
    }

    /// Whether padding counts in the divisor of an average.
    pub fn count_include_pad(self, count_include_pad: bool) -> Self {
        Self { count_include_pad, ..self }
    }
}

impl From<Pool1dOptions> for Pool2dOptions {
    /// The same over images of height 1.
    fn from(options: Pool1dOptions) -> Self {
        Self {
            kernel: [1, options.kernel[0]],
            stride: [1, options.stride[0]],
            padding: [(0, 0), options.padding[0]],
            dilation: [1, options.dilation[0]],
            ceil_mode: options.ceil_mode,
            count_include_pad: options.count_include_pad,
        }
    }
}

impl Pool2dOptions {
    /// The attributes in ONNX; `None` where a last window may end outside the padded axis, which runtimes count
    /// differently.
    fn onnx(&self) -> Option<Vec<(&'static str, Attribute)>> {
        let padding = self.padding.map(|(before, after)| (before, after as isize));
        (!self.ceil_mode).then(|| {
            vec![
                ("kernel_shape", ints(self.kernel)),
                ("strides", ints(self.stride)),
                ("pads", pads(padding)),
                ("dilations", ints(self.dilation)),
            ]
        })
    }

    /// The windows over the rows and the columns of an image of height and width `size`, or why there are
    /// none.
    fn windows(&self, op: &'static str, size: [usize; 2]) -> Result<[Window; 2]> {
        let mut slide = Slide::new(self.stride, self.padding, self.dilation);
        if self.ceil_mode {
            for (axis, &size) in size.iter().enumerate() {
                let missing = self.missing(axis, size);
                if missing < self.stride[axis] {
                    slide.padding[axis].1 = slide.padding[axis].1.saturating_add_unsigned(missing);
                }
            }
        }
        let mut windows = slide.windows(op, size, self.kernel)?;
        for (axis, window) in windows.iter_mut().enumerate() {
            if self.ceil_mode {
                add_partial_window(window, self.padding[axis].1);
            }
            if !every_window_meets_input(window) {
                let (name, size) = (AXES[axis], size[axis]);
                let detail = format!(
                    "some window over {name} {size} holds padding only, with kernel {}, dilation {} and \
                     padding {:?}; pad by less than the window spans",
                    self.kernel[axis], self.dilation[axis], self.padding[axis]
                );
                return Err(Error::argument(op, detail));
            }
        }
        Ok(windows)
    }
}

impl Pool2dOptions {
    /// By how much the first window ends outside the padded axis of `size`.
    fn missing(&self, axis: usize, size: usize) -> usize {
        let (before, after) = self.padding[axis];
        let span = self.kernel[axis].saturating_sub(1).saturating_mul(self.dilation[axis]).saturating_add(1);
        span.saturating_sub(size.saturating_add(before).saturating_add(after))
    }
}

/// Adds the last window where it begins inside the axis (or in the padding before it) but ends outside the
/// padded axis.
fn add_partial_window(window: &mut Window, padding_after: usize) {
    let end_of_last = (window.output - 1) * window.stride + (window.kernel - 1) * window.dilation + 1;
    let padded = (window.padding + window.input).saturating_add(padding_after);
    let begins_inside = window.output.saturating_mul(window.stride) < window.input + window.padding;
    if begins_inside && end_of_last < padded {
        window.output += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Tensor};

    fn refusal(size: [usize; 2], options: Pool2dOptions) -> String {
        options.windows("max_pool2d", size).expect_err("must be refused").to_string()
    }

    #[test]
    fn windows_must_fit_and_hold_input() {
        let two = Pool2dOptions::new([2, 2]);
        assert!(refusal([1, 8], two).contains("kernel of 2 with dilation 1 does not fit height 1"));
        assert!(refusal([8, 8], two.padding(2)).contains("holds padding only"));
        assert!(refusal([8, 1], two.dilation(2).padding(1)).contains("over width 1 holds padding only"));
        assert!(refusal([8, 8], two.padding(1 << 60)).contains("needs less padding"));
        assert!(refusal([8, 8], two.stride(0)).contains("the stride must be at least 1"));
        assert!(refusal([8, 8], Pool2dOptions::new([0, 2])).contains("the kernel must be at least 1"));
        assert!(two.padding(1).windows("max_pool2d", [1, 1]).is_ok());
    }

    #[test]
    fn ceil_mode_adds_a_window_only_where_it_begins_inside() {
        let sizes = |options: Pool2dOptions, size| {
            options.ceil_mode(true).windows("max_pool2d", size).unwrap().map(|window| window.output)
        };
        assert_eq!(sizes(Pool2dOptions::new([2, 2]), [5, 4]), [3, 2]);
        // The third window would begin in the padding behind the axis.
        assert_eq!(sizes(Pool2dOptions::new([2, 2]).stride(3).padding(1), [5, 5]), [2, 2]);
        assert_eq!(sizes(Pool2dOptions::new([1, 1]).stride(usize::MAX), [5, 5]), [1, 1]);
    }

    #[test]
    fn in_ceil_mode_a_window_may_be_larger_than_the_image() {
        let x = Tensor::arange(0, 6, 1).to_dtype(DType::F64).reshape([1, 1, 2, 3]);
        let four = Pool2dOptions::new([4, 4]).ceil_mode(true);
        assert_eq!(x.max_pool2d(four).to_vec::<f64>(), [5.0]);
        assert_eq!(x.avg_pool2d(four).to_vec::<f64>(), [2.5]);
        // PyTorch's: of 4 × 5 elements of the padded image 6 are not padding.
        let five = Pool2dOptions::new([5, 5]).stride(3).padding(1).ceil_mode(true);
        assert_eq!(x.avg_pool2d(five).to_vec::<f64>(), [0.75]);
        assert_eq!(x.avg_pool2d(five.count_include_pad(false)).to_vec::<f64>(), [2.5]);
        assert!(refusal([2, 3], four.stride(2)).contains("kernel of 4 with dilation 1 does not fit height 2"));
    }

    #[test]
    fn errors_have_the_name_of_what_was_called() {
        let image = Tensor::zeros([1, 1, 1, 2], DType::F32);
        let signal = image.squeeze(2);
        let (one, two) = (Pool1dOptions::new([3]), Pool2dOptions::new([3, 3]));
        let calls: [(&str, &dyn Fn() -> Tensor); 5] = [
            ("max_pool1d: ", &|| signal.max_pool1d(one)),
            ("avg_pool1d: ", &|| signal.avg_pool1d(one)),
            ("adaptive_avg_pool1d: ", &|| signal.adaptive_avg_pool1d(0)),
            ("max_pool2d: ", &|| image.max_pool2d(two)),
            ("avg_pool2d: ", &|| image.avg_pool2d(two)),
        ];
        for (name, call) in calls {
            let message = crate::attempt(call).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }

    #[test]
    fn integers_are_pooled_too() {
        let pixels = Tensor::from_slice(&[1u8, 9, 3, 9, 2, 200], [1, 1, 2, 3]);
        let (largest, indices) = pixels.max_pool2d_with_indices(Pool2dOptions::new([2, 2]).stride(1));
        assert_eq!((largest.dtype(), largest.to_vec::<u8>()), (DType::U8, vec![9, 200]));
        assert_eq!(indices.to_vec::<i64>(), [1, 5]);
    }
}
