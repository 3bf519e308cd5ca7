//! Class numbers as unit vectors.

use super::{check_index_dtype, check_range};
use crate::apply::{apply, must};
use crate::onnx::{Attribute, Call};
use crate::op::{Op, Spec, Values};
use crate::{DType, Result, Shape, Tensor, Value};
use wengert_cpu::index;
use wengert_cuda::Device;

/// Input: class numbers of any shape.
#[derive(Clone, Debug)]
struct OneHot {
    classes: usize,
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        check_index_dtype(self.name(), &inputs[0])?;
        let shape: Shape = inputs[0].shape.iter().copied().chain([self.classes]).collect();
        shape.checked_numel(self.name())?;
        Ok(Spec::new(shape, inputs[0].dtype))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (index, classes) = (call.input(0), call.number_of(self.classes as f64, DType::I64));
        let off_and_on = call.array(Value::from_slice(&[0i64, 1], 2));
        Some(call.node("OneHot", &[&index, &classes, &off_and_on], vec![("axis", Attribute::Int(-1))]))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let classes = inputs[0].contiguous();
        check_range(self.name(), &classes, self.classes)?;
        let read = classes.read();
        Ok(Value::build(&output.shape, |out| index::one_hot(read.slice(), self.classes, out)))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let classes = inputs[0].contiguous();
        check_range(self.name(), &classes, self.classes)?;
        let out = Value::on_cuda(device, output)?;
        wengert_cuda::index::one_hot(classes.on_device()?, self.classes, out.device_memory()?)?;
        Ok(out)
    }
}

impl Tensor {
    /// Class numbers (i64, any shape) as unit vectors along a new last axis of `classes`: 1 at the class, 0 elsewhere.
    /// i64, as in PyTorch.
    ///
    /// # Panics
    /// When a class is not in `0..classes`.
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Tensor {
        must(apply(OneHot { classes }, &[self]))
    }
}
