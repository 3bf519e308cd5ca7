//! Putting tensors together, taking them apart, repeating them.

use super::view::Sizes;
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Spec, Values};
use crate::shape::axis;
use crate::{Error, Result, Shape, Tensor, Value};
use wengert_cpu::join;
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["cat"];

/// The inputs one after another along an axis.
#[derive(Clone, Debug)]
struct Cat {
    axis: usize,
}

impl Op for Cat {
    fn name(&self) -> &'static str {
        "cat"
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("Concat", vec![("axis", Attribute::Int(self.axis as i64))]))
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let Some(first) = inputs.first() else {
            return Err(Error::argument(self.name(), "needs at least one tensor"));
        };
        let mut size = 0usize;
        for (position, input) in inputs.iter().enumerate() {
            if input.dtype != first.dtype {
                let detail = format!("tensor 0 is {} and tensor {position} is {}", first.dtype, input.dtype);
                return Err(Error::dtype(self.name(), detail));
            }
            let alike = input.shape.rank() == first.shape.rank()
                && input.shape.with_dim(self.axis, 0) == first.shape.with_dim(self.axis, 0);
            if !alike {
                let detail = format!(
                    "tensor 0 is {} and tensor {position} is {}: they may differ at axis {} only",
                    first.shape, input.shape, self.axis
                );
                return Err(Error::shape(self.name(), detail));
            }
            size = size.saturating_add(input.shape[self.axis]);
        }
        let shape = first.shape.with_dim(self.axis, size);
        shape.checked_numel(self.name())?;
        Ok(Spec::new(shape, first.dtype))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let blocks: Vec<Value> = inputs.iter().map(Value::contiguous).collect();
        let reads: Vec<_> = blocks.iter().map(Value::read).collect();
        let [outer, ..] = output.shape.around(self.axis);
        Ok(for_any!(output.dtype, T => Value::build(&output.shape, |out: &mut [T]| {
            let blocks: Vec<&[T]> = reads.iter().map(|read| read.slice()).collect();
            join::cat(&blocks, outer, out)
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let blocks: Vec<Value> = inputs.iter().map(Value::contiguous).collect();
        let views = blocks.iter().map(Value::on_device).collect::<Result<Vec<_>>>()?;
        let [outer, ..] = output.shape.around(self.axis);
        let out = Value::on_cuda(device, output)?;
        wengert_cuda::join::cat(&views, outer, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let mut start = 0;
        let part = |position| {
            let (from, length) = (start, saved.spec(position).shape[self.axis]);
            start += length;
            saved.needs(position).then(|| cotangent.narrow(self.axis as isize, from, length))
        };
        Ok((0..saved.input_count()).map(part).collect())
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Tensor {
    /// The tensors one after another along axis `dim`; they may differ in size there only.
    ///
    /// # Panics
    /// When there are none, their other sizes or dtypes differ, or `dim` is out of range.
    #[track_caller]
    pub fn cat(tensors: &[&Tensor], dim: isize) -> Tensor {
        let rank = tensors.first().map_or(0, |first| first.rank());
        must(axis("cat", dim, rank).and_then(|axis| apply(Cat { axis }, tensors)))
    }

    /// The tensors one after another along a new axis `dim`; their shapes must be equal.
    ///
    /// # Panics
    /// When there are none, shapes or dtypes differ, or `dim` is out of range.
    #[track_caller]
    pub fn stack(tensors: &[&Tensor], dim: isize) -> Tensor {
        if let [first, rest @ ..] = tensors
            && let Some(other) = rest.iter().find(|other| other.shape() != first.shape())
        {
            let detail = format!("shapes must be equal, got {} and {}", first.shape(), other.shape());
            must(Err(Error::shape("stack", detail)))
        }
        let rank = tensors.first().map_or(0, |first| first.rank());
        let dim = must(axis("stack", dim, rank + 1)) as isize;
        let tensors: Vec<Tensor> = tensors.iter().map(|tensor| tensor.unsqueeze(dim)).collect();
        Tensor::cat(&tensors.iter().collect::<Vec<_>>(), dim)
    }

    /// Parts of `size` along axis `dim`, the last one smaller where `size` does not divide the axis. Views.
    ///
    /// # Panics
    /// When `dim` is out of range or `size` is 0.
    #[track_caller]
    pub fn split(&self, size: usize, dim: isize) -> Vec<Tensor> {
        let axis = must(axis("split", dim, self.rank()));
        if size == 0 {
            must(Err(Error::argument("split", "the size must be at least 1")))
        }
        let total = self.dims()[axis];
        let starts = (0..total.max(1)).step_by(size);
        starts.map(|start| self.narrow(dim, start, size.min(total - start))).collect()
    }

    /// At most `count` parts of equal size along axis `dim`, the last one smaller where `count` does not divide the
    /// axis. Views.
    ///
    /// # Panics
    /// When `dim` is out of range or `count` is 0.
    #[track_caller]
    pub fn chunk(&self, count: usize, dim: isize) -> Vec<Tensor> {
        let axis = must(axis("chunk", dim, self.rank()));
        if count == 0 {
            must(Err(Error::argument("chunk", "the number of chunks must be at least 1")))
        }
        self.split(self.dims()[axis].div_ceil(count).max(1), dim)
    }

    /// Self laid side by side with itself, `repeats[i]` times along axis `i`; more repeats than axes add axes in
    /// front. PyTorch's `repeat`, NumPy's `tile`.
    ///
    /// # Panics
    /// When there are fewer repeats than axes.
    #[track_caller]
    pub fn repeat(&self, repeats: &[usize]) -> Tensor {
        let Some(added) = repeats.len().checked_sub(self.rank()) else {
            let detail = format!("{repeats:?} must have a number for each axis of {}", self.shape());
            must(Err(Error::argument("repeat", detail)))
        };
        let sizes = [1].repeat(added).into_iter().chain(self.dims().iter().copied());
        let pairs = repeats.iter().copied().zip(sizes);
        let result: Shape = pairs.clone().map(|(count, size)| count.saturating_mul(size)).collect();
        // Only axes that repeat need a second axis, which keeps the rank in bounds.
        let mut apart: Vec<usize> = Vec::new();
        let mut stretched: Vec<usize> = Vec::new();
        for (count, size) in pairs {
            if count != 1 {
                apart.push(1);
                stretched.push(count);
            }
            apart.push(size);
            stretched.push(size);
        }
        self.reshape(Sizes::from(&apart)).broadcast_to(&stretched).reshape(result)
    }

    /// As [`repeat`](Tensor::repeat), where missing repeats in front are 1. PyTorch's `tile`.
    #[track_caller]
    pub fn tile(&self, repeats: &[usize]) -> Tensor {
        let missing = self.rank().saturating_sub(repeats.len());
        self.repeat(&[&[1].repeat(missing), repeats].concat())
    }
}
