//! Rows of a table looked up by number.

use super::{check_index_dtype, check_range};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::index;
use wengert_cuda::Device;

/// Inputs: the table [rows, features] and indices of any shape. Row `padding_idx` receives no gradient.
#[derive(Clone, Debug)]
struct Embedding {
    padding_idx: Option<usize>,
}

impl Op for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        check_index_dtype(self.name(), &inputs[1])?;
        let [rows, features] = *inputs[0].shape else {
            let detail = format!("the table must be [rows, features], got {}", inputs[0].shape);
            return Err(Error::shape(self.name(), detail));
        };
        if let Some(padding) = self.padding_idx.filter(|&padding| padding >= rows) {
            let detail = format!("padding_idx {padding} is out of range: the table has {rows} rows");
            return Err(Error::argument(self.name(), detail));
        }
        let shape: Shape = inputs[1].shape.iter().copied().chain([features]).collect();
        shape.checked_numel(self.name())?;
        Ok(Spec::new(shape, inputs[0].dtype))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("Gather", vec![("axis", Attribute::Int(0))]))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (table, places) = (inputs[0].contiguous(), inputs[1].contiguous());
        let [_, rows, features] = table.shape().around(0);
        check_range(self.name(), &places, rows)?;
        let (table, places) = (table.read(), places.read());
        Ok(for_any!(output.dtype, T => Value::build(&output.shape, |out: &mut [T]| {
            index::index_select(table.slice::<T>(), places.slice(), 1, features, out)
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let (table, places) = (inputs[0].contiguous(), inputs[1].contiguous());
        let sizes = table.shape().around(0);
        check_range(self.name(), &places, sizes[1])?;
        let out = Value::on_cuda(device, output)?;
        let memory = out.device_memory()?;
        wengert_cuda::index::index_select(table.on_device()?, sizes, places.on_device()?, memory)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let table = &saved.spec(0).shape;
        let index = saved.input(1);
        let index = index.reshape([index.numel()]);
        let mut rows = cotangent.reshape([index.numel(), table[1]]);
        if let Some(padding) = self.padding_idx {
            let padded = index.eq_scalar(padding as f64).unsqueeze(1);
            rows = rows.masked_fill(&padded, 0.0);
        }
        let zeros = cotangent.new_full(table, 0.0);
        Ok(smallvec![Some(zeros.index_add(0, &index, &rows)), None])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let [table, index] = inputs else { return None };
        if self.padding_idx.is_some() {
            return None;
        }
        let shape: Vec<usize> = index.dims().iter().copied().chain([table.dims()[1]]).collect();
        Some(table.index_select(0, &index.reshape([index.numel()])).reshape(shape))
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Tensor {
    /// Rows of this table [rows, features] looked up by `index`, i64 of any shape: the result is [index…, features].
    /// Row `padding_idx` receives no gradient. Gradients of a row used often add up in a fixed order.
    ///
    /// # Panics
    /// When an index or `padding_idx` is out of range.
    #[track_caller]
    pub fn embedding(&self, index: &Tensor, padding_idx: Option<usize>) -> Tensor {
        must(apply(Embedding { padding_idx }, &[self, index]))
    }
}
