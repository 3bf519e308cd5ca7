//! A part of an axis, and the adjoint, which puts it back among zeros.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::Call;
use crate::op::{Gradients, Op, Spec, Values};
use crate::shape::axis;
use crate::{Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::join;
use wengert_cuda::Device;

/// Elements `start, start + step, …` of an axis, `length` of them.
#[derive(Clone, Debug)]
struct Slice {
    axis: usize,
    start: usize,
    length: usize,
    step: usize,
}

/// Zeros of `size` along an axis, with the input at `start, start + step, …`.
#[derive(Clone, Debug)]
struct SliceGrad {
    axis: usize,
    start: usize,
    step: usize,
    size: usize,
}

/// Whether `length` elements from `start` on, `step` apart, lie within an axis of `size`.
fn fits(start: usize, length: usize, step: usize, size: usize) -> bool {
    let last = length.checked_sub(1).map_or(Some(0), |steps| steps.checked_mul(step));
    let last = last.and_then(|reach| reach.checked_add(start));
    if length == 0 { start <= size } else { last.is_some_and(|last| last < size) }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let Self { axis, start, length, step } = *self;
        let shape = &inputs[0].shape;
        if step == 0 {
            return Err(Error::argument(self.name(), "the step must be at least 1"));
        }
        if !fits(start, length, step, shape[axis]) {
            let detail = format!(
                "{length} elements from {start} on, {step} apart, do not lie within axis {axis} of {shape}"
            );
            return Err(Error::argument(self.name(), detail));
        }
        Ok(Spec::new(shape.with_dim(axis, length), inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, _output: &Spec) -> Result<Value> {
        let layout = inputs[0].layout().slice(self.axis, self.start, self.length, self.step as isize);
        Ok(inputs[0].with_layout(layout))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, _device: &Device) -> Result<Value> {
        self.forward(inputs, output)
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        let Self { axis, start, length, step } = *self;
        let size = call.spec(0).shape[axis];
        let end = start + length.saturating_sub(1) * step + length.min(1);
        // All the rest, however long the axis is, unless it is cut off.
        let end = if end == size { i64::MAX } else { end as i64 };
        let bounds = [start as i64, end, axis as i64, step as i64].map(|bound| call.sizes([bound]));
        let [start, end, axis, step] = bounds.each_ref().map(String::as_str);
        let x = call.input(0);
        Some(call.node("Slice", &[&x, start, end, axis, step], Vec::new()))
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let size = saved.spec(0).shape[self.axis];
        Ok(smallvec![Some(put_slice(cotangent, self.axis, self.start, self.step, size)?)])
    }

    fn flops(&self, _inputs: &[Spec], _output: &Spec) -> u64 {
        0
    }
}

impl Op for SliceGrad {
    fn name(&self) -> &'static str {
        "slice_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let Self { axis, start, step, size } = *self;
        let shape = &inputs[0].shape;
        if step == 0 || !fits(start, shape[axis], step, size) {
            let detail =
                format!("axis {axis} of {shape} does not fit into {size} from {start} on, {step} apart");
            return Err(Error::shape(self.name(), detail));
        }
        let shape = shape.with_dim(axis, size);
        shape.checked_numel(self.name())?;
        Ok(Spec::new(shape, inputs[0].dtype))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let grad = inputs[0].contiguous();
        let read = grad.read();
        let sizes = grad.shape().around(self.axis);
        Ok(for_any!(output.dtype, T => Value::build(&output.shape, |out: &mut [T]| {
            join::slice_grad(read.slice::<T>(), sizes, [self.start, self.step], out)
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let grad = inputs[0].contiguous();
        let (sizes, steps) = (grad.shape().around(self.axis), [self.start, self.step]);
        let out = Value::on_cuda(device, output)?;
        wengert_cuda::join::slice_grad(grad.on_device()?, sizes, self.size, steps, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let length = saved.spec(0).shape[self.axis];
        let slice = Slice { axis: self.axis, start: self.start, length, step: self.step };
        Ok(smallvec![Some(apply(slice, &[cotangent])?)])
    }
}

/// Zeros of `size` along `axis`, with `input` at `start, start + step, …`: the adjoint of a slice.
fn put_slice(input: &Tensor, axis: usize, start: usize, step: usize, size: usize) -> Result<Tensor> {
    apply(SliceGrad { axis, start, step, size }, &[input])
}

impl Tensor {
    /// `length` elements of axis `dim` from `start` on. A view.
    ///
    /// # Panics
    /// When they do not lie within the axis.
    #[track_caller]
    pub fn narrow(&self, dim: isize, start: usize, length: usize) -> Tensor {
        let axis = must(axis("narrow", dim, self.rank()));
        must(apply(Slice { axis, start, length, step: 1 }, &[self]))
    }

    /// Every `step`-th element of axis `dim` from `start` up to but without `end`, as Python's `start:end:step`:
    /// negative positions count from the end, and those beyond the axis are moved to its edge, so `isize::MAX` as
    /// `end` means all the rest. A view.
    ///
    /// # Panics
    /// When `dim` is out of range or `step` is 0.
    #[track_caller]
    pub fn slice(&self, dim: isize, start: isize, end: isize, step: usize) -> Tensor {
        let axis = must(axis("slice", dim, self.rank()));
        let size = self.dims()[axis] as isize;
        let position = |index: isize| (if index < 0 { index + size } else { index }).clamp(0, size) as usize;
        let (start, end) = (position(start), position(end));
        let length = end.saturating_sub(start).div_ceil(step.max(1));
        must(apply(Slice { axis, start, length, step }, &[self]))
    }

    /// The slice at `index` of axis `dim`, without that axis; a negative index counts from the end. A view.
    ///
    /// # Panics
    /// When `dim` or `index` is out of range.
    #[track_caller]
    pub fn select(&self, dim: isize, index: isize) -> Tensor {
        let axis = must(axis("select", dim, self.rank()));
        let size = self.dims()[axis] as isize;
        let start = if index < 0 { index + size } else { index };
        if !(0..size).contains(&start) {
            let detail = format!("index {index} is out of range for axis {axis} of {}", self.shape());
            must(Err(Error::index("select", detail)))
        }
        let slice = must(apply(Slice { axis, start: start as usize, length: 1, step: 1 }, &[self]));
        slice.reshape(self.shape().without_dim(axis))
    }

    /// The elements `(…, i, …, i, …)` of two axes, as a new last axis of the shorter one's size.
    ///
    /// # Panics
    /// When the axes are the same or out of range.
    #[track_caller]
    pub fn diagonal(&self, first: isize, second: isize) -> Tensor {
        let rank = self.rank();
        let (first, second) = (must(axis("diagonal", first, rank)), must(axis("diagonal", second, rank)));
        if first == second {
            must(Err(Error::argument("diagonal", format!("needs two axes, got {first} twice"))))
        }
        let order = (0..rank).filter(|&axis| axis != first && axis != second).chain([first, second]);
        let matrices = self.permute(&order.map(|axis| axis as isize).collect::<Vec<_>>());
        let (rows, columns) = (self.dims()[first], self.dims()[second]);
        // Row-major, neighbours on the diagonal lie one row and one column apart.
        let step = columns + 1;
        let end = (rows.min(columns) * step).min(rows * columns);
        matrices.flatten(-2, -1).slice(-1, 0, end as isize, step)
    }

    /// The matrix with this vector on its diagonal and zeros elsewhere, or the diagonal of this matrix.
    ///
    /// # Panics
    /// When there are neither one nor two axes.
    #[track_caller]
    pub fn diag(&self) -> Tensor {
        match *self.dims() {
            [n] => {
                let elements = must(Shape::from([n, n]).checked_numel("diag"));
                must(put_slice(self, 0, 0, n + 1, elements)).reshape([n, n])
            }
            [_, _] => self.diagonal(0, 1),
            _ => must(Err(Error::shape("diag", format!("takes a vector or a matrix, got {}", self.shape())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_slice_fits() {
        assert!(fits(0, 3, 2, 5) && fits(5, 0, 1, 5) && fits(4, 1, usize::MAX, 5));
        assert!(
            !fits(1, 3, 2, 5)
                && !fits(6, 0, 1, 5)
                && !fits(1, 3, usize::MAX, 5)
                && !fits(usize::MAX, 2, 1, 5)
        );
    }
}
