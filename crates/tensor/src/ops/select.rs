//! Choosing between elements by a mask.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::compare::expect_mask;
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::{same_dtype, stretched, take, zip_to, zip3_to};
use crate::shape::broadcast;
use crate::{DType, Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::map::{binary, map2_in_place};
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["where", "masked_fill"];

/// a where the condition holds, b elsewhere. Inputs: condition, a, b; shapes broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Where;

impl Op for Where {
    fn name(&self) -> &'static str {
        "where"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [condition, a, b] = take("where", inputs)?;
        expect_mask("where", condition)?;
        let dtype = same_dtype("where", a.dtype, b.dtype)?;
        let shape = broadcast("where", &broadcast("where", &condition.shape, &a.shape)?, &b.shape)?;
        Ok(Spec::new(shape, dtype))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("Where", Vec::new()))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[0])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        Ok(for_any!(output.dtype, T => {
            zip3_to(&inputs, &output.shape, |condition: bool, a: T, b: T| if condition { a } else { b })
        }))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::map::<3>(Family::Compare, "where", [0.0; 2], inputs, output, device)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let condition = saved.input(0);
        let to_a = || cotangent.masked_fill(&condition.logical_not(), 0.0).sum_to(&saved.spec(1).shape);
        let to_b = || cotangent.masked_fill(&condition, 0.0).sum_to(&saved.spec(2).shape);
        Ok(smallvec![None, saved.needs(1).then(to_a), saved.needs(2).then(to_b)])
    }
}

/// `value` where the mask holds, x elsewhere. Inputs: x, and a mask that broadcasts to its shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskedFill {
    /// What the masked elements become.
    pub value: f64,
}

impl Op for MaskedFill {
    fn name(&self) -> &'static str {
        "masked_fill"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [input, mask] = take("masked_fill", inputs)?;
        expect_mask("masked_fill", mask)?;
        if broadcast("masked_fill", &input.shape, &mask.shape)? != input.shape {
            let detail =
                format!("a mask of {} does not broadcast to the input's {}", mask.shape, input.shape);
            return Err(Error::shape("masked_fill", detail));
        }
        Ok(input.clone())
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let (x, mask, value) = (call.input(0), call.input(1), call.number(self.value));
        Some(call.node("Where", &[&mask, &value, &x], Vec::new()))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (input, mask) = (&inputs[0], &inputs[1]);
        if output.dtype == DType::Bool {
            let value = self.value != 0.0;
            let chosen = move |x: bool, masked: bool| if masked { value } else { x };
            return Ok(zip_to(input, mask, &output.shape, chosen));
        }
        for_number!(output.dtype, "masked_fill", T => {
            let value = <T as wengert_cpu::Number>::from_f64(self.value);
            let chosen = move |x: T, masked: bool| if masked { value } else { x };
            if input.is_unique() {
                map2_in_place(input.write().slice_mut::<T>(), stretched(mask, &output.shape).read().view(), &binary(chosen));
                return Ok(input.clone());
            }
            Ok(zip_to(input, mask, &output.shape, chosen))
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::map::<2>(Family::Compare, "masked_fill", [self.value, 0.0], inputs, output, device)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![saved.needs(0).then(|| cotangent.masked_fill(&saved.input(1), 0.0)), None])
    }
}

impl Tensor {
    /// `a` where this bool tensor is true, `b` elsewhere (PyTorch's `torch.where`). All three shapes broadcast; `a` and
    /// `b` have one type. No gradient flows to the side that was not chosen.
    ///
    /// # Panics
    /// When this tensor is not bool, the types of `a` and `b` differ, or the shapes do not broadcast.
    #[track_caller]
    pub fn where_(&self, a: &Tensor, b: &Tensor) -> Tensor {
        must(apply(Where, &[self, a, b]))
    }

    /// A copy with `value` where `mask` is true, and no gradient there. `mask` is bool and broadcasts to this shape.
    ///
    /// # Panics
    /// When `mask` is not bool or does not broadcast to this shape.
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor, value: f64) -> Tensor {
        must(apply(MaskedFill { value }, &[self, mask]))
    }
}
