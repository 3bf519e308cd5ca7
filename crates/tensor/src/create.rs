//! Tensors from nothing.

use crate::apply::must;
use crate::device::{default_device, on_device};
use crate::{DType, Device, Element, Error, Result, Shape, Spec, Tensor, Value};
use wengert_cpu::Number;
use wengert_cuda::elementwise;

impl Tensor {
    /// `shape` filled with `value`, converted to `dtype`; a truth value is true for anything but 0.
    ///
    /// # Panics
    /// When `shape` is larger than memory can address.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: f64, dtype: DType) -> Tensor {
        let shape = shape.into();
        must(shape.checked_numel("full"));
        if let Device::Cuda(ordinal) = default_device() {
            return must(filled_on_device(ordinal, Spec::new(shape, dtype), value));
        }
        Tensor::from_value(match dtype {
            DType::F32 => Value::full(shape, value as f32),
            DType::F64 => Value::full(shape, value),
            DType::I64 => Value::full(shape, value as i64),
            DType::U8 => Value::full(shape, value as u8),
            DType::Bool => Value::full(shape, value != 0.0),
        })
    }

    /// `shape` filled with zeros.
    ///
    /// # Panics
    /// When `shape` is larger than memory can address.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        Self::full(shape, 0.0, dtype)
    }

    /// `shape` filled with ones.
    ///
    /// # Panics
    /// When `shape` is larger than memory can address.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>, dtype: DType) -> Tensor {
        Self::full(shape, 1.0, dtype)
    }

    /// `value` in this tensor's shape and type, on its device.
    pub fn full_like(&self, value: f64) -> Tensor {
        on_device(self.device(), || Self::full(self.shape(), value, self.dtype()))
    }

    /// `shape` filled with `value`, in this tensor's type and on its device.
    ///
    /// # Panics
    /// When `shape` is larger than memory can address.
    #[track_caller]
    pub fn new_full(&self, shape: impl Into<Shape>, value: f64) -> Tensor {
        on_device(self.device(), || Self::full(shape, value, self.dtype()))
    }

    /// Zeros in this tensor's shape and type.
    pub fn zeros_like(&self) -> Tensor {
        self.full_like(0.0)
    }

    /// Ones in this tensor's shape and type.
    pub fn ones_like(&self) -> Tensor {
        self.full_like(1.0)
    }

    /// i64 numbers `start, start + step, …` up to, but not including, `end`.
    ///
    /// # Panics
    /// When `step` is zero, or there are more numbers than memory can address.
    #[track_caller]
    pub fn arange(start: i64, end: i64, step: i64) -> Tensor {
        if step == 0 {
            panic!("arange: the step must not be zero");
        }
        let (distance, stride) = if step > 0 {
            (i128::from(end) - i128::from(start), i128::from(step))
        } else {
            (i128::from(start) - i128::from(end), -i128::from(step))
        };
        let count = if distance <= 0 { 0 } else { (distance + stride - 1) / stride };
        let shape = Shape::from(usize::try_from(count).unwrap_or(usize::MAX));
        must(shape.checked_numel("arange"));
        must(Tensor::placed(Value::build(shape, |out: &mut [i64]| {
            for (i, value) in out.iter_mut().enumerate() {
                // Exact, because the sum fits even where the product wraps around.
                *value = start.wrapping_add((i as i64).wrapping_mul(step));
            }
        })))
    }

    /// `count` evenly spaced floats from `start` to `end`, both included.
    ///
    /// # Panics
    /// When `dtype` is not f32 or f64, or `count` is more than memory can address.
    #[track_caller]
    pub fn linspace(start: f64, end: f64, count: usize, dtype: DType) -> Tensor {
        must(Shape::from(count).checked_numel("linspace"));
        let step = if count > 1 { (end - start) / (count - 1) as f64 } else { 0.0 };
        // From both ends towards the middle, so that the last value is exactly `end`.
        let at = |i: usize| {
            if i < count.div_ceil(2) { start + step * i as f64 } else { end - step * (count - 1 - i) as f64 }
        };
        must(for_float!(dtype, "linspace", T => Tensor::placed(Value::build(count, |out: &mut [T]| {
            for (i, value) in out.iter_mut().enumerate() {
                *value = T::from_f64(at(i));
            }
        }))))
    }

    /// The n×n identity matrix.
    ///
    /// # Panics
    /// When `dtype` is bool, or the matrix is larger than memory can address.
    #[track_caller]
    pub fn eye(n: usize, dtype: DType) -> Tensor {
        must(Shape::from([n, n]).checked_numel("eye"));
        must(for_number!(dtype, "eye", T => Tensor::placed(Value::build([n, n], |out: &mut [T]| {
            out.fill(T::ZERO);
            out.iter_mut().step_by(n + 1).for_each(|value| *value = T::ONE);
        }))))
    }

    /// A leaf that asks for a gradient, from a copy of this tensor's elements.
    ///
    /// # Errors
    /// When the tensor does not hold floats.
    pub fn to_parameter(&self, name: &str) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return Err(Error::dtype(
                "to_parameter",
                format!("only floats have gradients, got {}", self.dtype()),
            ));
        }
        Ok(self.copy().requires_grad_(true).named(name))
    }

    /// A constant with its own copy of the elements, row-major, where they lie.
    pub fn copy(&self) -> Tensor {
        if let Device::Cuda(_) = self.device() {
            return Tensor::from_value(must(self.value().copied_on_device()));
        }
        for_any!(self.dtype(), T => self.copy_as::<T>())
    }

    fn copy_as<T: Element>(&self) -> Tensor {
        Tensor::from_value(Value::build(self.shape(), |out: &mut [T]| {
            self.value().read().view().copy_to(out)
        }))
    }
}

/// An array of one number on a device.
fn filled_on_device(ordinal: usize, spec: Spec, value: f64) -> Result<Tensor> {
    let filled = Value::on_cuda(&wengert_cuda::Device::get(ordinal)?, &spec)?;
    let number = match spec.dtype {
        DType::F32 => elementwise::Number::F32(value as f32),
        DType::F64 => elementwise::Number::F64(value),
        DType::I64 => elementwise::Number::I64(value as i64),
        DType::U8 => elementwise::Number::U8(value as u8),
        DType::Bool => elementwise::Number::U8(u8::from(value != 0.0)),
    };
    elementwise::fill(filled.device_memory()?, spec.shape.numel(), number)?;
    Ok(Tensor::from_value(filled))
}

#[cfg(test)]
mod tests {
    use crate::Tensor;

    #[test]
    fn arange_reaches_from_end_to_end() {
        let steps = Tensor::arange(i64::MIN, i64::MAX, i64::MAX).to_vec::<i64>();
        assert_eq!(steps, [i64::MIN, -1, i64::MAX - 1]);
        assert_eq!(Tensor::arange(i64::MAX, i64::MIN, i64::MIN).to_vec::<i64>(), [i64::MAX, -1]);
    }
}
