//! Axes read backwards.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Spec, Values};
use crate::shape::axis;
use crate::{Error, Result, Tensor, Value};
use smallvec::{SmallVec, smallvec};
use wengert_cuda::Device;

/// The given axes in reverse order.
#[derive(Clone, Debug)]
struct Flip {
    axes: SmallVec<[usize; 6]>,
}

impl Op for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let mut sorted = self.axes.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::argument(self.name(), format!("axes {:?} name one twice", self.axes)));
        }
        Ok(inputs[0].clone())
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let all = |call: &mut Call, bound: i64| call.sizes(self.axes.iter().map(|_| bound));
        let (starts, ends, steps) = (all(call, -1), all(call, i64::MIN), all(call, -1));
        let (x, axes) = (call.input(0), call.sizes(self.axes.iter().map(|&axis| axis as i64)));
        Some(call.node("Slice", &[&x, &starts, &ends, &axes, &steps], Vec::new()))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let layout = self.axes.iter().fold(inputs[0].layout().clone(), |layout, &axis| {
            let size = output.shape[axis];
            layout.slice(axis, size.saturating_sub(1), size, -1)
        });
        Ok(inputs[0].with_layout(layout))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(apply(self.clone(), &[cotangent])?)])
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Tensor {
    /// The given axes in reverse order. A view.
    ///
    /// # Panics
    /// When an axis is out of range or named twice.
    #[track_caller]
    pub fn flip(&self, dims: &[isize]) -> Tensor {
        let axes = dims.iter().map(|&dim| axis("flip", dim, self.rank())).collect::<Result<_>>();
        must(axes.and_then(|axes| apply(Flip { axes }, &[self])))
    }
}
