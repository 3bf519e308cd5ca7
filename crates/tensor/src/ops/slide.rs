//! A window that slides over the two axes of an image: what convolution, pooling and unfolding check in
//! common.

use crate::op::Spec;
use crate::{Error, Result, Tensor};
use wengert_cpu::window::{Window, output_size};

/// Most elements of a padded image, beyond all memory, that positions in it can be counted with room to spare, even where
/// there are no images or channels to take memory.
const LARGEST_PLANE: usize = 1 << 40;

/// Distances of a sliding window, for the rows and for the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slide {
    pub stride: [usize; 2],
    /// Elements added before and after each axis; negative ones are cut off.
    pub padding: [(usize, isize); 2],
    pub dilation: [usize; 2],
}

impl Slide {
    pub fn new(stride: [usize; 2], padding: [(usize, usize); 2], dilation: [usize; 2]) -> Self {
        // No axis is longer than isize::MAX: a larger padding is refused as too long all the same.
        let signed = |after: usize| isize::try_from(after).unwrap_or(isize::MAX);
        Self { stride, padding: padding.map(|(before, after)| (before, signed(after))), dilation }
    }

    /// The windows of a `kernel` over the rows and the columns of an image, or why there are none.
    pub fn windows(&self, op: &'static str, image: [usize; 2], kernel: [usize; 2]) -> Result<[Window; 2]> {
        let windows = [self.window(op, 0, image[0], kernel[0])?, self.window(op, 1, image[1], kernel[1])?];
        let padded = [0, 1].map(|axis| {
            let (before, after) = self.padding[axis];
            (image[axis] + before).saturating_add_signed(after)
        });
        if padded[0].saturating_mul(padded[1]) > LARGEST_PLANE {
            let detail = format!(
                "padded, an image is {} × {}: more than {LARGEST_PLANE} elements; needs less padding",
                padded[0], padded[1]
            );
            return Err(Error::shape(op, detail));
        }
        Ok(windows)
    }

    fn window(&self, op: &'static str, axis: usize, input: usize, kernel: usize) -> Result<Window> {
        let (stride, padding, dilation) = (self.stride[axis], self.padding[axis], self.dilation[axis]);
        for (what, value) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
            if value == 0 {
                return Err(Error::argument(
                    op,
                    format!("the {what} must be at least 1 along {}", AXES[axis]),
                ));
            }
        }
        let Some(output) = output_size(input, kernel, stride, dilation, padding) else {
            let detail = format!(
                "a kernel of {kernel} with dilation {dilation} does not fit {} {input} with padding {} \
                 before and {} after; needs {} + padding ≥ (kernel − 1)·dilation + 1",
                AXES[axis], padding.0, padding.1, AXES[axis]
            );
            return Err(Error::shape(op, detail));
        };
        Ok(Window { input, output, kernel, stride, dilation, padding: padding.0 })
    }
}

/// The same window as CUDA kernels take it.
pub(super) fn on_device(window: Window) -> wengert_cuda::window::Window {
    let Window { input, output, kernel, stride, dilation, padding } = window;
    wengert_cuda::window::Window { input, output, kernel, stride, dilation, padding }
}

/// What the two axes of an image are called in messages. A signal is an image of height 1.
pub(super) const AXES: [&str; 2] = ["height", "width"];

/// The four axes of `spec`, or an error that names them.
pub(super) fn four_axes(op: &'static str, what: &str, axes: &str, spec: &Spec) -> Result<[usize; 4]> {
    <[usize; 4]>::try_from(&*spec.shape)
        .map_err(|_| Error::shape(op, format!("the {what} must have four axes {axes}, got {}", spec.shape)))
}

/// What images are in messages.
pub(super) const IMAGES: &str = "[batch, channels, height, width]";

/// A signal [batch, channels, length], or a weight of such, as images of height 1.
pub(super) fn as_images(op: &'static str, what: &str, signal: &Tensor) -> Result<Tensor> {
    if signal.rank() == 3 {
        return Ok(signal.unsqueeze(2));
    }
    let detail =
        format!("the {what} must have three axes, the last being the length, got {}", signal.shape());
    Err(Error::shape(op, detail))
}
