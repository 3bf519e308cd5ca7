//! Reductions over any set of axes.
//!
//! Dims count from the back where they are negative, and an empty list means all axes. With `keepdim` a reduced axis
//! stays with size 1, otherwise it disappears. The order of a sum depends on the number of its terms only.

mod extreme;
mod moments;
mod prod;
#[cfg(test)]
mod tests;
mod vector_norm;

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::shape;
use crate::{DType, Element, Error, Result, Shape, Tensor, Value};
use prod::product_of_others;
use smallvec::{SmallVec, smallvec};
use wengert_cpu::map::{map1_in_place, unary};
use wengert_cpu::reduce;
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] =
    &["sum", "mean", "prod", "amax", "amin", "logsumexp", "count_nonzero", "argmax", "argmin"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sum,
    Mean,
    Prod,
    Amax,
    Amin,
    LogSumExp,
    CountNonzero,
    Argmax,
    Argmin,
}

/// A reduction of the axes `dims`, all of them where the list is empty.
#[derive(Clone, Debug)]
struct Reduce {
    kind: Kind,
    dims: SmallVec<[isize; 6]>,
    keepdim: bool,
}

impl Reduce {
    fn apply(kind: Kind, input: &Tensor, dims: &[isize], keepdim: bool) -> Result<Tensor> {
        apply(Reduce { kind, dims: dims.into(), keepdim }, &[input])
    }

    /// The shape with the reduced axes kept as 1, and with them left out unless they are to be kept.
    fn shapes(&self, input: &Shape) -> Result<(Shape, Shape)> {
        let axes = shape::axes(self.name(), &self.dims, input.rank())?;
        let size = |axis| if axes.contains(&axis) { 1 } else { input[axis] };
        let kept: Shape = (0..input.rank()).map(size).collect();
        if self.keepdim {
            return Ok((kept.clone(), kept));
        }
        let left = (0..input.rank()).filter(|axis| !axes.contains(axis)).map(|axis| input[axis]).collect();
        Ok((kept, left))
    }

    /// A tensor of the output's shape, stretched over the input's.
    fn stretch(&self, tensor: &Tensor, input: &Shape) -> Result<Tensor> {
        let (kept, _) = self.shapes(input)?;
        Ok(tensor.reshape(kept).broadcast_to(input))
    }

    fn count(&self, input: &Shape) -> Result<usize> {
        count(self.name(), input, &self.dims)
    }
}

/// How many elements of `input` a reduction over `dims` makes one of.
fn count(op: &'static str, input: &Shape, dims: &[isize]) -> Result<usize> {
    let axes = shape::axes(op, dims, input.rank())?;
    Ok(axes.iter().map(|&axis| input[axis]).product())
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sum => "sum",
            Kind::Mean => "mean",
            Kind::Prod => "prod",
            Kind::Amax => "amax",
            Kind::Amin => "amin",
            Kind::LogSumExp => "logsumexp",
            Kind::CountNonzero => "count_nonzero",
            Kind::Argmax => "argmax",
            Kind::Argmin => "argmin",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [Spec { shape, dtype }] = inputs else {
            return Err(Error::argument(self.name(), format!("takes 1 input, got {}", inputs.len())));
        };
        let (_, output) = self.shapes(shape)?;
        match self.kind {
            Kind::Sum | Kind::Prod if dtype.is_float() => Ok(Spec::new(output, *dtype)),
            Kind::Sum | Kind::Prod | Kind::CountNonzero => Ok(Spec::new(output, DType::I64)),
            Kind::Mean | Kind::LogSumExp => {
                for_float!(*dtype, self.name(), T => Ok(Spec::new(output, T::DTYPE)))
            }
            Kind::Amax | Kind::Amin | Kind::Argmax | Kind::Argmin => {
                if self.count(shape)? == 0 {
                    let detail = format!(
                        "no elements to choose from: {shape} is empty along dims {:?}",
                        &self.dims[..]
                    );
                    return Err(Error::shape(self.name(), detail));
                }
                let is_position = matches!(self.kind, Kind::Argmax | Kind::Argmin);
                let element = for_number!(*dtype, self.name(), T => Ok(T::DTYPE))?;
                Ok(Spec::new(output, if is_position { DType::I64 } else { element }))
            }
        }
    }

    fn saves(&self) -> Saves {
        match self.kind {
            Kind::Prod => Saves::inputs(&[0]),
            Kind::Amax | Kind::Amin | Kind::LogSumExp => Saves::inputs(&[0]).and_output(),
            _ => Saves::NONE,
        }
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let x = inputs[0].read();
        let (name, shape, dtype) = (self.name(), &output.shape, inputs[0].dtype());
        let axes = shape::axes(name, &self.dims, inputs[0].shape().rank())?;
        let count = self.count(inputs[0].shape())? as f64;
        match self.kind {
            Kind::Sum => match dtype {
                DType::U8 => Ok(Value::build(shape, |out| reduce::sum_as_i64(x.view::<u8>(), &axes, out))),
                DType::Bool => {
                    Ok(Value::build(shape, |out| reduce::sum_as_i64(x.view::<bool>(), &axes, out)))
                }
                _ => {
                    for_number!(dtype, name, T => Ok(Value::build(shape, |out| reduce::sum(x.view::<T>(), &axes, out))))
                }
            },
            Kind::Prod => match dtype {
                DType::U8 => Ok(Value::build(shape, |out| reduce::prod_as_i64(x.view::<u8>(), &axes, out))),
                DType::Bool => {
                    Ok(Value::build(shape, |out| reduce::prod_as_i64(x.view::<bool>(), &axes, out)))
                }
                _ => {
                    for_number!(dtype, name, T => Ok(Value::build(shape, |out| reduce::prod(x.view::<T>(), &axes, out))))
                }
            },
            Kind::Mean => for_float!(dtype, name, T => Ok(Value::build(shape, |out| {
                reduce::sum(x.view::<T>(), &axes, out);
                map1_in_place(out, &unary(move |sum| sum / count as T));
            }))),
            Kind::Amax => {
                for_number!(dtype, name, T => Ok(Value::build(shape, |out| reduce::amax(x.view::<T>(), &axes, out))))
            }
            Kind::Amin => {
                for_number!(dtype, name, T => Ok(Value::build(shape, |out| reduce::amin(x.view::<T>(), &axes, out))))
            }
            Kind::LogSumExp => {
                for_float!(dtype, name, T => Ok(Value::build(shape, |out| reduce::logsumexp(x.view::<T>(), &axes, out))))
            }
            Kind::CountNonzero => {
                for_any!(dtype, T => Ok(Value::build(shape, |out| reduce::count_nonzero(x.view::<T>(), &axes, out))))
            }
            Kind::Argmax => {
                for_number!(dtype, name, T => Ok(Value::build(shape, |out| reduce::argmax(x.view::<T>(), &axes, out))))
            }
            Kind::Argmin => {
                for_number!(dtype, name, T => Ok(Value::build(shape, |out| reduce::argmin(x.view::<T>(), &axes, out))))
            }
        }
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let axes = shape::axes(self.name(), &self.dims, inputs[0].shape().rank())?;
        let out = Value::on_cuda(device, output)?;
        let size = output.dtype.size_of();
        wengert_cuda::reduce::reduce(self.name(), inputs[0].on_device()?, &axes, out.device_memory()?, size)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let shape = &saved.spec(0).shape;
        let spread = || self.stretch(cotangent, shape);
        let gradient = match self.kind {
            Kind::Sum => spread()?,
            Kind::Mean => {
                // Scaled before it is stretched, while it is small.
                self.stretch(&cotangent.mul_scalar(1.0 / self.count(shape)? as f64), shape)?
            }
            Kind::Prod => {
                let axes = shape::axes(self.name(), &self.dims, shape.rank())?;
                spread()? * product_of_others(&saved.input(0), &axes)
            }
            Kind::Amax | Kind::Amin => {
                let winners =
                    saved.input(0).eq(&self.stretch(&saved.output(), shape)?).to_dtype(saved.spec(0).dtype);
                let share = cotangent / winners.sum(&self.dims, self.keepdim);
                winners * self.stretch(&share, shape)?
            }
            Kind::LogSumExp => {
                // Where every element is −∞ the output is too; their gradients are 0, not exp(−∞ + ∞).
                let output = saved.output();
                let output = output.masked_fill(&output.eq_scalar(f64::NEG_INFINITY), 0.0);
                (saved.input(0) - self.stretch(&output, shape)?).exp() * spread()?
            }
            Kind::CountNonzero | Kind::Argmax | Kind::Argmin => return Err(Error::no_gradient(self.name())),
        };
        Ok(smallvec![Some(gradient)])
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let operator = match self.kind {
            Kind::Sum => "ReduceSum",
            Kind::Mean => "ReduceMean",
            Kind::Prod => "ReduceProd",
            Kind::Amax => "ReduceMax",
            Kind::Amin => "ReduceMin",
            Kind::LogSumExp => "ReduceLogSumExp",
            Kind::Argmax => "ArgMax",
            Kind::Argmin => "ArgMin",
            Kind::CountNonzero => return None,
        };
        let keepdims = ("keepdims", Attribute::Int(i64::from(self.keepdim)));
        if matches!(self.kind, Kind::Argmax | Kind::Argmin) {
            let [axis] = self.dims[..] else { return None };
            return Some(call.over_inputs(operator, vec![("axis", Attribute::Int(axis as i64)), keepdims]));
        }
        if call.output().dtype != call.spec(0).dtype {
            return None;
        }
        let (x, axes) = (call.input(0), call.sizes(self.dims.iter().map(|&dim| dim as i64)));
        Some(call.node(operator, &[&x, &axes], vec![keepdims]))
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let x = &inputs[0];
        match self.kind {
            Kind::Mean => {
                let count = self.count(x.shape()).ok()?;
                Some(x.sum(&self.dims, self.keepdim).mul_scalar(1.0 / count as f64))
            }
            Kind::LogSumExp => {
                let largest = x.detach().amax(&self.dims, true);
                let largest = largest.masked_fill(&largest.abs().eq_scalar(f64::INFINITY), 0.0);
                let sum = (x - &largest).exp().sum(&self.dims, self.keepdim);
                let (_, output) = self.shapes(x.shape()).ok()?;
                Some(sum.log() + largest.reshape(output))
            }
            _ => None,
        }
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        inputs[0].shape.numel() as u64
    }
}

impl Tensor {
    /// Σ x over `dims`. Integers and booleans are added as i64; without elements the sum is 0.
    ///
    /// # Panics
    /// When a dim is out of range or repeated.
    #[track_caller]
    pub fn sum(&self, dims: &[isize], keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::Sum, self, dims, keepdim))
    }

    /// Σ x over all axes: a scalar.
    #[track_caller]
    pub fn sum_all(&self) -> Tensor {
        self.sum(&[], false)
    }

    /// Arithmetic mean over `dims` of a float tensor; NaN without elements.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, or the type is not a float.
    #[track_caller]
    pub fn mean(&self, dims: &[isize], keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::Mean, self, dims, keepdim))
    }

    /// Arithmetic mean over all axes: a scalar.
    #[track_caller]
    pub fn mean_all(&self) -> Tensor {
        self.mean(&[], false)
    }

    /// Π x over `dims`. Integers and booleans are multiplied as i64; without elements the product is 1.
    ///
    /// The gradient is the product of the other factors, also where some of them are 0.
    ///
    /// # Panics
    /// When a dim is out of range or repeated.
    #[track_caller]
    pub fn prod(&self, dims: &[isize], keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::Prod, self, dims, keepdim))
    }

    /// Π x over all axes: a scalar.
    #[track_caller]
    pub fn prod_all(&self) -> Tensor {
        self.prod(&[], false)
    }

    /// ln Σ exp(x) over `dims` of a float tensor, without overflow; −∞ where all elements are.
    ///
    /// # Panics
    /// When a dim is out of range or repeated, or the type is not a float.
    #[track_caller]
    pub fn logsumexp(&self, dims: &[isize], keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::LogSumExp, self, dims, keepdim))
    }

    /// Number of elements over `dims` that are not zero or false, as i64. NaN is not zero.
    ///
    /// # Panics
    /// When a dim is out of range or repeated.
    #[track_caller]
    pub fn count_nonzero(&self, dims: &[isize], keepdim: bool) -> Tensor {
        must(Reduce::apply(Kind::CountNonzero, self, dims, keepdim))
    }

    /// Whether any element over `dims` is not zero or false, as bool; false without elements.
    ///
    /// # Panics
    /// When a dim is out of range or repeated.
    #[track_caller]
    pub fn any(&self, dims: &[isize], keepdim: bool) -> Tensor {
        self.count_nonzero(dims, keepdim).gt_scalar(0.0)
    }

    /// Whether all elements over `dims` are not zero or false, as bool; true without elements.
    ///
    /// # Panics
    /// When a dim is out of range or repeated.
    #[track_caller]
    pub fn all(&self, dims: &[isize], keepdim: bool) -> Tensor {
        let count = must(count("all", self.shape(), dims));
        self.count_nonzero(dims, keepdim).eq_scalar(count as f64)
    }

    /// The sum over all axes along which `shape` was stretched to this tensor's shape: the reverse of broadcasting.
    ///
    /// # Panics
    /// When `shape` does not broadcast to this tensor's shape.
    #[track_caller]
    pub fn sum_to(&self, shape: &Shape) -> Tensor {
        if self.shape() == shape {
            return self.clone();
        }
        let missing = self.rank().checked_sub(shape.rank());
        let fits = |missing: usize| {
            self.dims()[missing..]
                .iter()
                .zip(shape.iter())
                .all(|(&size, &wanted)| wanted == size || wanted == 1)
        };
        let Some(missing) = missing.filter(|&missing| fits(missing)) else {
            return must(Err(Error::shape(
                "sum_to",
                format!("{shape} does not broadcast to {}", self.shape()),
            )));
        };
        let stretched =
            |axis: usize| axis < missing || (shape[axis - missing] == 1 && self.dims()[axis] != 1);
        let dims: SmallVec<[isize; 6]> =
            (0..self.rank()).filter(|&axis| stretched(axis)).map(|axis| axis as isize).collect();
        self.sum(&dims, true).reshape(shape)
    }
}
