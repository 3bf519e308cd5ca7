//! The part of a matrix on one side of a diagonal.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Spec, Values};
use crate::{DType, Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::index::{self, Triangle};
use wengert_cuda::Device;

/// Matrices with zeros beyond the diagonal where `column - row = diagonal`.
#[derive(Clone, Debug)]
struct KeepTriangle {
    side: Triangle,
    diagonal: i64,
}

impl Op for KeepTriangle {
    fn name(&self) -> &'static str {
        match self.side {
            Triangle::Lower => "tril",
            Triangle::Upper => "triu",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        if inputs[0].shape.rank() < 2 {
            return Err(Error::shape(self.name(), format!("needs matrices, got {}", inputs[0].shape)));
        }
        Ok(inputs[0].clone())
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (x, diagonal) = (call.input(0), call.number_of(self.diagonal as f64, DType::I64));
        let upper = i64::from(self.side == Triangle::Upper);
        Some(call.node("Trilu", &[&x, &diagonal], vec![("upper", Attribute::Int(upper))]))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let matrices = inputs[0].contiguous();
        let read = matrices.read();
        let rows = output.shape[output.shape.rank() - 2];
        let columns = output.shape[output.shape.rank() - 1];
        Ok(for_any!(output.dtype, T => Value::build(&output.shape, |out: &mut [T]| {
            index::triangle(read.slice::<T>(), [rows, columns], self.side, self.diagonal, out)
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let matrices = inputs[0].contiguous();
        let upper = self.side == Triangle::Upper;
        let out = Value::on_cuda(device, output)?;
        wengert_cuda::index::triangle(matrices.on_device()?, upper, self.diagonal, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(apply(self.clone(), &[cotangent])?)])
    }
}

impl Tensor {
    /// The last two axes as matrices: elements where `column - row ≤ diagonal`, zero elsewhere.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn tril(&self, diagonal: i64) -> Tensor {
        must(apply(KeepTriangle { side: Triangle::Lower, diagonal }, &[self]))
    }

    /// The last two axes as matrices: elements where `column - row ≥ diagonal`, zero elsewhere.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn triu(&self, diagonal: i64) -> Tensor {
        must(apply(KeepTriangle { side: Triangle::Upper, diagonal }, &[self]))
    }
}
