//! Padding and cropping.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Spec, Values};
use crate::{Error, Result, Shape, Tensor, Value};
use smallvec::{SmallVec, smallvec};
use wengert_cpu::Number;
use wengert_cpu::pad::{self, Fill, source_positions};
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["pad", "pad_grad"];

/// What stands beyond the edges of a padded tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// One value everywhere.
    Constant(f64),
    /// The mirror image, without repeating the edge: `c b | a b c | b a`.
    Reflect,
    /// The edge itself: `a a | a b c | c c`.
    Replicate,
    /// The other end, as on a ring: `b c | a b c | a b`.
    Circular,
}

impl PadMode {
    fn fill(self) -> Fill {
        match self {
            PadMode::Constant(_) => Fill::Constant,
            PadMode::Reflect => Fill::Reflect,
            PadMode::Replicate => Fill::Replicate,
            PadMode::Circular => Fill::Circular,
        }
    }

    fn fill_on_device(self) -> wengert_cuda::pad::Fill {
        match self {
            PadMode::Constant(_) => wengert_cuda::pad::Fill::Constant,
            PadMode::Reflect => wengert_cuda::pad::Fill::Reflect,
            PadMode::Replicate => wengert_cuda::pad::Fill::Replicate,
            PadMode::Circular => wengert_cuda::pad::Fill::Circular,
        }
    }

    /// What [`PadMode::Constant`] fills with.
    fn constant(self) -> f64 {
        if let PadMode::Constant(constant) = self { constant } else { 0.0 }
    }

    /// Whether this mode can put `amount` more beside an axis of `size`, or why not.
    fn check(self, amount: isize, size: usize) -> std::result::Result<(), &'static str> {
        match self {
            _ if amount <= 0 => Ok(()),
            PadMode::Constant(_) => Ok(()),
            _ if size == 0 => Err("an empty axis has nothing to repeat"),
            PadMode::Replicate => Ok(()),
            PadMode::Reflect if amount as usize >= size => Err("a reflection must be shorter than the axis"),
            PadMode::Circular if amount as usize > size => {
                Err("a ring must not be padded by more than the axis")
            }
            PadMode::Reflect | PadMode::Circular => Ok(()),
        }
    }
}

type Amounts = SmallVec<[(isize, isize); 6]>;

/// More elements before and behind each axis; negative amounts crop.
#[derive(Clone, Debug)]
struct Pad {
    amounts: Amounts,
    mode: PadMode,
}

/// The adjoint of [`Pad`] on inputs of `shape`, for the modes that repeat elements.
#[derive(Clone, Debug)]
struct PadGrad {
    pad: Pad,
    shape: Shape,
}

impl Pad {
    fn output_shape(&self, shape: &Shape) -> Result<Shape> {
        if self.amounts.len() != shape.rank() {
            let detail =
                format!("needs (before, after) for each axis of {shape}, got {:?}", self.amounts.as_slice());
            return Err(Error::argument("pad", detail));
        }
        let size = |(axis, (&(before, after), &size)): (usize, (&(isize, isize), &usize))| {
            let bad = |why: &str| {
                Error::argument("pad", format!("({before}, {after}) at axis {axis} of {shape}: {why}"))
            };
            for amount in [before, after] {
                self.mode.check(amount, size).map_err(bad)?;
            }
            // Either end may take what the other has added, but no more than that.
            let grown =
                size.checked_add_signed(before.max(0)).and_then(|sum| sum.checked_add_signed(after.max(0)));
            let grown =
                grown.filter(|&grown| grown <= isize::MAX as usize).ok_or_else(|| bad("too large"))?;
            let cropped = before.min(0).unsigned_abs().checked_add(after.min(0).unsigned_abs());
            cropped
                .and_then(|cropped| grown.checked_sub(cropped))
                .ok_or_else(|| bad("crops more than there is"))
        };
        let shape = self.amounts.iter().zip(shape.iter()).enumerate().map(size).collect::<Result<Shape>>()?;
        shape.checked_numel("pad")?;
        Ok(shape)
    }

    /// For each axis, which element of the input each element of the output shows.
    fn sources(&self, shape: &Shape) -> Vec<Vec<Option<usize>>> {
        let axes = shape.iter().zip(&self.amounts);
        axes.map(|(&size, &(before, after))| source_positions(size, before, after, self.mode.fill()))
            .collect()
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let shape = self.output_shape(&inputs[0].shape)?;
        for_number!(inputs[0].dtype, self.name(), _T => Ok(Spec::new(shape, inputs[0].dtype)))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (mode, fill) = match self.mode {
            PadMode::Constant(fill) => ("constant", fill),
            PadMode::Reflect => ("reflect", 0.0),
            PadMode::Replicate => ("edge", 0.0),
            PadMode::Circular => ("wrap", 0.0),
        };
        let (before, after) = (self.amounts.iter().map(|ends| ends.0), self.amounts.iter().map(|ends| ends.1));
        let pads = call.sizes(before.chain(after).map(|amount| amount as i64));
        let (x, fill) = (call.input(0), call.number(fill));
        Some(call.node("Pad", &[&x, &pads, &fill], vec![("mode", Attribute::Text(mode))]))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let constant = self.mode.constant();
        let read = inputs[0].read();
        for_number!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            if !out.is_empty() {
                pad::pad(read.view::<T>(), &self.sources(inputs[0].shape()), T::from_f64(constant), out)
            }
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let out = Value::on_cuda(device, output)?;
        if output.shape.numel() > 0 {
            let (fill, constant) = (self.mode.fill_on_device(), self.mode.constant());
            wengert_cuda::pad::pad(inputs[0].on_device()?, &self.amounts, fill, constant, out.device_memory()?)?;
        }
        Ok(out)
    }

    /// A constant border has no gradient, so padding becomes cropping; the other modes add up what was repeated.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let grad = if let PadMode::Constant(_) = self.mode {
            let amounts = self.amounts.iter().map(|&(before, after)| (-before, -after)).collect();
            apply(Pad { amounts, mode: PadMode::Constant(0.0) }, &[cotangent])
        } else {
            apply(PadGrad { pad: self.clone(), shape: saved.spec(0).shape.clone() }, &[cotangent])
        };
        Ok(smallvec![Some(grad?)])
    }
}

impl Op for PadGrad {
    fn name(&self) -> &'static str {
        "pad_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let padded = self.pad.output_shape(&self.shape)?;
        if inputs[0].shape != padded {
            let detail = format!("needs the padded shape {padded}, got {}", inputs[0].shape);
            return Err(Error::shape(self.name(), detail));
        }
        Ok(Spec::new(&self.shape, inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let grad = inputs[0].contiguous();
        let read = grad.read();
        for_number!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            if !out.is_empty() {
                pad::pad_grad(read.slice::<T>(), &self.pad.sources(&self.shape), &self.shape, out)
            }
        })))
    }

    /// Padding is a map along each axis, and so is its adjoint: a launch for each axis that was padded.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        if output.shape.numel() == 0 {
            return Value::on_cuda(device, output);
        }
        let mut grad = inputs[0].contiguous();
        for (axis, &amounts) in self.pad.amounts.iter().enumerate().filter(|(_, amounts)| **amounts != (0, 0)) {
            let shape = grad.shape().with_dim(axis, self.shape[axis]);
            let out = Value::on_cuda(device, &Spec::new(shape, output.dtype))?;
            let fill = self.pad.mode.fill_on_device();
            wengert_cuda::pad::pad_grad(grad.on_device()?, axis, amounts, fill, out.device_memory()?)?;
            grad = out;
        }
        Ok(grad)
    }

    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(apply(self.pad.clone(), &[cotangent])?)])
    }
}

impl Tensor {
    /// More elements around the edges: `amounts` holds (before, after) for each axis, the first axis first; a negative
    /// amount crops, a ring before it is padded. Numbers of any dtype.
    ///
    /// # Panics
    /// When an axis has no amounts or is cropped below zero, a reflection is not shorter than its axis, or a ring is
    /// padded by more than its axis.
    #[track_caller]
    pub fn pad(&self, amounts: &[(isize, isize)], mode: PadMode) -> Tensor {
        let pad = |tensor: &Tensor, amounts: Amounts| apply(Pad { amounts, mode }, &[tensor]);
        let crops = |&(before, after): &(isize, isize)| before < 0 || after < 0;
        if mode != PadMode::Circular || !amounts.iter().any(crops) {
            return must(pad(self, amounts.into()));
        }
        // A ring closes over what is left of it.
        let (cropped, grown) = amounts.iter().map(|&(before, after)| {
            ((before.min(0), after.min(0)), (before.max(0), after.max(0)))
        }).unzip();
        must(pad(&must(pad(self, cropped)), grown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cropped_ring_closes_over_what_is_left() {
        let ring = Tensor::arange(0, 6, 1);
        let padded = |amounts| ring.pad(&[amounts], PadMode::Circular).to_vec::<i64>();
        assert_eq!(padded((2, -1)), [3, 4, 0, 1, 2, 3, 4]);
        assert_eq!(padded((-1, 2)), [1, 2, 3, 4, 5, 1, 2]);
        assert_eq!(padded((-2, -1)), [2, 3, 4]);
        assert_eq!(padded((6, 0)), [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
        let error = crate::attempt(|| padded((-3, 4))).unwrap_err().to_string();
        assert!(error.contains("a ring must not be padded by more than the axis"), "{error}");
    }
}
