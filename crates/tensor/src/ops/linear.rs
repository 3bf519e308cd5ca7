//! The fully connected layer, fused: product, bias and activation in one pass.

use super::activation;
use super::matmul::as_rows;
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::onnx::{Attribute, Call};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::Activation;
use wengert_cpu::gemm::{self, Epilogue, RowFunction};
use wengert_cuda::gemm as cuda_gemm;

pub(crate) const OPS: &[&str] = &["linear", "linear_relu", "linear_leaky_relu", "linear_tanh", "linear_sigmoid"];

/// Inputs: x [batch…, features], weight [units, features] and perhaps a bias [units]. Output: x·weightᵀ + bias,
/// [batch…, units], activated where an activation is given.
#[derive(Clone, Copy, Debug)]
struct Linear {
    activation: Option<Activation>,
}

impl Op for Linear {
    fn name(&self) -> &'static str {
        match self.activation {
            None => "linear",
            Some(Activation::Relu) => "linear_relu",
            Some(Activation::LeakyRelu { .. }) => "linear_leaky_relu",
            Some(Activation::Tanh) => "linear_tanh",
            Some(Activation::Sigmoid) => "linear_sigmoid",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let (x, weight, bias) = (&inputs[0], &inputs[1], inputs.get(2));
        let (Some(&features), [units, weight_features]) = (x.shape.last(), &*weight.shape) else {
            let detail = format!(
                "needs an input [batch…, features] and a weight [units, features], got {} and {}",
                x.shape, weight.shape
            );
            return Err(Error::shape(self.name(), detail));
        };
        if features != *weight_features {
            let detail = format!(
                "the input {} has {features} features and the weight {} takes {weight_features}",
                x.shape, weight.shape
            );
            return Err(Error::shape(self.name(), detail));
        }
        if let Some(bias) = bias.filter(|bias| *bias.shape != [*units]) {
            let detail = format!("the bias must be [{units}], got {}", bias.shape);
            return Err(Error::shape(self.name(), detail));
        }
        if let Some(other) = inputs.iter().find(|input| input.dtype != x.dtype) {
            let detail = format!("the input is {} and a parameter {}", x.dtype, other.dtype);
            return Err(Error::dtype(self.name(), detail));
        }
        if let Some(activation) = self.activation {
            activation::check(self.name(), activation)?;
        }
        let shape = x.shape.with_dim(x.shape.rank() - 1, *units);
        shape.checked_numel(self.name())?;
        for_float!(x.dtype, self.name(), _T => Ok(Spec::new(shape, x.dtype)))
    }

    fn saves(&self) -> Saves {
        const OPERANDS: Saves = Saves::inputs(&[0, 1]);
        if self.activation.is_some() { OPERANDS.and_output() } else { OPERANDS }
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let x = as_rows(&inputs[0]);
        let weight = inputs[1].with_layout(inputs[1].layout().permute(&[1, 0]));
        let bias = inputs.get(2).map(Value::contiguous);
        let (x, weight, bias) = (x.read(), weight.read(), bias.as_ref().map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let column_bias = bias.as_ref().map(|bias| bias.slice::<T>());
            let activate = self.activation.map(|activation| move |row: &mut [T]| activation.apply(row));
            let activation = activate.as_ref().map(|activate| activate as RowFunction<T>);
            gemm::matmul(x.view(), weight.view(), out, Epilogue { accumulate: false, column_bias, activation })
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &wengert_cuda::Device) -> Result<Value> {
        let x = as_rows(&inputs[0]);
        let weight = inputs[1].with_layout(inputs[1].layout().permute(&[1, 0]));
        let bias = inputs.get(2).map(Value::contiguous);
        let out = Value::on_cuda(device, output)?;
        let epilogue = cuda_gemm::Epilogue {
            accumulate: false,
            column_bias: bias.as_ref().map(Value::on_device).transpose()?,
            activation: self.activation.map(activation::on_device),
        };
        let (x, weight, memory) = (x.on_device()?, weight.on_device()?, out.device_memory()?);
        cuda_gemm::matmul(x, weight, memory, epilogue, cuda_gemm::Precision::default())?;
        Ok(out)
    }

    /// For Y = X·Wᵀ + b: dX = dY·W, dW = dYᵀ·X, and db is the sum of the rows of dY. Of f(Y), dY is what comes in times
    /// f′, told from the output.
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (x, weight) = (saved.input(0), saved.input(1));
        let through_activation = match self.activation {
            Some(activation) => Some(activation::gradient(activation, cotangent, &saved.output())?),
            None => None,
        };
        let cotangent = through_activation.as_ref().unwrap_or(cotangent);
        let [units, features] = [weight.dims()[0], weight.dims()[1]];
        let rows = x.dims()[..x.rank() - 1].iter().product();
        let flat = cotangent.reshape([rows, units]);
        let mut gradients: Gradients = smallvec![
            saved.needs(0).then(|| cotangent.matmul(&weight)),
            saved.needs(1).then(|| flat.t().matmul(&x.reshape([rows, features]))),
        ];
        if saved.input_count() == 3 {
            gradients.push(saved.needs(2).then(|| flat.sum(&[0], false)));
        }
        Ok(gradients)
    }

    /// One operator for matrices; where there are more axes, the plain form.
    fn onnx(&self, call: &mut Call) -> Option<String> {
        if call.spec(0).shape.rank() != 2 {
            return None;
        }
        let product = call.over_inputs("Gemm", vec![("transB", Attribute::Int(1))]);
        let (operator, attributes) = match self.activation {
            None => return Some(product),
            Some(Activation::Relu) => ("Relu", Vec::new()),
            Some(Activation::LeakyRelu { negative_slope }) => {
                ("LeakyRelu", vec![("alpha", Attribute::Float(negative_slope as f32))])
            }
            Some(Activation::Tanh) => ("Tanh", Vec::new()),
            Some(Activation::Sigmoid) => ("Sigmoid", Vec::new()),
        };
        Some(call.node(operator, &[&product], attributes))
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        if let Some(activation) = self.activation {
            return Some(inputs[0].linear(&inputs[1], inputs.get(2)).activate(activation));
        }
        let product = inputs[0].matmul(&inputs[1].t());
        Some(inputs.get(2).map_or_else(|| product.clone(), |bias| product.add(bias)))
    }

    fn flops(&self, inputs: &[Spec], output: &Spec) -> u64 {
        let features = inputs[1].shape[1] as u64;
        let bias = u64::from(inputs.len() == 3);
        output.shape.numel() as u64 * (2 * features + bias)
    }
}

impl Tensor {
    /// x·weightᵀ + bias, for x = self [batch…, features], `weight` [units, features] and `bias` \[units\]; the result is
    /// [batch…, units].
    ///
    /// # Panics
    /// When shapes or dtypes do not fit, or the dtype is not a float.
    #[track_caller]
    pub fn linear(&self, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
        must(apply_to(Linear { activation: None }, self, weight, bias))
    }

    /// f(x·weightᵀ + bias) as one op: [`linear`](Tensor::linear) with the activation f applied while the result is in
    /// cache.
    ///
    /// # Panics
    /// As [`linear`](Tensor::linear), and when the slope of a leaky ReLU is negative.
    #[track_caller]
    pub fn linear_activated(&self, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Tensor {
        must(apply_to(Linear { activation: Some(activation) }, self, weight, bias))
    }
}

#[track_caller]
fn apply_to(op: Linear, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => apply(op, &[x, weight, bias]),
        None => apply(op, &[x, weight]),
    }
}
