//! Sorting, and the largest elements.

use crate::apply::{apply, must};
use crate::op::{Op, Spec, Values};
use crate::shape;
use crate::{DType, Error, Result, Tensor, Value};
use wengert_cpu::sort;
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["argsort"];

/// The positions that sort one axis.
#[derive(Clone, Copy, Debug)]
struct Argsort {
    dim: isize,
    descending: bool,
}

impl Op for Argsort {
    fn name(&self) -> &'static str {
        "argsort"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [Spec { shape, .. }] = inputs else {
            return Err(Error::argument(self.name(), format!("takes 1 input, got {}", inputs.len())));
        };
        shape::axis(self.name(), self.dim, shape.rank())?;
        Ok(Spec::new(shape, DType::I64))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let x = inputs[0].contiguous();
        let x = x.read();
        let axis = shape::axis(self.name(), self.dim, output.shape.rank())?;
        let (dims, descending) = (output.shape.around(axis), self.descending);
        for_any!(inputs[0].dtype(), T => {
            Ok(Value::build(&output.shape, |out| sort::argsort(x.slice::<T>(), dims, descending, out)))
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let x = inputs[0].contiguous();
        let axis = shape::axis(self.name(), self.dim, output.shape.rank())?;
        let out = Value::on_cuda(device, output)?;
        let sizes = output.shape.around(axis);
        wengert_cuda::sort::argsort(x.on_device()?, sizes, self.descending, out.device_memory()?)?;
        Ok(out)
    }
}

impl Tensor {
    /// Positions, as i64, that sort along `dim`; equals keep their order. NaN counts as larger than any number: last
    /// in ascending order, first in descending. No gradient.
    ///
    /// # Panics
    /// When `dim` is out of range.
    #[track_caller]
    pub fn argsort(&self, dim: isize, descending: bool) -> Tensor {
        must(apply(Argsort { dim, descending }, &[self]))
    }

    /// The elements in order along `dim`, and their former positions as [`argsort`](Tensor::argsort) gives them. The
    /// gradient goes back to those positions.
    ///
    /// # Panics
    /// When `dim` is out of range.
    #[track_caller]
    pub fn sort(&self, dim: isize, descending: bool) -> (Tensor, Tensor) {
        let positions = self.argsort(dim, descending);
        (self.gather(dim, &positions), positions)
    }

    /// The `k` largest elements along `dim`, or the smallest, best first, and their positions as i64. Of equals the
    /// earlier come first.
    ///
    /// # Panics
    /// When `dim` is out of range or `k` is more than its size.
    #[track_caller]
    pub fn topk(&self, k: usize, dim: isize, largest: bool) -> (Tensor, Tensor) {
        let size = self.dims()[must(shape::axis("topk", dim, self.rank()))];
        if k > size {
            let detail =
                format!("k = {k} is more than the {size} elements along dim {dim} of {}", self.shape());
            return must(Err(Error::argument("topk", detail)));
        }
        let positions = self.argsort(dim, largest).narrow(dim, 0, k);
        (self.gather(dim, &positions), positions)
    }
}
