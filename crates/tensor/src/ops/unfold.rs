//! Patches of images as columns, and back.

use super::slide::{IMAGES, Slide, four_axes, on_device};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Spec, Values};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::conv::patches;
use wengert_cuda::{Device, unfold};

pub(crate) const OPS: &[&str] = &["unfold", "fold"];

/// Attributes of [`Tensor::unfold`] and [`Tensor::fold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfoldOptions {
    /// Height and width of a patch.
    pub kernel: [usize; 2],
    /// Distance between neighbouring patches (1).
    pub stride: [usize; 2],
    /// Zeros before and after each axis of the image (0).
    pub padding: [(usize, usize); 2],
    /// Distance between neighbouring elements of a patch (1).
    pub dilation: [usize; 2],
}

impl UnfoldOptions {
    /// Patches of `kernel` elements at every position of the image.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: [1; 2], padding: [(0, 0); 2], dilation: [1; 2] }
    }

    /// The same stride along both axes.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; 2], ..self }
    }

    /// The same padding on every side.
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [(padding, padding); 2], ..self }
    }

    /// The same dilation along both axes.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation: [dilation; 2], ..self }
    }

    fn slide(&self) -> Slide {
        Slide::new(self.stride, self.padding, self.dilation)
    }

    /// The axes of the unfolded form of `images`.
    fn unfolded(&self, op: &'static str, images: [usize; 4]) -> Result<[usize; 3]> {
        let [batch, channels, height, width] = images;
        let [rows, columns] = self.slide().windows(op, [height, width], self.kernel)?;
        let sizes = self.kernel[0].checked_mul(self.kernel[1]).and_then(|taps| taps.checked_mul(channels));
        match sizes.zip(rows.output.checked_mul(columns.output)) {
            Some((patch, positions)) => Ok([batch, patch, positions]),
            None => Err(Error::shape(op, format!("{images:?} has more patches than memory can address"))),
        }
    }
}

/// Input: images [batch, channels, height, width]. Output: [batch, channels·taps, positions].
#[derive(Clone, Copy, Debug)]
struct Unfold(UnfoldOptions);

impl Op for Unfold {
    fn name(&self) -> &'static str {
        "unfold"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let images = four_axes(self.name(), "input", IMAGES, &inputs[0])?;
        let axes = self.0.unfolded(self.name(), images)?;
        for_number!(inputs[0].dtype, self.name(), _T => Ok(Spec::new(axes, inputs[0].dtype)))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let images = inputs[0].contiguous();
        let size = [images.shape()[2], images.shape()[3]];
        let [rows, columns] = self.0.slide().windows(self.name(), size, self.0.kernel)?;
        let images = images.read();
        for_number!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            patches::unfold(images.slice(), &rows, &columns, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let images = inputs[0].contiguous();
        let size = [images.shape()[2], images.shape()[3]];
        let windows = self.0.slide().windows(self.name(), size, self.0.kernel)?;
        let ([rows, columns], out) = (windows.map(on_device), Value::on_cuda(device, output)?);
        unfold::unfold(images.on_device()?, rows, columns, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let axes = &saved.spec(0).shape;
        Ok(smallvec![Some(apply(Fold { options: self.0, size: [axes[2], axes[3]] }, &[cotangent])?)])
    }
}

/// Input: [batch, channels·taps, positions]. Output: images [batch, channels, height, width] of `size`.
#[derive(Clone, Copy, Debug)]
struct Fold {
    options: UnfoldOptions,
    size: [usize; 2],
}

impl Op for Fold {
    fn name(&self) -> &'static str {
        "fold"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [batch, patch, _] = <[usize; 3]>::try_from(&*inputs[0].shape).map_err(|_| {
            let found = &inputs[0].shape;
            Error::shape(
                self.name(),
                format!("the input must be [batch, channels·taps, positions], got {found}"),
            )
        })?;
        let [height, width] = self.size;
        // For one channel, to learn the number of taps once the kernel has been checked.
        let [_, taps, _] = self.options.unfolded(self.name(), [batch, 1, height, width])?;
        let axes = [batch, patch / taps, height, width];
        let expected = self.options.unfolded(self.name(), axes)?;
        if *inputs[0].shape != expected {
            let detail = format!(
                "images of {height} × {width} have {} patches of a multiple of {taps} elements, got {}",
                expected[2], inputs[0].shape
            );
            return Err(Error::shape(self.name(), detail));
        }
        for_number!(inputs[0].dtype, self.name(), _T => Ok(Spec::new(axes, inputs[0].dtype)))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let columns_of_patches = inputs[0].contiguous();
        let [rows, columns] = self.options.slide().windows(self.name(), self.size, self.options.kernel)?;
        let columns_of_patches = columns_of_patches.read();
        for_number!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            patches::fold(columns_of_patches.slice(), &rows, &columns, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let columns_of_patches = inputs[0].contiguous();
        let windows = self.options.slide().windows(self.name(), self.size, self.options.kernel)?;
        let ([rows, columns], out) = (windows.map(on_device), Value::on_cuda(device, output)?);
        unfold::fold(columns_of_patches.on_device()?, rows, columns, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(apply(Unfold(self.options), &[cotangent])?)])
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        inputs[0].shape.numel() as u64
    }
}

impl Tensor {
    /// The patches of images `[batch, channels, height, width]`, one a column: `[batch, channels·taps,
    /// positions]`, channels outermost, then the rows and columns of the patch; positions are row-major.
    /// Padding is zeros.
    ///
    /// # Panics
    /// When the tensor does not have four axes, a patch does not fit the padded image, or the dtype is bool.
    #[track_caller]
    pub fn unfold(&self, options: UnfoldOptions) -> Tensor {
        must(apply(Unfold(options), &[self]))
    }

    /// Adds patches `[batch, channels·taps, positions]` back into images of height and width `size`, `[batch,
    /// channels, height, width]`: the adjoint of [`unfold`](Tensor::unfold), not its inverse where patches
    /// overlap.
    ///
    /// # Panics
    /// When the shape is not one that [`unfold`](Tensor::unfold) makes of such images, or the dtype is bool.
    #[track_caller]
    pub fn fold(&self, size: [usize; 2], options: UnfoldOptions) -> Tensor {
        must(apply(Fold { options, size }, &[self]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

    #[test]
    fn fold_says_which_shape_it_takes() {
        let fold = |shape: [usize; 3], size| {
            let op = Fold { options: UnfoldOptions::new([2, 2]), size };
            op.infer(&[Spec::new(shape, DType::F32)]).map_err(|error| error.to_string())
        };
        assert_eq!(fold([3, 8, 6], [3, 4]).unwrap().shape, [3, 2, 3, 4].into());
        assert!(fold([3, 8, 5], [3, 4]).unwrap_err().contains("have 6 patches of a multiple of 4 elements"));
        assert!(fold([3, 7, 6], [3, 4]).unwrap_err().contains("a multiple of 4 elements, got [3, 7, 6]"));
        assert!(fold([3, 8, 6], [1, 4]).unwrap_err().contains("does not fit height 1"));
    }
}
