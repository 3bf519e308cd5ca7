//! The gradient of a convolution in its weight.

use super::conv2d::conv2d;
use super::transpose::input_grad;
use super::{Kernel, common_float, flops, on_device};
use crate::apply::apply;
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::slide::{IMAGES, four_axes};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::conv::{self, Convolution};
use wengert_cuda::Device;
use wengert_cuda::gemm::Precision;

/// Inputs: the images that the convolution reads, and the cotangent of its output.
#[derive(Clone, Copy, Debug)]
struct Conv2dWeightGrad {
    kernel: Kernel,
    weight_size: [usize; 2],
}

impl Conv2dWeightGrad {
    fn convolution(&self, image: &Spec, cotangent: &Spec) -> Result<Convolution> {
        let image = four_axes(self.name(), "input", IMAGES, image)?;
        let cotangent = four_axes(self.name(), "cotangent", IMAGES, cotangent)?;
        let Some(in_channels) = image[1].checked_div(self.kernel.groups) else {
            return Err(Error::argument(self.name(), "groups must be at least 1"));
        };
        let [height, width] = self.weight_size;
        let convolution =
            self.kernel.convolution(self.name(), image, [cotangent[1], in_channels, height, width])?;
        self.kernel.check_output(self.name(), cotangent, &convolution)?;
        Ok(convolution)
    }
}

impl Op for Conv2dWeightGrad {
    fn name(&self) -> &'static str {
        "conv2d_weight_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let convolution = self.convolution(&inputs[0], &inputs[1])?;
        let [height, width] = self.weight_size;
        let shape = [convolution.groups * convolution.out_channels, convolution.in_channels, height, width];
        Ok(Spec::new(shape, common_float(self.name(), inputs)?))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let convolution = self.convolution(&inputs[0].spec(), &inputs[1].spec())?;
        let (image, cotangent) = (inputs[0].contiguous(), inputs[1].contiguous());
        let (image, cotangent) = (image.read(), cotangent.read());
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            conv::weight_grad(&convolution, image.slice(), cotangent.slice(), out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let convolution = on_device(&self.convolution(&inputs[0].spec(), &inputs[1].spec())?);
        let (image, cotangent) = (inputs[0].contiguous(), inputs[1].contiguous());
        let out = Value::on_cuda(device, output)?;
        let (image, cotangent) = (image.on_device()?, cotangent.on_device()?);
        wengert_cuda::conv2d::weight_grad(
            &convolution,
            image,
            cotangent,
            Precision::default(),
            out.device_memory()?,
        )?;
        Ok(out)
    }

    /// With u the cotangent of the weight's gradient: ⟨u, w̄(x, ȳ)⟩ = ⟨conv(x, u), ȳ⟩, so x̄ is the input
    /// gradient of a convolution by u, and the cotangent of ȳ is conv(x, u).
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (image, output_cotangent) = (saved.input(0), saved.input(1));
        let mut gradients: Gradients = smallvec![None, None];
        if saved.needs(0) {
            let size = [image.dims()[2], image.dims()[3]];
            gradients[0] = Some(input_grad(self.kernel, &output_cotangent, cotangent, size)?);
        }
        if saved.needs(1) {
            gradients[1] = Some(conv2d(self.kernel, &image, cotangent)?);
        }
        Ok(gradients)
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        self.convolution(&inputs[0], &inputs[1]).map_or(0, |convolution| flops(&convolution))
    }
}

/// The gradient of a convolution in its weight, whose kernel has height and width `size`.
pub(super) fn weight_grad(
    kernel: Kernel,
    image: &Tensor,
    cotangent: &Tensor,
    size: [usize; 2],
) -> Result<Tensor> {
    apply(Conv2dWeightGrad { kernel, weight_size: size }, &[image, cotangent])
}
