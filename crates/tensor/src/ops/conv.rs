//! Convolution, transposed convolution and their gradients.
//!
//! A convolution is linear in its input and in its weight, so three ops close under differentiation, each one's gradient
//! being made of the other two: `conv2d` (y from x and w), `conv2d_input_grad` (x̄ from ȳ and w) and `conv2d_weight_grad`
//! (w̄ from x and ȳ). The transposed convolution is the second of them used as a layer. Signals are images of height 1.

mod conv2d;
mod options;
mod transpose;
mod weight_grad;

pub use options::{
    Conv1dOptions, Conv2dOptions, ConvOptions, ConvTranspose1dOptions, ConvTranspose2dOptions,
    ConvTransposeOptions,
};

use super::slide::Slide;
use crate::op::Spec;
use crate::{DType, Error, Result};
use wengert_cpu::conv::Convolution;

pub(crate) const OPS: &[&str] = &["conv2d", "conv2d_input_grad", "conv2d_weight_grad", "conv_transpose2d"];

/// What the three ops share: how the kernel slides, and the number of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kernel {
    slide: Slide,
    groups: usize,
}

impl Kernel {
    /// The convolution of `image` [batch, channels, height, width] by `weight` [out_channels, channels/groups, height,
    /// width], or why there is none.
    fn convolution(&self, op: &'static str, image: [usize; 4], weight: [usize; 4]) -> Result<Convolution> {
        let [images, channels, height, width] = image;
        let [out_channels, in_channels, kernel_height, kernel_width] = weight;
        let groups = self.groups;
        if groups == 0 || !out_channels.is_multiple_of(groups) {
            let detail =
                format!("groups must divide the first axis of the weight {weight:?}, got groups = {groups}");
            return Err(Error::argument(op, detail));
        }
        if in_channels.checked_mul(groups) != Some(channels) {
            let detail = format!(
                "{channels} channels do not fit the weight {weight:?}: its second axis times groups = {groups} must be \
                 {channels}"
            );
            return Err(Error::shape(op, detail));
        }
        let [rows, columns] = self.slide.windows(op, [height, width], [kernel_height, kernel_width])?;
        Ok(Convolution { images, groups, in_channels, out_channels: out_channels / groups, rows, columns })
    }

    /// Fails unless `found`, the axes of the convolution's output, are those that `convolution` has.
    fn check_output(&self, op: &'static str, found: [usize; 4], convolution: &Convolution) -> Result<()> {
        let expected = output_axes(convolution);
        if found == expected {
            return Ok(());
        }
        Err(Error::shape(
            op,
            format!("the convolution's output has shape {expected:?}, but {found:?} was given for it"),
        ))
    }
}

/// Axes of a convolution's output.
fn output_axes(convolution: &Convolution) -> [usize; 4] {
    let Convolution { images, groups, out_channels, rows, columns, .. } = convolution;
    [*images, groups * out_channels, rows.output, columns.output]
}

/// Multiplications and additions of one run: the same for the convolution and its two gradients.
fn flops(convolution: &Convolution) -> u64 {
    let inner = convolution.in_channels * convolution.rows.kernel * convolution.columns.kernel;
    2 * convolution.output_len() as u64 * inner as u64
}

/// The one float type of all operands, or an error of `op`.
fn common_float(op: &'static str, inputs: &[Spec]) -> Result<DType> {
    let dtype = inputs[0].dtype;
    if let Some(other) = inputs.iter().find(|input| input.dtype != dtype) {
        let detail = format!("all operands must have one dtype, got {dtype} and {}", other.dtype);
        return Err(Error::dtype(op, detail));
    }
    for_float!(dtype, op, _T => Ok(dtype))
}

/// Fails unless the bias, if there is one, has one value for each of `channels`.
fn check_bias(op: &'static str, bias: Option<&Spec>, channels: usize) -> Result<()> {
    match bias.filter(|bias| *bias.shape != [channels]) {
        Some(bias) => {
            let detail =
                format!("the bias must be [{channels}], one value an output channel, got {}", bias.shape);
            Err(Error::shape(op, detail))
        }
        None => Ok(()),
    }
}

/// What weights are in messages.
const WEIGHT: &str = "[out_channels, in_channels/groups, height, width]";
