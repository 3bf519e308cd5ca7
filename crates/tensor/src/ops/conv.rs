//! Convolution, transposed convolution and their gradients.
//!
//! A convolution is linear in its input and in its weight, so three ops close under differentiation, each
//! one's gradient being made of the other two: `conv2d` (y from x and w), `conv2d_input_grad` (x̄ from ȳ and
//! w) and `conv2d_weight_grad` (w̄ from x and ȳ). The transposed convolution is the second of them used as a
//! layer. Signals are images of height 1.

mod conv2d;
mod options;
mod transpose;
mod weight_grad;

pub use options::{
    Conv1dOptions, Conv2dOptions, ConvOptions, ConvTranspose1dOptions, ConvTranspose2dOptions,
    ConvTransposeOptions,
};

use super::slide::{self, Slide};
use crate::onnx::{Attribute, ints, pads};
use crate::op::{Spec, Values};
use crate::{DType, Error, Result, Shape, Tensor, Value};
use wengert_cpu::conv::Convolution;
use wengert_cuda::gemm::Precision;
use wengert_cuda::{Device, Memory, View};

pub(crate) const OPS: &[&str] = &["conv2d", "conv2d_input_grad", "conv2d_weight_grad", "conv_transpose2d"];

/// What the three ops share: how the kernel slides, and the number of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kernel {
    slide: Slide,
    groups: usize,
}

impl Kernel {
    /// The convolution of `image` [batch, channels, height, width] by `weight` [out_channels,
    /// channels/groups, height, width], or why there is none.
    fn convolution(&self, op: &'static str, image: [usize; 4], weight: [usize; 4]) -> Result<Convolution> {
        let [images, channels, height, width] = image;
        let [out_channels, in_channels, kernel_height, kernel_width] = weight;
        let groups = self.groups;
        // No channels are a multiple of any number, and still make one group.
        if !(1..=out_channels.max(1)).contains(&groups) || !out_channels.is_multiple_of(groups) {
            let detail =
                format!("groups must divide the first axis of the weight {weight:?}, got groups = {groups}");
            return Err(Error::argument(op, detail));
        }
        if in_channels.checked_mul(groups) != Some(channels) {
            let detail = format!(
                "{channels} channels do not fit the weight {weight:?}: its second axis times groups = \
                 {groups} must be {channels}"
            );
            return Err(Error::shape(op, detail));
        }
        let [rows, columns] = self.slide.windows(op, [height, width], [kernel_height, kernel_width])?;
        Ok(Convolution { images, groups, in_channels, out_channels: out_channels / groups, rows, columns })
    }

    /// The attributes of a convolution in ONNX, by a weight of this shape.
    fn onnx(&self, weight: &Shape) -> Option<Vec<(&'static str, Attribute)>> {
        // It cuts nothing off, as the gradient of a convolution may.
        let is_padding = self.slide.padding.iter().all(|(_, after)| *after >= 0);
        is_padding.then(|| {
            vec![
            ("kernel_shape", ints([weight[2], weight[3]])),
            ("strides", ints(self.slide.stride)),
            ("pads", pads(self.slide.padding)),
            ("dilations", ints(self.slide.dilation)),
            ("group", Attribute::Int(self.groups as i64)),
            ]
        })
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

/// The same convolution as CUDA kernels take it.
fn on_device(convolution: &Convolution) -> wengert_cuda::conv2d::Convolution {
    let Convolution { images, groups, in_channels, out_channels, rows, columns } = *convolution;
    let [rows, columns] = [rows, columns].map(slide::on_device);
    wengert_cuda::conv2d::Convolution { images, groups, in_channels, out_channels, rows, columns }
}

/// A launcher of a convolution or of its adjoint.
type Launcher = fn(
    &wengert_cuda::conv2d::Convolution,
    View<'_>,
    View<'_>,
    Option<View<'_>>,
    Precision,
    &Memory,
) -> wengert_cuda::Result<()>;

/// What `launch` makes of an image, or a cotangent, a weight and perhaps a bias on a device.
fn run_on_device(
    launch: Launcher,
    convolution: &Convolution,
    inputs: Values,
    output: &Spec,
    device: &Device,
) -> Result<Value> {
    let inputs: Values = inputs.iter().map(Value::contiguous).collect();
    let bias = inputs.get(2).map(Value::on_device).transpose()?;
    let (image, weight) = (inputs[0].on_device()?, inputs[1].on_device()?);
    let out = Value::on_cuda(device, output)?;
    launch(&on_device(convolution), image, weight, bias, Precision::default(), out.device_memory()?)?;
    Ok(out)
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

/// A bias [channels] in a form that broadcasts over images.
fn as_channels(bias: &Tensor) -> Tensor {
    bias.reshape([1, bias.numel(), 1, 1])
}

/// What weights are in messages.
const WEIGHT: &str = "[out_channels, in_channels/groups, height, width]";

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    fn message<R>(call: impl FnOnce() -> R + std::panic::UnwindSafe) -> String {
        match catch_unwind(call) {
            Ok(_) => "no panic".to_owned(),
            Err(payload) => payload.downcast_ref::<String>().expect("a formatted message").clone(),
        }
    }

    fn zeros(shape: &[usize]) -> Tensor {
        Tensor::zeros(shape, DType::F32)
    }

    #[test]
    fn conv2d_says_what_does_not_fit() {
        let plain = Conv2dOptions::default();
        let refuse = |x: &'static [usize], w: &'static [usize], options: Conv2dOptions, expected: &str| {
            let found = message(move || zeros(x).conv2d(&zeros(w), None, options));
            assert!(found.starts_with("conv2d: ") && found.contains(expected), "{found}");
        };
        refuse(&[3, 8, 8], &[4, 3, 3, 3], plain, "four axes [batch, channels, height, width], got [3, 8, 8]");
        refuse(&[1, 3, 8, 8], &[4, 3, 3], plain, "weight must have four axes");
        refuse(&[1, 3, 8, 8], &[4, 2, 3, 3], plain, "3 channels do not fit the weight [4, 2, 3, 3]");
        refuse(&[1, 4, 8, 8], &[5, 2, 3, 3], plain.groups(2), "groups must divide the first axis");
        refuse(&[1, 4, 8, 8], &[4, 4, 3, 3], plain.groups(0), "groups = 0");
        refuse(&[1, 0, 8, 8], &[0, 0, 3, 3], plain.groups(2), "groups must divide the first axis");
        refuse(&[0, 1, 8, 8], &[1, 1, 3, 3], plain.padding(1 << 20), "needs less padding");
        refuse(&[1, 3, 2, 8], &[4, 3, 3, 3], plain, "kernel of 3 with dilation 1 does not fit height 2");
        refuse(&[1, 3, 8, 4], &[4, 3, 3, 3], plain.dilation(2), "does not fit width 4");
        refuse(&[1, 3, 8, 8], &[4, 3, 0, 3], plain, "the kernel must be at least 1 along height");
        refuse(&[1, 3, 8, 8], &[4, 3, 3, 3], plain.stride(0), "the stride must be at least 1");
        refuse(&[1, 3, 8, 8], &[4, 3, 3, 3], plain.dilation(0), "the dilation must be at least 1");
        refuse(&[1, 3, 8, 8], &[4, 3, 3, 3], plain.padding(usize::MAX), "does not fit");
        refuse(&[1, 3, 8, 8], &[4, 3, 3, 3], plain.padding(1 << 61), "needs less padding");
    }

    #[test]
    fn operands_must_agree() {
        let (x, w) = (zeros(&[1, 3, 8, 8]), zeros(&[4, 3, 3, 3]));
        let (wide, bias) = (w.to_dtype(DType::F64), zeros(&[3]));
        let options = Conv2dOptions::default();
        let call = |weight: &Tensor, bias: Option<&Tensor>| {
            message(std::panic::AssertUnwindSafe(|| x.conv2d(weight, bias, options)))
        };
        assert_eq!(call(&wide, None), "conv2d: all operands must have one dtype, got f32 and f64");
        assert_eq!(
            call(&w, Some(&bias)),
            "conv2d: the bias must be [4], one value an output channel, got [3]"
        );
        let integers = message(|| {
            let ones = Tensor::ones([1, 1, 1, 1], DType::I64);
            ones.conv2d(&ones, None, Conv2dOptions::default())
        });
        assert!(integers.contains("needs f32 or f64, got i64"), "{integers}");
    }

    #[test]
    fn conv_transpose2d_says_what_does_not_fit() {
        let plain = ConvTranspose2dOptions::default();
        let refuse =
            |x: &'static [usize], w: &'static [usize], options: ConvTranspose2dOptions, expected: &str| {
                let found = message(move || zeros(x).conv_transpose2d(&zeros(w), None, options));
                assert!(found.starts_with("conv_transpose2d: ") && found.contains(expected), "{found}");
            };
        refuse(&[1, 3, 4], &[3, 2, 2, 2], plain, "input must have four axes");
        refuse(&[1, 3, 4, 4], &[2, 3, 2, 2], plain, "has 3 channels, the weight [2, 3, 2, 2] takes 2");
        refuse(&[1, 3, 4, 4], &[3, 2, 2, 2], plain.groups(2), "groups must divide");
        refuse(
            &[1, 3, 4, 4],
            &[3, 2, 2, 2],
            plain.stride(2).output_padding(2),
            "output padding must be less",
        );
        refuse(&[1, 3, 1, 1], &[3, 2, 2, 2], plain.padding(1), "leaves no output");
        refuse(&[1, 3, 0, 1], &[3, 2, 2, 2], plain, "leaves no output");
        refuse(&[1, 3, 4, 4], &[3, 2, 2, 2], plain.stride(0), "stride");
        refuse(&[1, 3, 4, 4], &[3, 2, 2, 2], plain.stride(usize::MAX), "leaves no output");
    }

    #[test]
    fn signals_are_asked_for_by_name() {
        let found =
            message(|| zeros(&[1, 3, 8, 8]).conv1d(&zeros(&[4, 3, 3]), None, Conv1dOptions::default()));
        assert_eq!(
            found,
            "conv1d: the input must have three axes, the last being the length, got [1, 3, 8, 8]"
        );
        let wide = message(|| zeros(&[1, 3, 2]).conv1d(&zeros(&[4, 3, 3]), None, Conv1dOptions::default()));
        assert!(wide.starts_with("conv1d: a kernel of 3"), "{wide}");
        let options = ConvTranspose1dOptions::default();
        let thin = message(move || zeros(&[1, 3, 2]).conv_transpose1d(&zeros(&[4, 3, 3]), None, options));
        assert!(thin.starts_with("conv_transpose1d: "), "{thin}");
    }
}
