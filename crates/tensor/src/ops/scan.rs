//! Running sums and products.

use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Spec, Values};
use crate::shape;
use crate::{DType, Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::{Number, scan};
use wengert_cuda::Device;

pub(crate) const OPS: &[&str] = &["cumsum"];

/// Running sum along one axis, from its end where `reverse`.
#[derive(Clone, Copy, Debug)]
struct CumSum {
    dim: isize,
    reverse: bool,
}

impl Op for CumSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [Spec { shape, dtype }] = inputs else {
            return Err(Error::argument(self.name(), format!("takes 1 input, got {}", inputs.len())));
        };
        shape::axis(self.name(), self.dim, shape.rank())?;
        Ok(Spec::new(shape, if dtype.is_float() { *dtype } else { DType::I64 }))
    }

    fn onnx(&self, call: &mut Call) -> Option<String> {
        if call.output().dtype != call.spec(0).dtype {
            return None;
        }
        let (x, axis) = (call.input(0), call.number_of(self.dim as f64, DType::I64));
        Some(call.node("CumSum", &[&x, &axis], vec![("reverse", Attribute::Int(i64::from(self.reverse)))]))
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let x = inputs[0].contiguous();
        let x = x.read();
        let axis = shape::axis(self.name(), self.dim, output.shape.rank())?;
        let (shape, dims, reverse) = (&output.shape, output.shape.around(axis), self.reverse);
        if output.dtype.is_float() {
            return for_float!(output.dtype, self.name(), T => Ok(Value::build(shape, |out: &mut [T]| {
                let step = |total: f64, x: T| total + x.to_f64();
                scan::cumulate(x.slice(), dims, reverse, out, 0.0, step, T::from_f64);
            })));
        }
        let integers = |x: &[i64]| {
            Value::build(shape, |out| {
                scan::cumulate(x, dims, reverse, out, 0i64, i64::wrapping_add, |total| total)
            })
        };
        Ok(match inputs[0].dtype() {
            DType::I64 => integers(x.slice()),
            DType::U8 => integers(&x.slice::<u8>().iter().map(|&x| i64::from(x)).collect::<Vec<_>>()),
            _ => integers(&x.slice::<bool>().iter().map(|&x| i64::from(x)).collect::<Vec<_>>()),
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let x = inputs[0].contiguous();
        let axis = shape::axis(self.name(), self.dim, output.shape.rank())?;
        let out = Value::on_cuda(device, output)?;
        let sizes = output.shape.around(axis);
        wengert_cuda::scan::cumsum(x.on_device()?, sizes, self.reverse, out.device_memory()?)?;
        Ok(out)
    }

    /// Each element enters every later sum, so the gradient is the running sum from the other end.
    fn vjp(&self, _saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        Ok(smallvec![Some(apply(CumSum { reverse: !self.reverse, ..*self }, &[cotangent])?)])
    }
}

impl Tensor {
    /// yᵢ = x₀ + … + xᵢ along `dim`; floats are added in f64, integers and booleans as i64.
    ///
    /// # Panics
    /// When `dim` is out of range.
    #[track_caller]
    pub fn cumsum(&self, dim: isize) -> Tensor {
        must(apply(CumSum { dim, reverse: false }, &[self]))
    }

    /// yᵢ = x₀ · … · xᵢ along `dim`, of whole numbers and truth values in i64. The gradient is right at zeros too.
    ///
    /// # Panics
    /// When `dim` is out of range.
    #[track_caller]
    pub fn cumprod(&self, dim: isize) -> Tensor {
        let axis = must(shape::axis("cumprod", dim, self.rank()));
        let size = self.dims()[axis];
        // After each step every element is the product of twice as many (Hillis and Steele, 1986).
        let mut product = if self.dtype().is_float() { self.clone() } else { self.to_dtype(DType::I64) };
        let mut reach = 1;
        while reach < size {
            let ones = product.new_full(self.shape().with_dim(axis, reach), 1.0);
            let earlier = Tensor::cat(&[&ones, &product.narrow(dim, 0, size - reach)], dim);
            product = product * earlier;
            reach *= 2;
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_small_integers_do_not_wrap() {
        let product = Tensor::from_slice(&[100u8, 3], 2).cumprod(0);
        assert_eq!((product.dtype(), product.to_vec::<i64>()), (DType::I64, vec![100, 300]));
    }
}
