//! Other shapes for the same elements in the same order.

use super::Sizes;
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Spec, Values};
use crate::shape::axis;
use crate::{Error, Layout, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cuda::Device;

/// Row-major order under another shape.
#[derive(Clone, Debug)]
pub(crate) struct Reshape {
    shape: Shape,
}

impl Reshape {
    /// A reshape of `from` to `sizes`, of which one may be −1.
    fn resolve(from: &Shape, sizes: &Sizes) -> Result<Self> {
        let name = "reshape";
        let open = sizes.0.iter().filter(|&&size| size == -1).count();
        let known = sizes
            .0
            .iter()
            .filter(|&&size| size != -1)
            .try_fold(1usize, |product, &size| product.checked_mul(usize::try_from(size).ok()?));
        let Some(known) = known else {
            return Err(Error::argument(
                name,
                format!("sizes {sizes} must be at least 0, or −1 for one left open"),
            ));
        };
        let left = match open {
            0 => 0,
            1 if known > 0 && from.numel().is_multiple_of(known) => from.numel() / known,
            1 if known == 0 => {
                return Err(Error::argument(
                    name,
                    format!("−1 in {sizes} could be any size, because another is 0"),
                ));
            }
            1 => {
                let detail =
                    format!("{from} has {} elements, which {known} does not divide: {sizes}", from.numel());
                return Err(Error::shape(name, detail));
            }
            _ => {
                return Err(Error::argument(
                    name,
                    format!("{sizes} leaves {open} sizes open, at most one may be −1"),
                ));
            }
        };
        Ok(Self {
            shape: sizes.0.iter().map(|&size| if size == -1 { left } else { size as usize }).collect(),
        })
    }
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let (from, to) = (&inputs[0].shape, &self.shape);
        if from.numel() != to.checked_numel(self.name())? {
            let detail = format!("{from} has {} elements and {to} has {}", from.numel(), to.numel());
            return Err(Error::shape(self.name(), detail));
        }
        Ok(Spec::new(to, inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        Ok(match inputs[0].layout().reshape(&output.shape) {
            Some(layout) => inputs[0].with_layout(layout),
            None => inputs[0].contiguous().with_layout(Layout::contiguous(&output.shape)),
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (x, shape) = (call.input(0), call.shape(self.shape.iter().map(|&size| size as i64)));
        // A size of 0 is one: without this it would mean the size that was.
        Some(call.node("Reshape", &[&x, &shape], vec![("allowzero", Attribute::Int(1))]))
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(reshape(cotangent, &saved.spec(0).shape)?)])
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

fn reshape(input: &Tensor, shape: &Shape) -> Result<Tensor> {
    if input.shape() == shape {
        return Ok(input.clone());
    }
    apply(Reshape { shape: shape.clone() }, &[input])
}

/// The same elements, row-major without gaps.
#[derive(Clone, Debug)]
struct Contiguous;

impl Op for Contiguous {
    fn name(&self) -> &'static str {
        "contiguous"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        Ok(inputs[0].clone())
    }

    fn forward(&self, inputs: Values, _output: &Spec) -> Result<Value> {
        Ok(inputs[0].contiguous())
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.input(0))
    }

    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(cotangent.clone())])
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Tensor {
    /// The same elements in row-major order under another shape; one size may be −1, which stands for what is left.
    /// A view where the strides allow it, otherwise a copy.
    ///
    /// # Panics
    /// When the numbers of elements differ.
    #[track_caller]
    pub fn reshape(&self, sizes: impl Into<Sizes>) -> Tensor {
        must(Reshape::resolve(self.shape(), &sizes.into()).and_then(|op| reshape(self, &op.shape)))
    }

    /// Self where its elements lie row-major and without gaps, otherwise a copy that does.
    #[track_caller]
    pub fn contiguous(&self) -> Tensor {
        if self.value().is_contiguous() {
            return self.clone();
        }
        must(apply(Contiguous, &[self]))
    }

    /// Without axis `dim` where its size is 1; otherwise self.
    ///
    /// # Panics
    /// When `dim` is out of range.
    #[track_caller]
    pub fn squeeze(&self, dim: isize) -> Tensor {
        let axis = must(axis("squeeze", dim, self.rank()));
        if self.dims()[axis] == 1 { self.reshape(self.shape().without_dim(axis)) } else { self.clone() }
    }

    /// With a new axis of size 1 at `dim` of the result.
    ///
    /// # Panics
    /// When `dim` is out of range.
    #[track_caller]
    pub fn unsqueeze(&self, dim: isize) -> Tensor {
        let axis = must(axis("unsqueeze", dim, self.rank() + 1));
        self.reshape(self.shape().insert_dim(axis, 1))
    }

    /// Axes `start` to `end`, both included, as one. A scalar becomes a vector of one element.
    ///
    /// # Panics
    /// When an axis is out of range, or `start` lies behind `end`.
    #[track_caller]
    pub fn flatten(&self, start: isize, end: isize) -> Tensor {
        if self.rank() == 0 {
            return self.reshape([1]);
        }
        let first = must(axis("flatten", start, self.rank()));
        let last = must(axis("flatten", end, self.rank()));
        if first > last {
            must(Err(Error::argument("flatten", format!("start {start} lies behind end {end}"))))
        }
        let dims = self.dims();
        let joined = dims[first..=last].iter().product();
        let shape = dims[..first].iter().copied().chain([joined]).chain(dims[last + 1..].iter().copied());
        self.reshape(shape.collect::<Shape>())
    }

    /// Axis `dim` as several axes of the given sizes, one of which may be −1: the inverse of
    /// [`flatten`](Tensor::flatten).
    ///
    /// # Panics
    /// When the sizes do not multiply to that of the axis.
    #[track_caller]
    pub fn unflatten(&self, dim: isize, sizes: impl Into<Sizes>) -> Tensor {
        let axis = must(axis("unflatten", dim, self.rank()));
        let dims = self.dims();
        let sizes = sizes.into();
        let split = Reshape::resolve(&dims[axis].into(), &sizes).map_err(|error| error.of("unflatten"));
        let split = must(split).shape;
        if split.checked_numel("unflatten").ok() != Some(dims[axis]) {
            let detail = format!("axis {axis} of {} cannot be split into {sizes}", self.shape());
            must(Err(Error::shape("unflatten", detail)))
        }
        let shape = dims[..axis].iter().chain(split.iter()).chain(&dims[axis + 1..]).copied();
        self.reshape(shape.collect::<Shape>())
    }
}
