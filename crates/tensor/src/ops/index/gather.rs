//! Elements picked along an axis by an index for each, and the ways to put them back.

use super::{check_index_dtype, check_range, overwritable};
use crate::apply::{apply, apply_owned, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::shape::axis;
use crate::{Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::{Number, index};
use wengert_cuda::{Device, scatter::Combine};

/// Inputs: the source and indices. `out[i][j][k] = source[i][index[i][j][k]][k]` for axis 1 of three.
#[derive(Clone, Debug)]
struct Gather {
    axis: usize,
}

/// Inputs: the target, indices and the source. `out[i][index[i][j][k]][k] = source[i][j][k]` for axis 1 of three, or
/// `+=` where `add`.
#[derive(Clone, Debug)]
struct Scatter {
    axis: usize,
    add: bool,
}

/// Fails unless the index reaches nowhere outside `whole` along the axes other than `axis`.
fn check_reach(op: &'static str, index: &Shape, whole: &Shape, axis: usize) -> Result<()> {
    let within = index.rank() == whole.rank()
        && index.iter().zip(whole.iter()).enumerate().all(|(i, (&size, &bound))| i == axis || size <= bound);
    if within {
        return Ok(());
    }
    Err(Error::shape(op, format!("the index {index} must not exceed {whole} along any axis but {axis}")))
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        check_index_dtype(self.name(), &inputs[1])?;
        check_reach(self.name(), &inputs[1].shape, &inputs[0].shape, self.axis)?;
        Ok(Spec::new(&inputs[1].shape, inputs[0].dtype))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        Some(call.over_inputs("GatherElements", vec![("axis", Attribute::Int(self.axis as i64))]))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        check_range(self.name(), &inputs[1], inputs[0].shape()[self.axis])?;
        let (source, places) = (inputs[0].read(), inputs[1].read());
        Ok(for_any!(output.dtype, T => Value::build(&output.shape, |out: &mut [T]| {
            index::gather(source.view::<T>(), places.view(), self.axis, out)
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        check_range(self.name(), &inputs[1], inputs[0].shape()[self.axis])?;
        let out = Value::on_cuda(device, output)?;
        let (source, places) = (inputs[0].on_device()?, inputs[1].on_device()?);
        wengert_cuda::index::gather(source, places, self.axis, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let zeros = cotangent.new_full(&saved.spec(0).shape, 0.0);
        let add = Scatter { axis: self.axis, add: true };
        let grad = apply_owned(add, smallvec![zeros, saved.input(1), cotangent.clone()])?;
        Ok(smallvec![Some(grad), None])
    }
}

impl Op for Scatter {
    fn name(&self) -> &'static str {
        if self.add { "scatter_add" } else { "scatter" }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [target, index, source] = [0, 1, 2].map(|i| &inputs[i]);
        check_index_dtype(self.name(), index)?;
        check_reach(self.name(), &index.shape, &target.shape, self.axis)?;
        if source.shape != index.shape {
            let detail =
                format!("the source {} must not be smaller than the index {}", source.shape, index.shape);
            return Err(Error::shape(self.name(), detail));
        }
        if source.dtype != target.dtype {
            let detail = format!("the target is {} and the source {}", target.dtype, source.dtype);
            return Err(Error::dtype(self.name(), detail));
        }
        if self.add {
            for_number!(target.dtype, self.name(), _T => Ok(()))?;
        }
        Ok(target.clone())
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1])
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let reduction = Attribute::Text(if self.add { "add" } else { "none" });
        let attributes = vec![("axis", Attribute::Int(self.axis as i64)), ("reduction", reduction)];
        Some(call.over_inputs("ScatterElements", attributes))
    }

    fn forward(&self, mut inputs: Values, output: &Spec) -> Result<Value> {
        check_range(self.name(), &inputs[1], output.shape[self.axis])?;
        let target = overwritable(inputs.swap_remove(0))?;
        // The last operand has taken the first one's place.
        let (source, places) = (inputs[0].read(), inputs[1].read());
        let mut write = target.write();
        if self.add {
            for_number!(output.dtype, self.name(), T => {
                let out = write.slice_mut::<T>();
                let add = |sum: &mut T, more: T| *sum = sum.plus(more);
                index::scatter(out, &output.shape, places.view(), source.view(), self.axis, add);
                Ok(())
            })?;
        } else {
            for_any!(output.dtype, T => {
                let out = write.slice_mut::<T>();
                index::scatter(out, &output.shape, places.view(), source.view(), self.axis, |old, new: T| *old = new)
            });
        }
        drop(write);
        Ok(target)
    }

    fn forward_cuda(&self, mut inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        check_range(self.name(), &inputs[1], output.shape[self.axis])?;
        let target = overwritable(inputs.swap_remove(0))?;
        // The last operand has taken the first one's place.
        let (source, places) = (inputs[0].on_device()?, inputs[1].on_device()?);
        let combine = if self.add { Combine::Add } else { Combine::Replace };
        let memory = target.device_memory()?;
        wengert_cuda::scatter::scatter(memory, &output.shape, places, source, self.axis, combine)?;
        Ok(target)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let index = saved.input(1);
        let target = match (saved.needs(0), self.add) {
            (false, _) => None,
            (true, true) => Some(cotangent.clone()),
            // What was overwritten had no influence.
            (true, false) => {
                let zeros = cotangent.new_full(index.shape(), 0.0);
                Some(apply(self.clone(), &[cotangent, &index, &zeros])?)
            }
        };
        let source = if saved.needs(2) {
            Some(apply(Gather { axis: self.axis }, &[cotangent, &index])?)
        } else {
            None
        };
        Ok(smallvec![target, None, source])
    }
}

impl Tensor {
    /// Elements picked along axis `dim`: `out[i][j][k] = self[i][index[i][j][k]][k]` for `dim` = 1 of three axes. The
    /// result has the shape of `index` (i64), which may be shorter than self along the other axes.
    ///
    /// # Panics
    /// When an index is out of range, or the index is longer than self along another axis.
    #[track_caller]
    pub fn gather(&self, dim: isize, index: &Tensor) -> Tensor {
        must(axis("gather", dim, self.rank()).and_then(|axis| apply(Gather { axis }, &[self, index])))
    }

    /// A copy with elements replaced: `out[i][index[i][j][k]][k] = source[i][j][k]` for `dim` = 1 of three axes.
    /// Where an index occurs twice, the last one in row-major order stays, but the gradient reaches all of them, as
    /// in PyTorch.
    ///
    /// # Panics
    /// When an index is out of range, or `index` (i64) is longer than `source`, or than self along another axis.
    #[track_caller]
    pub fn scatter(&self, dim: isize, index: &Tensor, source: &Tensor) -> Tensor {
        must(self.scatter_with(dim, false, index, source))
    }

    /// As [`scatter`](Tensor::scatter), with one value for all.
    #[track_caller]
    pub fn scatter_value(&self, dim: isize, index: &Tensor, value: f64) -> Tensor {
        let source = self.new_full((), value).broadcast_to(index.shape());
        must(self.scatter_with(dim, false, index, &source))
    }

    /// A copy with elements added to: `out[i][index[i][j][k]][k] += source[i][j][k]` for `dim` = 1 of three axes.
    /// Repeated indices add up, in row-major order, with the same bits each time.
    ///
    /// # Panics
    /// When an index is out of range, or `index` (i64) is longer than `source`, or than self along another axis.
    #[track_caller]
    pub fn scatter_add(&self, dim: isize, index: &Tensor, source: &Tensor) -> Tensor {
        must(self.scatter_with(dim, true, index, source))
    }

    fn scatter_with(&self, dim: isize, add: bool, index: &Tensor, source: &Tensor) -> Result<Tensor> {
        let scatter =
            Scatter { axis: axis(if add { "scatter_add" } else { "scatter" }, dim, self.rank())?, add };
        if source.rank() != index.rank()
            || source.dims().iter().zip(index.dims()).any(|(have, used)| have < used)
        {
            return apply(scatter, &[self, index, source]); // refused there
        }
        let used = (0..index.rank()).fold(source.clone(), |source, axis| {
            if source.dims()[axis] == index.dims()[axis] {
                return source;
            }
            source.narrow(axis as isize, 0, index.dims()[axis])
        });
        apply(scatter, &[self, index, &used])
    }
}
