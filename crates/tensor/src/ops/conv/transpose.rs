//! The gradient of a convolution in its input, and the same map as a layer: the transposed convolution.

use super::conv2d::conv2d;
use super::weight_grad::weight_grad;
use super::{
    ConvTranspose1dOptions, ConvTranspose2dOptions, Kernel, as_channels, check_bias, common_float, flops,
    run_on_device,
};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::slide::{AXES, IMAGES, Slide, as_images, four_axes};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::conv::{self, Convolution};
use wengert_cuda::Device;

/// The adjoint of the convolution by `kernel` that reads images of `output_size`.
///
/// Inputs: images of the shape that the convolution gives, the weight, and perhaps a bias.
#[derive(Clone, Copy, Debug)]
struct ConvTranspose2d {
    kernel: Kernel,
    output_size: [usize; 2],
    /// Whether it stands in a model, and not in the backward pass of a convolution.
    is_layer: bool,
}

impl ConvTranspose2d {
    /// The convolution that this is the adjoint of: from this op's output to its input.
    fn convolution(&self, image: &Spec, weight: &Spec) -> Result<Convolution> {
        let op = self.name();
        let image = four_axes(op, "input", IMAGES, image)?;
        let weight = four_axes(op, "weight", TRANSPOSED_WEIGHT, weight)?;
        if weight[0] != image[1] {
            let detail = format!(
                "the input {image:?} has {} channels, the weight {weight:?} takes {}",
                image[1], weight[0]
            );
            return Err(Error::shape(op, detail));
        }
        let Some(channels) = weight[1].checked_mul(self.kernel.groups) else {
            return Err(Error::argument(op, format!("groups = {} is too large", self.kernel.groups)));
        };
        let [height, width] = self.output_size;
        let convolution = self.kernel.convolution(op, [image[0], channels, height, width], weight)?;
        self.kernel.check_output(op, image, &convolution)?;
        Ok(convolution)
    }
}

/// What weights of a transposed convolution are in messages.
const TRANSPOSED_WEIGHT: &str = "[in_channels, out_channels/groups, height, width]";

impl Op for ConvTranspose2d {
    fn name(&self) -> &'static str {
        if self.is_layer { "conv_transpose2d" } else { "conv2d_input_grad" }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let convolution = self.convolution(&inputs[0], &inputs[1])?;
        let channels = convolution.groups * convolution.in_channels;
        check_bias(self.name(), inputs.get(2), channels)?;
        let [height, width] = self.output_size;
        Ok(Spec::new([convolution.images, channels, height, width], common_float(self.name(), inputs)?))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[0, 1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let convolution = self.convolution(&inputs[0].spec(), &inputs[1].spec())?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (image, weight, bias) = (inputs[0].read(), inputs[1].read(), inputs.get(2).map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let bias = bias.as_ref().map(|bias| bias.slice());
            conv::input_grad(&convolution, weight.slice(), image.slice(), bias, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let convolution = self.convolution(&inputs[0].spec(), &inputs[1].spec())?;
        run_on_device(wengert_cuda::conv2d::input_grad, &convolution, inputs, output, device)
    }

    /// The adjoint of an adjoint is the convolution; and ⟨ȳ, Wᵀx⟩ = ⟨Wȳ, x⟩, so the weight's gradient is that
    /// of a convolution which reads ȳ and whose output has the cotangent x.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (image, weight) = (saved.input(0), saved.input(1));
        let mut gradients: Gradients = smallvec![None, None];
        if saved.needs(0) {
            gradients[0] = Some(conv2d(self.kernel, cotangent, &weight)?);
        }
        if saved.needs(1) {
            let size = [weight.dims()[2], weight.dims()[3]];
            gradients[1] = Some(weight_grad(self.kernel, cotangent, &image, size)?);
        }
        if saved.input_count() == 3 {
            gradients.push(saved.needs(2).then(|| cotangent.sum(&[0, 2, 3], false)));
        }
        Ok(gradients)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (image, weight) = (call.spec(0).shape.clone(), call.spec(1).shape.clone());
        let Slide { stride, padding, dilation } = self.kernel.slide;
        // What the strides leave open of the size.
        let output_padding = [0, 1].map(|axis| {
            let reach = (weight[axis + 2] - 1) * dilation[axis] + 1;
            let (before, after) = padding[axis];
            let least = (image[axis + 2] - 1) * stride[axis] + reach;
            self.output_size[axis] as i64 - (least as i64 - before as i64 - after as i64)
        });
        let mut window = self.kernel.onnx(&weight)?;
        window.push(("output_padding", Attribute::Ints(output_padding.to_vec())));
        Some(call.over_inputs("ConvTranspose", window))
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let bias = inputs.get(2)?;
        Some(must(apply(*self, &[&inputs[0], &inputs[1]])).add(&as_channels(bias)))
    }

    fn flops(&self, inputs: &[Spec], output: &Spec) -> u64 {
        let bias = if inputs.len() == 3 { output.shape.numel() as u64 } else { 0 };
        self.convolution(&inputs[0], &inputs[1]).map_or(0, |convolution| flops(&convolution)) + bias
    }
}

/// The gradient of a convolution in its input, of height and width `size`.
pub(super) fn input_grad(
    kernel: Kernel,
    cotangent: &Tensor,
    weight: &Tensor,
    size: [usize; 2],
) -> Result<Tensor> {
    apply(ConvTranspose2d { kernel, output_size: size, is_layer: false }, &[cotangent, weight])
}

impl ConvTranspose2dOptions {
    /// The op for these images and weight.
    fn op(&self, image: &Spec, weight: &Spec) -> Result<ConvTranspose2d> {
        let op = "conv_transpose2d";
        let image = four_axes(op, "input", IMAGES, image)?;
        let weight = four_axes(op, "weight", TRANSPOSED_WEIGHT, weight)?;
        let mut slide = Slide::new(self.stride, self.padding, self.dilation);
        for axis in 0..2 {
            let extra = self.output_padding[axis];
            if extra >= self.stride[axis].max(self.dilation[axis]) {
                let detail = format!(
                    "the output padding must be less than the stride or the dilation, got {extra} with \
                     stride {} and dilation {}",
                    self.stride[axis], self.dilation[axis]
                );
                return Err(Error::argument(op, detail));
            }
            // What the output gains at its end, the convolution that reads it pads less.
            slide.padding[axis].1 = slide.padding[axis].1.saturating_sub_unsigned(extra);
        }
        let output_size = [self.size(0, image[2], weight[2])?, self.size(1, image[3], weight[3])?];
        Ok(ConvTranspose2d { kernel: Kernel { slide, groups: self.groups }, output_size, is_layer: true })
    }

    /// (input − 1)·stride + dilation·(kernel − 1) + 1 + output padding − padding before − padding after
    fn size(&self, axis: usize, input: usize, kernel: usize) -> Result<usize> {
        let (before, after) = self.padding[axis];
        let full = || {
            let steps = input.checked_sub(1)?.checked_mul(self.stride[axis])?;
            let span = kernel.checked_sub(1)?.checked_mul(self.dilation[axis])?;
            steps.checked_add(span)?.checked_add(1)?.checked_add(self.output_padding[axis])
        };
        let size =
            full().and_then(|full| full.checked_sub(before)?.checked_sub(after)).filter(|&size| size > 0);
        size.ok_or_else(|| {
            let detail = format!(
                "{} {input} with kernel {kernel}, stride {}, dilation {}, padding ({before}, {after}) and \
                 output padding {} leaves no output; needs (input − 1)·stride + dilation·(kernel − 1) + 1 + \
                 output padding > padding",
                AXES[axis], self.stride[axis], self.dilation[axis], self.output_padding[axis]
            );
            Error::shape("conv_transpose2d", detail)
        })
    }
}

#[track_caller]
fn convolved(
    image: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: ConvTranspose2dOptions,
) -> Result<Tensor> {
    let op = options.op(&image.spec(), &weight.spec())?;
    match bias {
        Some(bias) => apply(op, &[image, weight, bias]),
        None => apply(op, &[image, weight]),
    }
}

impl Tensor {
    /// Transposed convolution of images `[batch, channels, height, width]` with `weight` `[channels,
    /// out_channels/groups, kernel height, kernel width]`: the adjoint of [`conv2d`](Tensor::conv2d) with the
    /// same weight, plus `bias`. Each input element adds its multiple of the kernel to the output:
    ///
    /// `y[n, o, i·stride + a·dilation − padding, …] += weight[c, o, a, b] · x[n, c, i, j]`
    ///
    /// Along each axis the output has (size − 1)·stride + dilation·(kernel − 1) + 1 + output_padding −
    /// padding elements.
    ///
    /// # Panics
    /// When shapes or dtypes do not fit, nothing is left of the output, `output_padding` is not less than the
    /// stride or the dilation, or the dtype is not a float.
    #[track_caller]
    pub fn conv_transpose2d(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: ConvTranspose2dOptions,
    ) -> Tensor {
        must(convolved(self, weight, bias, options))
    }

    /// Transposed convolution of signals `[batch, channels, length]` with `weight` `[channels,
    /// out_channels/groups, kernel]`: [`conv_transpose2d`](Tensor::conv_transpose2d) of images of height 1.
    ///
    /// # Panics
    /// As [`conv_transpose2d`](Tensor::conv_transpose2d).
    #[track_caller]
    pub fn conv_transpose1d(
        &self,
        weight: &Tensor,
        bias: Option<&Tensor>,
        options: ConvTranspose1dOptions,
    ) -> Tensor {
        let image = must(as_images("conv_transpose1d", "input", self));
        let weight = must(as_images("conv_transpose1d", "weight", weight));
        let convolved = convolved(&image, &weight, bias, options.into());
        must(convolved.map_err(|error| error.of("conv_transpose1d"))).squeeze(2)
    }
}
