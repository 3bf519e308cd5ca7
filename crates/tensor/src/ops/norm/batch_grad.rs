//! The gradients of batch normalisation, as ops with gradients of their own.

use super::batch::{BatchNorm, check_affine, check_input, dims, on_device, per_channel, sizes, wrong_count};
use super::{check, input_grad_grad, plain_input_grad, plain_normalised};
use crate::apply::apply;
use crate::autograd::{Saved, no_grad};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::activation;
use crate::{Result, Shape, Tensor, Value};
use smallvec::{SmallVec, smallvec};
use wengert_cpu::{Activation, norm};
use wengert_cuda::Device;

/// Both gradients of one batch normalisation.
pub(super) struct BatchNormGrad {
    epsilon: f64,
    /// The rectifier and the bias before it: with the weight they tell its slope, for which no gradient flows into them.
    rectifier: Option<(Activation, Tensor)>,
}

impl BatchNormGrad {
    pub fn plain(epsilon: f64) -> Self {
        Self { epsilon, rectifier: None }
    }

    pub fn rectified(epsilon: f64, activation: Activation, bias: Tensor) -> Self {
        Self { epsilon, rectifier: Some((activation, bias.detach())) }
    }

    /// `[2, C]`: the gradients of bias and weight.
    pub fn affine(&self, g: &Tensor, x: &Tensor, statistics: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
        let epsilon = self.epsilon;
        match (&self.rectifier, weight) {
            (Some((activation, bias)), Some(weight)) => {
                let op = BatchNormAffineGrad { epsilon, activation: Some(*activation) };
                apply(op, &[g, x, statistics, &weight.detach(), bias])
            }
            _ => apply(BatchNormAffineGrad { epsilon, activation: None }, &[g, x, statistics]),
        }
    }

    /// The gradient of x, given the statistics of x and what [`affine`](Self::affine) gives.
    pub fn input(
        &self,
        g: &Tensor,
        x: &Tensor,
        statistics: &Tensor,
        sums: &Tensor,
        weight: Option<&Tensor>,
    ) -> Result<Tensor> {
        let sums = sums.detach();
        let mut inputs: SmallVec<[&Tensor; 6]> = smallvec![g, x, statistics, &sums];
        inputs.extend(weight);
        let activation = self.rectifier.as_ref().map(|(activation, bias)| {
            inputs.push(bias);
            *activation
        });
        apply(BatchNormInputGrad { epsilon: self.epsilon, activation }, &inputs)
    }
}

/// g times the slope of the rectifier after a batch normalisation of these inputs.
fn rectified(op: BatchNorm, g: &Tensor, normalised: &[&Tensor]) -> Result<Tensor> {
    match op.activation {
        Some(activation) => activation::gradient(activation, g, &no_grad(|| apply(op, normalised))?),
        None => Ok(g.clone()),
    }
}

/// `g, x, statistics (derived)` → `[2, C]`: the gradients Σ g of the bias and Σ g · x̂ of the weight. With an activation
/// also `weight, bias (both for its slope only)`, and g times that slope in the place of g.
#[derive(Clone, Copy, Debug)]
struct BatchNormAffineGrad {
    epsilon: f64,
    activation: Option<Activation>,
}

impl Op for BatchNormAffineGrad {
    fn name(&self) -> &'static str {
        "batch_norm_affine_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let wanted = if self.activation.is_some() { 5 } else { 3 };
        let [gradient, x, statistics, affine @ ..] = inputs else {
            return Err(wrong_count(self.name(), "3 or 5", inputs.len()));
        };
        if inputs.len() != wanted {
            return Err(wrong_count(self.name(), "3 or 5", inputs.len()));
        }
        let [_, channels, _] = check_input(self.name(), x)?;
        check(self.name(), "gradient", gradient, &x.shape, x.dtype)?;
        check(self.name(), "statistics", statistics, &Shape::from([2, channels]), x.dtype)?;
        check_affine(self.name(), affine, channels, x.dtype)?;
        Ok(Spec::new([2, channels], x.dtype))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS.and_output()
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let dims = sizes(self.name(), inputs[1].shape())?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (gradient, x, statistics) = (inputs[0].read(), inputs[1].read(), inputs[2].read());
        let (weight, bias) = (inputs.get(3).map(Value::read), inputs.get(4).map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let (weight, bias) = (weight.as_ref().map(|w| w.slice()), bias.as_ref().map(|b| b.slice()));
            let Self { epsilon, activation } = *self;
            norm::BatchNorm { dims, statistics: statistics.slice(), weight, bias, epsilon, activation }
                .affine_grad(gradient.slice(), x.slice(), out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let dims = sizes(self.name(), inputs[1].shape())?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let out = Value::on_cuda(device, output)?;
        on_device(dims, &inputs[2..], self.epsilon, self.activation)?.affine_grad(
            inputs[0].on_device()?,
            inputs[1].on_device()?,
            out.device_memory()?,
        )?;
        Ok(out)
    }

    /// With the cotangents b of Σ g and w of Σ g · x̂: for g it is b + w · x̂, for x it is I(w · g).
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let epsilon = self.epsilon;
        let (gradient, x, statistics) = (saved.input(0), saved.input(1), saved.input(2));
        let (bias, weight) = (cotangent.select(0, 0), cotangent.select(0, 1));
        let through_rectifier = |g: &Tensor| match self.activation {
            Some(_) => {
                let op = BatchNorm { epsilon, activation: self.activation };
                rectified(op, g, &[&x, &statistics, &saved.input(3), &saved.input(4)])
            }
            None => Ok(g.clone()),
        };
        let of_gradient = match saved.needs(0) {
            true => {
                let plain = BatchNorm { epsilon, activation: None };
                Some(through_rectifier(&apply(plain, &[&x, &statistics, &weight, &bias])?)?)
            }
            false => None,
        };
        let of_x = match saved.needs(1) {
            true => {
                let gradient = through_rectifier(&gradient)?;
                let plain = BatchNormGrad::plain(epsilon);
                Some(plain.input(&gradient, &x, &statistics, &saved.output(), Some(&weight))?)
            }
            false => None,
        };
        let mut gradients: Gradients = smallvec![of_gradient, of_x];
        gradients.resize(saved.input_count(), None);
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (gradient, x) = (plain_rectified(self.epsilon, self.activation, &inputs[0], &inputs[1], &inputs[3..])?, &inputs[1]);
        let dims = dims(x.rank());
        let (normalised, _) = plain_normalised(x, &dims, self.epsilon);
        Some(Tensor::stack(&[&gradient.sum(&dims, false), &(&gradient * normalised).sum(&dims, false)], 0))
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        4 * inputs[1].shape.numel() as u64
    }
}

/// The plain form of g times the slope of the rectifier, for an input x, a weight and a bias.
fn plain_rectified(
    epsilon: f64,
    activation: Option<Activation>,
    g: &Tensor,
    x: &Tensor,
    affine: &[Tensor],
) -> Option<Tensor> {
    let Some(activation) = activation else { return Some(g.clone()) };
    let (normalised, _) = plain_normalised(x, &dims(x.rank()), epsilon);
    let argument = normalised * per_channel(&affine[0], x.rank()) + per_channel(&affine[1], x.rank());
    activation::gradient(activation, g, &argument.activate(activation)).ok()
}

/// `g, x, statistics (derived), sums (derived), [weight]` → I(g) · weight: the gradient of the input of batch norm. With
/// an activation also `bias (for its slope only)`, and g times that slope in the place of g.
#[derive(Clone, Copy, Debug)]
struct BatchNormInputGrad {
    epsilon: f64,
    activation: Option<Activation>,
}

impl Op for BatchNormInputGrad {
    fn name(&self) -> &'static str {
        "batch_norm_input_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [gradient, x, statistics, sums, affine @ ..] = inputs else {
            return Err(wrong_count(self.name(), "4 to 6", inputs.len()));
        };
        if affine.len() > 2 || (affine.len() == 2) != self.activation.is_some() {
            return Err(wrong_count(self.name(), "4 to 6", inputs.len()));
        }
        let [_, channels, _] = check_input(self.name(), x)?;
        let pair = Shape::from([2, channels]);
        check(self.name(), "gradient", gradient, &x.shape, x.dtype)?;
        check(self.name(), "statistics", statistics, &pair, x.dtype)?;
        check(self.name(), "sums", sums, &pair, x.dtype)?;
        check_affine(self.name(), affine, channels, x.dtype)?;
        Ok(x.clone())
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let dims = sizes(self.name(), &output.shape)?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (gradient, x) = (inputs[0].read(), inputs[1].read());
        let (statistics, sums) = (inputs[2].read(), inputs[3].read());
        let (weight, bias) = (inputs.get(4).map(Value::read), inputs.get(5).map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let (weight, bias) = (weight.as_ref().map(|w| w.slice()), bias.as_ref().map(|b| b.slice()));
            let Self { epsilon, activation } = *self;
            norm::BatchNorm { dims, statistics: statistics.slice(), weight, bias, epsilon, activation }
                .input_grad(gradient.slice(), x.slice(), sums.slice(), out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let dims = sizes(self.name(), &output.shape)?;
        let mut inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let sums = inputs.remove(3);
        let out = Value::on_cuda(device, output)?;
        on_device(dims, &inputs[2..], self.epsilon, self.activation)?.input_grad(
            inputs[0].on_device()?,
            inputs[1].on_device()?,
            sums.on_device()?,
            out.device_memory()?,
        )?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (epsilon, plain) = (self.epsilon, BatchNormGrad::plain(self.epsilon));
        let (x, statistics, sums) = (saved.input(1), saved.input(2), saved.input(3));
        let weight = (saved.input_count() > 4).then(|| saved.input(4));
        let through_rectifier = |g: &Tensor| match (self.activation, &weight) {
            (Some(_), Some(weight)) => {
                let op = BatchNorm { epsilon, activation: self.activation };
                rectified(op, g, &[&x, &statistics, weight, &saved.input(5)])
            }
            _ => Ok(g.clone()),
        };
        // From here on g is what reaches the rectifier's argument, and the op is that of the plain form.
        let g = through_rectifier(&saved.input(0))?;
        let rank = x.rank();
        let (u, dims) = (cotangent, dims(rank));
        let sums_of_u = plain.affine(u, &x, &statistics, None)?;
        let of_g = match saved.needs(0) {
            true => Some(through_rectifier(&plain.input(u, &x, &statistics, &sums_of_u, weight.as_ref())?)?),
            false => None,
        };
        let mut gradients: Gradients = smallvec![of_g];
        gradients.resize(saved.input_count(), None);
        let needs_weight = weight.is_some() && saved.needs(4);
        let i_of_g = match saved.needs(1) || needs_weight {
            true => Some(plain.input(&g, &x, &statistics, &sums, None)?),
            false => None,
        };
        if let (true, Some(i_of_g)) = (saved.needs(1), &i_of_g) {
            let i_of_u = plain.input(u, &x, &statistics, &sums_of_u, None)?;
            let normalised = apply(BatchNorm { epsilon, activation: None }, &[&x, &statistics])?;
            let variance = x.batch_norm_statistics().select(0, 1);
            let mut scale = variance.add_scalar(epsilon).rsqrt();
            if let Some(weight) = &weight {
                scale = scale * weight;
            }
            let scale = per_channel(&scale, rank);
            gradients[1] = Some(input_grad_grad(u, &i_of_u, &g, i_of_g, &normalised, &scale, &dims));
        }
        if needs_weight {
            gradients[4] = i_of_g.map(|i_of_g| (u * i_of_g).sum(&dims, false));
        }
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let rank = inputs[1].rank();
        let g = plain_rectified(self.epsilon, self.activation, &inputs[0], &inputs[1], &inputs[4..])?;
        let gradient = plain_input_grad(&g, &inputs[1], &dims(rank), self.epsilon);
        Some(match inputs.get(4) {
            Some(weight) => gradient * per_channel(weight, rank),
            None => gradient,
        })
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        5 * output.shape.numel() as u64
    }
}
