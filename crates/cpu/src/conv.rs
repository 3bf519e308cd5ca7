//! Convolution of images and its two gradients.
//!
//! Each is a matrix product with the patches of an image ([`patches`]), which are packed a tile at a time
//! into a buffer that stays in cache. With X the image, W the weight as a matrix `[out_channels,
//! channels·kernel]`, and P(X) the patch matrix `[channels·kernel, positions]`:
//!
//! - [`forward`]: Y = W · P(X)
//! - [`input_grad`]: X̄ = Pᵀ(Wᵀ · Ȳ), where Pᵀ adds patches back to where they came from; also the transposed
//!   convolution
//! - [`weight_grad`]: W̄ = Σ over images of Ȳ · P(X)ᵀ
//!
//! Source: K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for document
//! processing" (2006).

mod forward;
mod input_grad;
pub mod patches;
mod product;
#[cfg(test)]
mod tests;
mod weight_grad;

pub use forward::forward;
pub use input_grad::input_grad;
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

    /// Whether the patches are the image itself: a 1×1 kernel that moves by one.
    fn is_pointwise(&self) -> bool {
        self.rows.is_identity() && self.columns.is_identity()
    }

    /// The part of a batched input that belongs to an image and group.
    fn input_part<'a, T>(&self, input: &'a [T], image: usize, group: usize) -> &'a [T] {
        let part = self.in_channels * self.input_plane();
        &input[(image * self.groups + group) * part..][..part]
    }

    /// The part of a batched output that belongs to an image and group.
    fn output_part<'a, T>(&self, output: &'a [T], image: usize, group: usize) -> &'a [T] {
        let part = self.out_channels * self.output_plane();
        &output[(image * self.groups + group) * part..][..part]
    }
}

/// Elements of a task's patch buffer: 128 KiB of f32, so that it stays in a core's second-level cache.
const BUFFER: usize = 1 << 15;
/// Tasks wanted of one convolution, so that many cores have something to do.
const WANTED_TASKS: usize = 16;
/// Channels are cut no finer than this, because every cut reads the image or the cotangent again.
const FEWEST_CHANNELS: usize = 8;
/// Multiply-adds that take as long as one simple element operation.
const WORK_PER_ELEMENT: usize = 8;

/// How many of `channels` one task takes when there are `parts` independent (image, group) pairs: all of them
/// where these suffice to keep the cores busy, and a divisor of `channels` otherwise.
fn channels_per_task(channels: usize, parts: usize) -> usize {
    let wanted = WANTED_TASKS.div_ceil(parts.max(1)).min((channels / FEWEST_CHANNELS).max(1));
    let blocks = (1..=wanted).rev().find(|blocks| channels.is_multiple_of(*blocks)).unwrap_or(1);
    channels / blocks
}
