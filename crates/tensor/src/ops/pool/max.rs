//! Max pooling: first where the largest element of each window lies, then what it is.
//!
//! Once the positions are known, pooling picks elements and its gradient puts them back: two linear maps,
//! adjoint to each other, so that gradients of any order are made of them.

use super::{Pool1dOptions, Pool2dOptions};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::slide::{IMAGES, as_images, four_axes, on_device};
use crate::{DType, Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::pool::{gather_planes, max_indices, scatter_planes};
use wengert_cuda::{Device, pool};

/// Input: images. Output: for each window, the row-major position in its plane of its largest element.
#[derive(Clone, Copy, Debug)]
struct MaxPool2dIndices(Pool2dOptions);

impl Op for MaxPool2dIndices {
    fn name(&self) -> &'static str {
        "max_pool2d_indices"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let axes = output_axes(self.name(), &self.0, four_axes(self.name(), "input", IMAGES, &inputs[0])?)?;
        for_number!(inputs[0].dtype, self.name(), _T => Ok(Spec::new(axes, DType::I64)))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let images = inputs[0].contiguous();
        let [rows, columns] = self.0.windows(self.name(), [images.shape()[2], images.shape()[3]])?;
        let dtype = images.dtype();
        let images = images.read();
        for_number!(dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [i64]| {
            max_indices::<T>(images.slice(), &rows, &columns, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let images = inputs[0].contiguous();
        let windows = self.0.windows(self.name(), [images.shape()[2], images.shape()[3]])?;
        let [rows, columns] = windows.map(on_device);
        let out = Value::on_cuda(device, output)?;
        pool::max_indices(images.on_device()?, rows, columns, out.device_memory()?)?;
        Ok(out)
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        let window = self.0.kernel[0].saturating_mul(self.0.kernel[1]);
        (output.shape.numel() as u64).saturating_mul(window as u64)
    }
}

/// Inputs: images, and the position in its plane of each window's largest element. Output: these elements.
#[derive(Clone, Copy, Debug)]
struct MaxPool2d(Pool2dOptions);

impl Op for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let axes = output_axes(self.name(), &self.0, four_axes(self.name(), "input", IMAGES, &inputs[0])?)?;
        check_indices(self.name(), axes, &inputs[1])?;
        for_number!(inputs[0].dtype, self.name(), _T => Ok(Spec::new(axes, inputs[0].dtype)))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (images, indices) = (inputs[0].contiguous(), inputs[1].contiguous());
        let [in_plane, out_plane] = [images.shape(), &output.shape].map(|axes| axes[2] * axes[3]);
        let (images, indices) = (images.read(), indices.read());
        for_number!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            gather_planes(images.slice(), in_plane, indices.slice(), out_plane, out);
        })))
    }

    /// The positions are left out: ONNX's operator finds them itself.
    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (x, attributes) = (call.input(0), self.0.onnx()?);
        Some(call.node("MaxPool", &[&x], attributes))
    }

    // The indices need no check: only `max_pool2d_indices` makes them.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let (images, indices) = (inputs[0].contiguous(), inputs[1].contiguous());
        let [in_plane, out_plane] = [images.shape(), &output.shape].map(|axes| axes[2] * axes[3]);
        let out = Value::on_cuda(device, output)?;
        pool::gather(images.on_device()?, in_plane, indices.on_device()?, out_plane, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let axes = &saved.spec(0).shape;
        let op = MaxPool2dGrad { options: self.0, size: [axes[2], axes[3]] };
        Ok(smallvec![Some(apply(op, &[cotangent, &saved.input(1)])?), None])
    }
}

/// Inputs: the cotangent of pooled images, and the positions that they were picked from. Output: the
/// cotangent of the images, of height and width `size`.
#[derive(Clone, Copy, Debug)]
struct MaxPool2dGrad {
    options: Pool2dOptions,
    size: [usize; 2],
}

impl Op for MaxPool2dGrad {
    fn name(&self) -> &'static str {
        "max_pool2d_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [batch, channels, height, width] = four_axes(self.name(), "cotangent", IMAGES, &inputs[0])?;
        let axes = [batch, channels, self.size[0], self.size[1]];
        let expected = output_axes(self.name(), &self.options, axes)?;
        if [batch, channels, height, width] != expected {
            let detail = format!("the cotangent must have shape {expected:?}, got {}", inputs[0].shape);
            return Err(Error::shape(self.name(), detail));
        }
        check_indices(self.name(), expected, &inputs[1])?;
        for_float!(inputs[0].dtype, self.name(), _T => Ok(Spec::new(axes, inputs[0].dtype)))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (cotangent, indices) = (inputs[0].contiguous(), inputs[1].contiguous());
        let [in_plane, out_plane] = [cotangent.shape(), &output.shape].map(|axes| axes[2] * axes[3]);
        let (cotangent, indices) = (cotangent.read(), indices.read());
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            scatter_planes(cotangent.slice(), in_plane, indices.slice(), out_plane, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let (cotangent, indices) = (inputs[0].contiguous(), inputs[1].contiguous());
        let [rows, columns] = self.options.windows(self.name(), self.size)?.map(on_device);
        let out = Value::on_cuda(device, output)?;
        pool::scatter(cotangent.on_device()?, indices.on_device()?, rows, columns, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(apply(MaxPool2d(self.options), &[cotangent, &saved.input(1)])?), None])
    }
}

fn output_axes(op: &'static str, options: &Pool2dOptions, images: [usize; 4]) -> Result<[usize; 4]> {
    let [batch, channels, height, width] = images;
    let [rows, columns] = options.windows(op, [height, width])?;
    Ok([batch, channels, rows.output, columns.output])
}

fn check_indices(op: &'static str, axes: [usize; 4], indices: &Spec) -> Result<()> {
    if *indices.shape == axes && indices.dtype == DType::I64 {
        return Ok(());
    }
    Err(Error::shape(op, format!("the indices must be i64{axes:?}, got {indices}")))
}

/// The largest elements, and where they lie. `op` is what the caller was asked for.
#[track_caller]
fn max_pool(op: &'static str, images: &Tensor, options: Pool2dOptions) -> Result<(Tensor, Tensor)> {
    let indices = apply(MaxPool2dIndices(options), &[images]).map_err(|error| error.of(op))?;
    Ok((apply(MaxPool2d(options), &[images, &indices])?, indices))
}

impl Tensor {
    /// The largest element of each window of images `[batch, channels, height, width]`; NaN where the window
    /// holds one. Padding is never the largest. The gradient goes to the first of equal elements.
    ///
    /// # Panics
    /// When the tensor does not have four axes, the window does not fit the padded image, some window holds
    /// padding only, or the dtype is bool.
    #[track_caller]
    pub fn max_pool2d(&self, options: Pool2dOptions) -> Tensor {
        must(max_pool("max_pool2d", self, options)).0
    }

    /// [`max_pool2d`](Tensor::max_pool2d), and where each of its elements comes from: `row·width + column`
    /// within the plane, i64.
    ///
    /// # Panics
    /// As [`max_pool2d`](Tensor::max_pool2d).
    #[track_caller]
    pub fn max_pool2d_with_indices(&self, options: Pool2dOptions) -> (Tensor, Tensor) {
        must(max_pool("max_pool2d_with_indices", self, options))
    }

    /// The largest element of each window of signals `[batch, channels, length]`, see
    /// [`max_pool2d`](Tensor::max_pool2d).
    ///
    /// # Panics
    /// As [`max_pool2d`](Tensor::max_pool2d).
    #[track_caller]
    pub fn max_pool1d(&self, options: Pool1dOptions) -> Tensor {
        let images = must(as_images("max_pool1d", "input", self));
        must(max_pool("max_pool1d", &images, options.into())).0.squeeze(2)
    }

    /// The largest element of each plane of images `[batch, channels, height, width]`, as `[batch, channels,
    /// 1, 1]`.
    ///
    /// # Panics
    /// As [`max_pool2d`](Tensor::max_pool2d).
    #[track_caller]
    pub fn global_max_pool2d(&self) -> Tensor {
        let [_, _, height, width] = must(four_axes("global_max_pool2d", "input", IMAGES, &self.spec()));
        must(max_pool("global_max_pool2d", self, Pool2dOptions::new([height, width]))).0
    }
}
