//! Axes in another order.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Call, ints};
use crate::op::{Gradients, Op, Spec, Values};
use crate::shape::axis;
use crate::{Error, Result, Tensor, Value};
use smallvec::{SmallVec, smallvec};
use wengert_cuda::Device;

/// Axis `i` of the output is axis `order[i]` of the input.
#[derive(Clone, Debug)]
struct Permute {
    order: SmallVec<[usize; 6]>,
}

impl Op for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let shape = &inputs[0].shape;
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..shape.rank()) {
            let detail =
                format!("{:?} must name each of the {} axes of {shape} once", self.order, shape.rank());
            return Err(Error::argument(self.name(), detail));
        }
        Ok(Spec::new(self.order.iter().map(|&axis| shape[axis]).collect::<crate::Shape>(), inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, _output: &Spec) -> Result<Value> {
        Ok(inputs[0].with_layout(inputs[0].layout().permute(&self.order)))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("Transpose", vec![("perm", ints(self.order.iter().copied()))]))
    }

    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let mut order = self.order.clone();
        for (position, &axis) in self.order.iter().enumerate() {
            order[axis] = position;
        }
        Ok(smallvec![Some(apply(Permute { order }, &[cotangent])?)])
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Tensor {
    /// Axes in another order: axis `i` of the result is axis `order[i]` of self. A view.
    ///
    /// # Panics
    /// When `order` does not name each axis once.
    #[track_caller]
    pub fn permute(&self, order: &[isize]) -> Tensor {
        let order = order.iter().map(|&dim| axis("permute", dim, self.rank())).collect::<Result<_>>();
        must(order.and_then(|order| apply(Permute { order }, &[self])))
    }

    /// Two axes exchanged. A view.
    ///
    /// # Panics
    /// When an axis is out of range.
    #[track_caller]
    pub fn transpose(&self, first: isize, second: isize) -> Tensor {
        let mut order: SmallVec<[usize; 6]> = (0..self.rank()).collect();
        order.swap(must(axis("transpose", first, self.rank())), must(axis("transpose", second, self.rank())));
        must(apply(Permute { order }, &[self]))
    }

    /// The transposed matrix; vectors and scalars stay as they are. A view.
    ///
    /// # Panics
    /// When there are more than two axes: name them with [`transpose`](Tensor::transpose).
    #[track_caller]
    pub fn t(&self) -> Tensor {
        match self.rank() {
            0 | 1 => self.clone(),
            2 => self.transpose(0, 1),
            _ => must(Err(Error::shape("t", format!("takes at most two axes, got {}", self.shape())))),
        }
    }

    /// Axis `from` moved to position `to`, the others keeping their order. A view.
    ///
    /// # Panics
    /// When an axis is out of range.
    #[track_caller]
    pub fn movedim(&self, from: isize, to: isize) -> Tensor {
        let (from, to) = (must(axis("movedim", from, self.rank())), must(axis("movedim", to, self.rank())));
        let mut order: SmallVec<[usize; 6]> = (0..self.rank()).filter(|&axis| axis != from).collect();
        order.insert(to, from);
        must(apply(Permute { order }, &[self]))
    }
}
