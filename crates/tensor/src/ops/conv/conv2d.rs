//! Convolution.

use super::transpose::input_grad;
use super::weight_grad::weight_grad;
use super::{
    Conv1dOptions, Conv2dOptions, Kernel, WEIGHT, as_channels, check_bias, common_float, flops, run_on_device,
    output_axes,
};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::slide::{IMAGES, Slide, as_images, four_axes};
use crate::{Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::conv::{self, Convolution};
use wengert_cuda::Device;

/// Inputs: images, weight and perhaps a bias.
#[derive(Clone, Copy, Debug)]
struct Conv2d {
    kernel: Kernel,
}

impl Conv2d {
    fn convolution(&self, image: &Spec, weight: &Spec) -> Result<Convolution> {
        let image = four_axes(self.name(), "input", IMAGES, image)?;
        self.kernel.convolution(self.name(), image, four_axes(self.name(), "weight", WEIGHT, weight)?)
    }
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let convolution = self.convolution(&inputs[0], &inputs[1])?;
        let axes = output_axes(&convolution);
        check_bias(self.name(), inputs.get(2), axes[1])?;
        Ok(Spec::new(axes, common_float(self.name(), inputs)?))
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
            conv::forward(&convolution, image.slice(), weight.slice(), bias, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let convolution = self.convolution(&inputs[0].spec(), &inputs[1].spec())?;
        run_on_device(wengert_cuda::conv2d::forward, &convolution, inputs, output, device)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (image, weight) = (saved.input(0), saved.input(1));
        let mut gradients: Gradients = smallvec![None, None];
        if saved.needs(0) {
            let size = [image.dims()[2], image.dims()[3]];
            gradients[0] = Some(input_grad(self.kernel, cotangent, &weight, size)?);
        }
        if saved.needs(1) {
            let size = [weight.dims()[2], weight.dims()[3]];
            gradients[1] = Some(weight_grad(self.kernel, &image, cotangent, size)?);
        }
        if saved.input_count() == 3 {
            gradients.push(saved.needs(2).then(|| cotangent.sum(&[0, 2, 3], false)));
        }
        Ok(gradients)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let window = self.kernel.onnx(&call.spec(1).shape)?;
        Some(call.over_inputs("Conv", window))
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let bias = inputs.get(2)?;
        Some(must(conv2d(self.kernel, &inputs[0], &inputs[1])).add(&as_channels(bias)))
    }

    fn flops(&self, inputs: &[Spec], output: &Spec) -> u64 {
        let bias = if inputs.len() == 3 { output.shape.numel() as u64 } else { 0 };
        self.convolution(&inputs[0], &inputs[1]).map_or(0, |convolution| flops(&convolution)) + bias
    }
}

/// The convolution as the gradient ops see it: without a bias.
pub(super) fn conv2d(kernel: Kernel, image: &Tensor, weight: &Tensor) -> Result<Tensor> {
    apply(Conv2d { kernel }, &[image, weight])
}

#[track_caller]
fn convolved(
    image: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    options: Conv2dOptions,
) -> Result<Tensor> {
    let slide = Slide::new(options.stride, options.padding, options.dilation);
    let op = Conv2d { kernel: Kernel { slide, groups: options.groups } };
    match bias {
        Some(bias) => apply(op, &[image, weight, bias]),
        None => apply(op, &[image, weight]),
    }
}

impl Tensor {
    /// Convolution (cross-correlation, as everywhere in deep learning) of images `[batch, channels, height,
    /// width]` with `weight` `[out_channels, channels/groups, kernel height, kernel width]`:
    ///
    /// `y[n, o, i, j] = bias[o] + Σ weight[o, c, a, b] · x[n, c, i·stride + a·dilation − padding, …]`
    ///
    /// over c, a and b, with zeros around x; c runs over the channels of o's group. Along each axis the
    /// output has ⌊(size + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1 elements.
    ///
    /// # Panics
    /// When shapes or dtypes do not fit, the kernel is larger than the padded image, `groups` does not divide
    /// the channels, or the dtype is not a float.
    #[track_caller]
    pub fn conv2d(&self, weight: &Tensor, bias: Option<&Tensor>, options: Conv2dOptions) -> Tensor {
        must(convolved(self, weight, bias, options))
    }

    /// Convolution of signals `[batch, channels, length]` with `weight` `[out_channels, channels/groups,
    /// kernel]`: [`conv2d`](Tensor::conv2d) of images of height 1. See [`Conv1dOptions::causal`] for one that
    /// does not look ahead.
    ///
    /// # Panics
    /// As [`conv2d`](Tensor::conv2d).
    #[track_caller]
    pub fn conv1d(&self, weight: &Tensor, bias: Option<&Tensor>, options: Conv1dOptions) -> Tensor {
        let image = must(as_images("conv1d", "input", self));
        let weight = must(as_images("conv1d", "weight", weight));
        must(convolved(&image, &weight, bias, options.into()).map_err(|error| error.of("conv1d"))).squeeze(2)
    }
}
