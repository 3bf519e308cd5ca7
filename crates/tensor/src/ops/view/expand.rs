//! Axes of size 1 stretched without copying.

use super::Sizes;
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Spec, Values};
use crate::{Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cuda::Device;

/// Broadcasting to a shape, by strides of zero.
#[derive(Clone, Debug)]
struct Expand {
    shape: Shape,
}

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let (from, to) = (&inputs[0].shape, &self.shape);
        to.checked_numel(self.name())?;
        let fits = from.rank() <= to.rank()
            && from.iter().rev().zip(to.iter().rev()).all(|(&size, &target)| size == target || size == 1);
        if !fits {
            let detail =
                format!("{from} does not stretch to {to}: matched from the back, sizes must be equal or 1");
            return Err(Error::shape(self.name(), detail));
        }
        Ok(Spec::new(to, inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let layout = inputs[0].layout().broadcast_to(&output.shape);
        Ok(inputs[0].with_layout(layout.expect("infer has checked that the shapes broadcast")))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let from = call.spec(0).shape.clone();
        let missing = self.shape.rank() - from.rank();
        // Where the size stays, a 1 says so for any size.
        let stays = |axis: usize| axis >= missing && from[axis - missing] == self.shape[axis];
        let sizes = (0..self.shape.rank()).map(|axis| if stays(axis) { 1 } else { self.shape[axis] as i64 });
        let (x, sizes) = (call.input(0), call.sizes(sizes));
        Some(call.node("Expand", &[&x, &sizes], Vec::new()))
    }

    /// An element that is seen many times receives the sum.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(cotangent.sum_to(&saved.spec(0).shape))])
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Tensor {
    /// Stretched to `sizes`: axes of size 1 repeat, new axes may be added in front, and −1 keeps a size. A view.
    ///
    /// # Panics
    /// When an axis of another size than 1 would change.
    #[track_caller]
    pub fn expand(&self, sizes: impl Into<Sizes>) -> Tensor {
        let sizes = sizes.into();
        let added = sizes.0.len().saturating_sub(self.rank());
        let resolve = |(position, &size): (usize, &isize)| match size {
            -1 if position >= added => Ok(self.dims()[position - added]),
            size => usize::try_from(size).map_err(|_| {
                let detail =
                    format!("{sizes} must be at least 0, or −1 for an axis that {} has", self.shape());
                Error::argument("expand", detail)
            }),
        };
        let shape = must(sizes.0.iter().enumerate().map(resolve).collect::<Result<Shape>>());
        self.broadcast_to(shape)
    }

    /// Stretched to `shape` by the rules of broadcasting. A view, and self where the shape is that already.
    ///
    /// # Panics
    /// When self does not broadcast to `shape`.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        if *self.shape() == shape {
            return self.clone();
        }
        must(apply(Expand { shape }, &[self]))
    }
}
