//! Softmax and its logarithm.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::shape;
use crate::{Element, Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::softmax;
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["softmax", "log_softmax"];

/// Softmax along one axis, or its logarithm.
#[derive(Clone, Copy, Debug)]
struct Softmax {
    dim: isize,
    log: bool,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        if self.log { "log_softmax" } else { "softmax" }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [Spec { shape, dtype }] = inputs else {
            return Err(Error::argument(self.name(), format!("takes 1 input, got {}", inputs.len())));
        };
        shape::line(self.name(), self.dim, shape)?;
        for_float!(*dtype, self.name(), T => Ok(Spec::new(shape, T::DTYPE)))
    }

    fn saves(&self) -> Saves {
        Saves::OUTPUT
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let x = inputs[0].contiguous();
        let x = x.read();
        let dims = shape::line(self.name(), self.dim, &output.shape)?;
        let kernel_is_log = self.log;
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            if kernel_is_log { softmax::log_softmax(x.slice(), dims, out) } else { softmax::softmax(x.slice(), dims, out) }
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let x = inputs[0].contiguous();
        let dims = shape::line(self.name(), self.dim, &output.shape)?;
        let out = Value::on_cuda(device, output)?;
        wengert_cuda::softmax::softmax(x.on_device()?, dims, self.log, out.device_memory()?)?;
        Ok(out)
    }

    /// For y = softmax x: y · (g − Σ g·y). For its logarithm: g − softmax x · Σ g.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (output, dims) = (saved.output(), [self.dim]);
        let gradient = if self.log {
            cotangent - output.exp() * cotangent.sum(&dims, true)
        } else {
            let weighted = cotangent * &output;
            (cotangent - weighted.sum(&dims, true)) * output
        };
        Ok(smallvec![Some(gradient)])
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let operator = if self.log { "LogSoftmax" } else { "Softmax" };
        Some(call.over_inputs(operator, vec![("axis", Attribute::Int(self.dim as i64))]))
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (x, dims) = (&inputs[0], [self.dim]);
        if self.log {
            return Some(x - x.logsumexp(&dims, true));
        }
        if x.numel() == 0 {
            return Some(x.clone());
        }
        let exponentials = (x - x.detach().amax(&dims, true)).exp();
        Some(&exponentials / exponentials.sum(&dims, true))
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        // Compare, subtract, exponentiate, add, divide.
        5 * output.shape.numel() as u64
    }
}

impl Tensor {
    /// exp(x) / Σ exp(x) along `dim` of a float tensor, without overflow.
    ///
    /// # Panics
    /// When `dim` is out of range or the type is not a float.
    #[track_caller]
    pub fn softmax(&self, dim: isize) -> Tensor {
        must(apply(Softmax { dim, log: false }, &[self]))
    }

    /// x − ln Σ exp(x) along `dim` of a float tensor: the logarithm of [`softmax`](Tensor::softmax), accurate where that
    /// is tiny.
    ///
    /// # Panics
    /// When `dim` is out of range or the type is not a float.
    #[track_caller]
    pub fn log_softmax(&self, dim: isize) -> Tensor {
        must(apply(Softmax { dim, log: true }, &[self]))
    }
}
