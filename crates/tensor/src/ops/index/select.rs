//! Whole slices picked along an axis by one index each, and added back.

use super::{check_index_dtype, check_range, overwritable};
use crate::apply::{apply, apply_owned, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::shape::axis;
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::index;
use wengert_cuda::Device;

/// Inputs: the source and a vector of indices. `out[i][j][k] = source[i][index[j]][k]` for axis 1 of three.
#[derive(Clone, Debug)]
struct IndexSelect {
    axis: usize,
}

/// Inputs: the target, a vector of indices and the source. `out[i][index[j]][k] += source[i][j][k]` for axis 1 of three.
#[derive(Clone, Debug)]
struct IndexAdd {
    axis: usize,
}

fn check_vector(op: &'static str, index: &Spec) -> Result<usize> {
    check_index_dtype(op, index)?;
    match *index.shape {
        [length] => Ok(length),
        _ => Err(Error::shape(op, format!("the indices must be a vector, got {}", index.shape))),
    }
}

impl Op for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let shape = inputs[0].shape.with_dim(self.axis, check_vector(self.name(), &inputs[1])?);
        shape.checked_numel(self.name())?;
        Ok(Spec::new(shape, inputs[0].dtype))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("Gather", vec![("axis", Attribute::Int(self.axis as i64))]))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (source, places) = (inputs[0].contiguous(), inputs[1].contiguous());
        let [outer, size, inner] = source.shape().around(self.axis);
        check_range(self.name(), &places, size)?;
        let (source, places) = (source.read(), places.read());
        Ok(for_any!(output.dtype, T => Value::build(&output.shape, |out: &mut [T]| {
            index::index_select(source.slice::<T>(), places.slice(), outer, inner, out)
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let (source, places) = (inputs[0].contiguous(), inputs[1].contiguous());
        let sizes = source.shape().around(self.axis);
        check_range(self.name(), &places, sizes[1])?;
        let out = Value::on_cuda(device, output)?;
        let memory = out.device_memory()?;
        wengert_cuda::index::index_select(source.on_device()?, sizes, places.on_device()?, memory)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let zeros = cotangent.new_full(&saved.spec(0).shape, 0.0);
        let grad =
            apply_owned(IndexAdd { axis: self.axis }, smallvec![zeros, saved.input(1), cotangent.clone()])?;
        Ok(smallvec![Some(grad), None])
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Op for IndexAdd {
    fn name(&self) -> &'static str {
        "index_add"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [target, index, source] = [0, 1, 2].map(|i| &inputs[i]);
        let needed = target.shape.with_dim(self.axis, check_vector(self.name(), index)?);
        if source.shape != needed {
            let detail =
                format!("the source must be {needed} for this target and index, got {}", source.shape);
            return Err(Error::shape(self.name(), detail));
        }
        if source.dtype != target.dtype {
            let detail = format!("the target is {} and the source {}", target.dtype, source.dtype);
            return Err(Error::dtype(self.name(), detail));
        }
        for_number!(target.dtype, self.name(), _T => Ok(target.clone()))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn forward(&self, mut inputs: Values, output: &Spec) -> Result<Value> {
        let [outer, size, inner] = output.shape.around(self.axis);
        let (places, source) = (inputs[1].contiguous(), inputs[2].contiguous());
        check_range(self.name(), &places, size)?;
        let target = overwritable(inputs.swap_remove(0))?;
        let (places, source) = (places.read(), source.read());
        let mut write = target.write();
        for_number!(output.dtype, self.name(), T => {
            index::index_add(write.slice_mut::<T>(), places.slice(), source.slice(), outer, inner);
            Ok(())
        })?;
        drop(write);
        Ok(target)
    }

    fn forward_cuda(&self, mut inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        let sizes = output.shape.around(self.axis);
        let (places, source) = (inputs[1].contiguous(), inputs[2].contiguous());
        check_range(self.name(), &places, sizes[1])?;
        let target = overwritable(inputs.swap_remove(0))?;
        let memory = target.device_memory()?;
        wengert_cuda::scatter::index_add(memory, sizes, places.on_device()?, source.on_device()?)?;
        Ok(target)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let source = if saved.needs(2) {
            Some(apply(IndexSelect { axis: self.axis }, &[cotangent, &saved.input(1)])?)
        } else {
            None
        };
        Ok(smallvec![Some(cotangent.clone()), None, source])
    }
}

impl Tensor {
    /// Slices of axis `dim` in the order of `index`, a vector of i64: `out[i][j][k] = self[i][index[j]][k]` for `dim` =
    /// 1 of three axes.
    ///
    /// # Panics
    /// When an index is out of range.
    #[track_caller]
    pub fn index_select(&self, dim: isize, index: &Tensor) -> Tensor {
        must(
            axis("index_select", dim, self.rank())
                .and_then(|axis| apply(IndexSelect { axis }, &[self, index])),
        )
    }

    /// A copy with slices of `source` added along axis `dim`: `out[i][index[j]][k] += source[i][j][k]` for `dim` = 1 of
    /// three axes. Repeated indices add up in the order of j, with the same bits each time.
    ///
    /// # Panics
    /// When an index is out of range or the shape of `source` does not fit.
    #[track_caller]
    pub fn index_add(&self, dim: isize, index: &Tensor, source: &Tensor) -> Tensor {
        must(
            axis("index_add", dim, self.rank())
                .and_then(|axis| apply(IndexAdd { axis }, &[self, index, source])),
        )
    }
}
