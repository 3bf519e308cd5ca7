//! Convolution of images and its two gradients.
//!
//! Each is a matrix product in which one operand is an image, seen through a sliding window. No patch is ever written
//! out: the inner loops read the image in place, at an address for every row of the result and a shift for every term of
//! its sum (`kernel`), and only the other operand, weights or a cotangent, is packed.
//!
//! - [`forward`]: Y at a position is a sum over (channel, tap) of the image at that tap, times the weights of all output
//!   channels (`gather`).
//! - [`input_grad`]: X̄ likewise, of the cotangent and the turned weights, one class of positions for each remainder by
//!   the stride; also the transposed convolution.
//! - [`weight_grad`]: W̄ at (channel, tap) is a sum over positions of the image at that tap, times the cotangent of all
//!   output channels.
//!
//! Lanes of vectors are channels of the result; where there are few, as in a depthwise convolution, neighbouring
//! positions.
//!
//! On processors with AMX, f32 can also be multiplied from bf16 parts (`split`).
//!
//! Source: M. Dukhan, "The indirect convolution algorithm" (2019), arXiv:1907.02129.

mod blocks;
mod forward;
mod frame;
mod gather;
mod input_grad;
mod kernel;
mod panels;
pub mod patches;
mod scratch;
mod split;
mod sweep;
#[cfg(test)]
mod tests;
mod weight_grad;

pub use forward::forward;
pub use input_grad::input_grad;
pub use kernel::{Convolve, Kernel};
pub use weight_grad::weight_grad;

use crate::window::Window;

/// Shapes of a convolution of `input` `[images, groups·in_channels, height, width]` with `weight`
/// `[groups·out_channels, in_channels, kernel height, kernel width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Images in the batch.
    pub images: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Input channels of one group.
    pub in_channels: usize,
    /// Output channels of one group.
    pub out_channels: usize,
    /// How the kernel slides down.
    pub rows: Window,
    /// How the kernel slides across.
    pub columns: Window,
}

impl Convolution {
    /// Number of elements of the input.
    pub fn input_len(&self) -> usize {
        self.images * self.groups * self.in_channels * self.input_plane()
    }

    /// Number of elements of the weight.
    pub fn weight_len(&self) -> usize {
        self.groups * self.out_channels * self.patch()
    }

    /// Number of elements of the output.
    pub fn output_len(&self) -> usize {
        self.images * self.groups * self.out_channels * self.output_plane()
    }

    /// Elements of one input channel.
    fn input_plane(&self) -> usize {
        self.rows.input * self.columns.input
    }

    /// Elements of one output channel: positions of the window.
    fn output_plane(&self) -> usize {
        self.rows.output * self.columns.output
    }

    /// Taps of the kernel in one channel.
    fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }

    /// Elements of one patch: the inner size of the matrix product.
    fn patch(&self) -> usize {
        self.in_channels * self.taps()
    }
}

/// Tasks wanted of one convolution, so that many cores have something to do.
const WANTED_TASKS: usize = 16;
/// Multiply-adds that take as long as one simple element operation.
const WORK_PER_ELEMENT: usize = 8;
