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
        shape::line(self.name(), self.dim, shape)?;
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
        let dims = shape::line(self.name(), self.dim, &output.shape)?;
        let (shape, reverse) = (&output.shape, self.reverse);
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
        let sizes = shape::line(self.name(), self.dim, &output.shape)?;
        let out = Value::on_cuda(device, output)?;
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
        let [_, size, _] = must(shape::line("cumprod", dim, self.shape()));
        // After each step every element is the product of twice as many (Hillis and Steele, 1986).
        let mut product = if self.dtype().is_float() { self.clone() } else { self.to_dtype(DType::I64) };
        let mut reach = 1;
        while reach < size {
            let ones = product.narrow(dim, 0, reach).ones_like();
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

    #[test]
    fn a_scalar_is_a_line_of_one() {
        let x = Tensor::scalar(3.0).requires_grad_(true);
        for dim in [0, -1] {
            assert_eq!((x.cumsum(dim).item(), x.cumprod(dim).item()), (3.0, 3.0));
            assert_eq!((x.softmax(dim).item(), x.log_softmax(dim).item()), (1.0, 0.0));
            assert_eq!((x.sum(&[dim], true).item(), x.mean(&[dim], false).item()), (3.0, 3.0));
            assert_eq!((x.prod(&[dim], false).item(), x.amax(&[dim], false).item()), (3.0, 3.0));
            assert_eq!((x.logsumexp(&[dim], false).item(), x.norm(2.0, &[dim], false).item()), (3.0, 3.0));
            assert_eq!(x.argmax(dim, false).to_vec::<i64>(), [0]);
        }
        (x.softmax(0) + x.log_softmax(-1) + x.cumsum(0) + x.sum(&[0], false)).backward().unwrap();
        assert_eq!(x.grad().unwrap().item(), 2.0);
        let error = crate::attempt(|| x.softmax(1)).unwrap_err().to_string();
        assert!(error.contains("softmax: dim 1 is out of range"), "{error}");
    }
}
