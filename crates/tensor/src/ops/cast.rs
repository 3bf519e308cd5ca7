//! Conversion between element types.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call, element_type};
use crate::op::{Gradients, Op, Spec, Values};
use crate::ops::cuda;
use crate::ops::elementwise::{map_to, take};
use crate::{DType, Element, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::Number;
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["to_dtype"];

/// Converts every element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToDType(pub DType);

impl Op for ToDType {
    fn name(&self) -> &'static str {
        "to_dtype"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [input] = take("to_dtype", inputs)?;
        Ok(Spec::new(&input.shape, self.0))
    }

    fn forward(&self, inputs: Values, _output: &Spec) -> Result<Value> {
        let input = &inputs[0];
        Ok(match (input.dtype(), self.0) {
            (from, to) if from == to => input.clone(),
            (DType::Bool, to) => from_bool(input, to),
            (from, DType::Bool) => for_any!(from, T => map_to(input, |x: T| x != T::default())),
            (DType::I64, DType::U8) => map_to(input, |x: i64| x as u8),
            (from, to) => return for_number!(from, "to_dtype", T => convert::<T>(input, to)),
        })
    }

    fn forward_cuda(&self, mut inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::convert(inputs.remove(0), output.dtype, device)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("Cast", vec![("to", Attribute::Int(element_type(self.0)))]))
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(cotangent.to_dtype(saved.spec(0).dtype))])
    }
}

fn from_bool(input: &Value, to: DType) -> Value {
    match to {
        DType::F32 => map_to(input, |x: bool| f32::from(u8::from(x))),
        DType::F64 => map_to(input, |x: bool| f64::from(u8::from(x))),
        DType::I64 => map_to(input, |x: bool| i64::from(x)),
        DType::U8 => map_to(input, |x: bool| u8::from(x)),
        DType::Bool => input.clone(),
    }
}

fn convert<T: Element + Number>(input: &Value, to: DType) -> Result<Value> {
    for_number!(to, "to_dtype", R => Ok(map_to(input, |x: T| <R as Number>::from_f64(x.to_f64()))))
}

impl Tensor {
    /// The elements converted to `dtype`; self where it is that already.
    ///
    /// Floats become integers by dropping the fraction and saturating at the ends of the range, NaN becoming 0; i64
    /// becomes u8 modulo 256. Every number but 0 becomes true, and true becomes 1. Gradients flow between f32 and f64.
    #[track_caller]
    pub fn to_dtype(&self, dtype: DType) -> Tensor {
        if dtype == self.dtype() {
            return self.clone();
        }
        must(apply(ToDType(dtype), &[self]))
    }
}
