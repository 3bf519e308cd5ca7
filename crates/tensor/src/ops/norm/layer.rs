//! Layer normalisation (Ba, Kiros and Hinton, 2016, arXiv:1607.06450).

use super::{
    check, check_epsilon, check_float, input_grad_grad, plain_input_grad, plain_normalised, plain_scale,
};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::norm;
use wengert_cuda::{Device, layer_norm};

/// Which axes are normalised together: the last `axes`.
#[derive(Clone, Copy, Debug)]
struct Trailing {
    axes: usize,
}

impl Trailing {
    /// Sizes of the normalised axes.
    fn shape(self, x: &Shape) -> Shape {
        Shape::from(&x[x.rank() - self.axes..])
    }

    /// The normalised axes, counted from the back.
    fn dims(self) -> Vec<isize> {
        (1..=self.axes as isize).rev().map(|dim| -dim).collect()
    }

    fn check(self, op: &'static str, x: &Spec, epsilon: f64) -> Result<()> {
        check_float(op, x.dtype)?;
        check_epsilon(op, epsilon)?;
        if self.axes == 0 || self.axes > x.shape.rank() {
            let detail = format!("cannot normalise the last {} axes of {}", self.axes, x.shape);
            return Err(Error::argument(op, detail));
        }
        Ok(())
    }
}

fn wrong_count(op: &'static str, wanted: &str, found: usize) -> Error {
    Error::argument(op, format!("takes {wanted} inputs, got {found}"))
}

/// `x, [weight, [bias]]` → x̂ · weight + bias.
#[derive(Clone, Copy, Debug)]
struct LayerNorm {
    trailing: Trailing,
    epsilon: f64,
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [x, affine @ ..] = inputs else { return Err(wrong_count(self.name(), "1 to 3", inputs.len())) };
        if affine.len() > 2 {
            return Err(wrong_count(self.name(), "1 to 3", inputs.len()));
        }
        self.trailing.check(self.name(), x, self.epsilon)?;
        for (spec, what) in affine.iter().zip(["weight", "bias"]) {
            check(self.name(), what, spec, &self.trailing.shape(&x.shape), x.dtype)?;
        }
        Ok(x.clone())
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[0, 1])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let n = self.trailing.shape(&output.shape).numel();
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let x = inputs[0].read();
        let (weight, bias) = (inputs.get(1).map(Value::read), inputs.get(2).map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let (weight, bias) = (weight.as_ref().map(|w| w.slice()), bias.as_ref().map(|b| b.slice()));
            norm::layer_norm(x.slice(), n, weight, bias, self.epsilon, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let n = self.trailing.shape(&output.shape).numel();
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let parameter = |i: usize| inputs.get(i).map(Value::on_device).transpose();
        let (affine, out) = ([parameter(1)?, parameter(2)?], Value::on_cuda(device, output)?);
        layer_norm::layer_norm(inputs[0].on_device()?, n, affine, self.epsilon, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let LayerNorm { trailing, epsilon } = *self;
        let x = saved.input(0);
        let weight = (saved.input_count() > 1).then(|| saved.input(1));
        let mut gradients: Gradients = smallvec![None; saved.input_count()];
        if saved.needs(0) {
            gradients[0] = Some(input_grad(cotangent, &x, weight.as_ref(), trailing, epsilon)?);
        }
        if weight.is_some() && saved.needs(1) {
            gradients[1] = Some(apply(LayerNormWeightGrad { trailing, epsilon }, &[cotangent, &x])?);
        }
        if saved.input_count() > 2 && saved.needs(2) {
            gradients[2] = Some(cotangent.sum_to(&trailing.shape(x.shape())));
        }
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (mut y, _) = plain_normalised(&inputs[0], &self.trailing.dims(), self.epsilon);
        if let Some(weight) = inputs.get(1) {
            y = y * weight;
        }
        if let Some(bias) = inputs.get(2) {
            y = y + bias;
        }
        Some(y)
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        8 * output.shape.numel() as u64
    }
}

/// `g, x, [weight]` → I(g · weight): the gradient of the input of layer norm.
#[derive(Clone, Copy, Debug)]
struct LayerNormInputGrad {
    trailing: Trailing,
    epsilon: f64,
}

/// I(gradient · weight).
fn input_grad(
    gradient: &Tensor,
    x: &Tensor,
    weight: Option<&Tensor>,
    trailing: Trailing,
    epsilon: f64,
) -> Result<Tensor> {
    let op = LayerNormInputGrad { trailing, epsilon };
    match weight {
        Some(weight) => apply(op, &[gradient, x, weight]),
        None => apply(op, &[gradient, x]),
    }
}

impl Op for LayerNormInputGrad {
    fn name(&self) -> &'static str {
        "layer_norm_input_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [gradient, x, weight @ ..] = inputs else {
            return Err(wrong_count(self.name(), "2 or 3", inputs.len()));
        };
        if weight.len() > 1 {
            return Err(wrong_count(self.name(), "2 or 3", inputs.len()));
        }
        self.trailing.check(self.name(), x, self.epsilon)?;
        check(self.name(), "gradient", gradient, &x.shape, x.dtype)?;
        for weight in weight {
            check(self.name(), "weight", weight, &self.trailing.shape(&x.shape), x.dtype)?;
        }
        Ok(x.clone())
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let n = self.trailing.shape(&output.shape).numel();
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (gradient, x) = (inputs[0].read(), inputs[1].read());
        let weight = inputs.get(2).map(Value::read);
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let weight = weight.as_ref().map(|weight| weight.slice());
            norm::layer_norm_input_grad(gradient.slice(), x.slice(), n, weight, self.epsilon, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let n = self.trailing.shape(&output.shape).numel();
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let weight = inputs.get(2).map(Value::on_device).transpose()?;
        let (g, x, out) = (inputs[0].on_device()?, inputs[1].on_device()?, Value::on_cuda(device, output)?);
        layer_norm::input_grad(g, x, n, weight, self.epsilon, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let LayerNormInputGrad { trailing, epsilon } = *self;
        let (g, x, u) = (saved.input(0), saved.input(1), cotangent);
        let weight = (saved.input_count() > 2).then(|| saved.input(2));
        let of_u = input_grad(u, &x, None, trailing, epsilon)?;
        let mut gradients: Gradients = smallvec![None; saved.input_count()];
        if saved.needs(0) {
            gradients[0] = Some(match &weight {
                Some(weight) => &of_u * weight,
                None => of_u.clone(),
            });
        }
        if saved.needs(1) {
            let dims = trailing.dims();
            let h = match &weight {
                Some(weight) => &g * weight,
                None => g.clone(),
            };
            let of_h = input_grad(&h, &x, None, trailing, epsilon)?;
            let normalised = apply(LayerNorm { trailing, epsilon }, &[&x])?;
            let scale = plain_scale(&x, &dims, epsilon);
            gradients[1] = Some(input_grad_grad(u, &of_u, &h, &of_h, &normalised, &scale, &dims));
        }
        if let Some(weight) = weight.filter(|_| saved.needs(2)) {
            gradients[2] = Some((g * of_u).sum_to(weight.shape()));
        }
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let dims = self.trailing.dims();
        Some(match inputs.get(2) {
            Some(weight) => plain_input_grad(&(&inputs[0] * weight), &inputs[1], &dims, self.epsilon),
            None => plain_input_grad(&inputs[0], &inputs[1], &dims, self.epsilon),
        })
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        14 * output.shape.numel() as u64
    }
}

/// `g, x` → Σ g · x̂ over the leading axes: the gradient of the weight of layer norm.
#[derive(Clone, Copy, Debug)]
struct LayerNormWeightGrad {
    trailing: Trailing,
    epsilon: f64,
}

impl Op for LayerNormWeightGrad {
    fn name(&self) -> &'static str {
        "layer_norm_weight_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [gradient, x] = inputs else { return Err(wrong_count(self.name(), "2", inputs.len())) };
        self.trailing.check(self.name(), x, self.epsilon)?;
        check(self.name(), "gradient", gradient, &x.shape, x.dtype)?;
        Ok(Spec::new(self.trailing.shape(&x.shape), x.dtype))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (gradient, x) = (inputs[0].read(), inputs[1].read());
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            norm::layer_norm_weight_grad(gradient.slice(), x.slice(), output.shape.numel(), self.epsilon, out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (g, x, out) = (inputs[0].on_device()?, inputs[1].on_device()?, Value::on_cuda(device, output)?);
        layer_norm::weight_grad(g, x, output.shape.numel(), self.epsilon, out.device_memory()?)?;
        Ok(out)
    }

    /// With the cotangent w: for g it is w · x̂, for x it is I(g · w).
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let LayerNormWeightGrad { trailing, epsilon } = *self;
        let (g, x) = (saved.input(0), saved.input(1));
        let mut gradients: Gradients = smallvec![None, None];
        if saved.needs(0) {
            gradients[0] = Some(apply(LayerNorm { trailing, epsilon }, &[&x, cotangent])?);
        }
        if saved.needs(1) {
            gradients[1] = Some(input_grad(&g, &x, Some(cotangent), trailing, epsilon)?);
        }
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (gradient, x) = (&inputs[0], &inputs[1]);
        let (normalised, _) = plain_normalised(x, &self.trailing.dims(), self.epsilon);
        Some((gradient * normalised).sum_to(&self.trailing.shape(x.shape())))
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        8 * inputs[1].shape.numel() as u64
    }
}

impl Tensor {
    /// Layer normalisation: (x − mean) / √(variance + ε) · weight + bias, with the mean and the biased variance over
    /// the last axes, whose sizes are `normalized_shape`. Weight and bias have that shape; without them they are 1
    /// and 0.
    ///
    /// # Panics
    /// When `normalized_shape` is empty or not the end of the input's shape, or a shape or type does not fit.
    #[track_caller]
    pub fn layer_norm(
        &self,
        normalized_shape: &[usize],
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        epsilon: f64,
    ) -> Tensor {
        if !self.dims().ends_with(normalized_shape) {
            let detail = format!("normalized_shape {normalized_shape:?} is not the end of {}", self.shape());
            return must(Err(Error::shape("layer_norm", detail)));
        }
        let op = LayerNorm { trailing: Trailing { axes: normalized_shape.len() }, epsilon };
        must(match (weight, bias) {
            (None, None) => apply(op, &[self]),
            (Some(weight), None) => apply(op, &[self, weight]),
            (Some(weight), Some(bias)) => apply(op, &[self, weight, bias]),
            (None, Some(bias)) => apply(op, &[self, &bias.ones_like(), bias]),
        })
    }
}
