//! Batch normalisation (Ioffe and Szegedy, 2015, arXiv:1502.03167).
//!
//! A batch is `[N, C, …]`; statistics are taken for each channel over N and the axes after C.
//!
//! Some inputs of the ops here are *derived*: `statistics` and the two `sums` are functions of the other inputs,
//! handed in only so that they are computed once. They carry no gradient; the gradients of the other inputs include
//! the way through them.

use super::{check, check_epsilon, check_float, input_grad_grad, plain_input_grad, plain_normalised};
use crate::apply::{apply, must};
use crate::autograd::{Saved, no_grad};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::{DType, Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::norm;

/// `[N, C, …]` as batch, channels and positions in a channel.
fn sizes(op: &'static str, shape: &Shape) -> Result<[usize; 3]> {
    match &shape[..] {
        [batch, channels, rest @ ..] => Ok([*batch, *channels, rest.iter().product()]),
        _ => Err(Error::shape(op, format!("needs an input [N, C, …], got {shape}"))),
    }
}

/// All axes but the channels.
fn dims(rank: usize) -> Vec<isize> {
    (0..rank as isize).filter(|&axis| axis != 1).collect()
}

/// `[C]` shaped so that it broadcasts along the channels of an input of this rank.
fn per_channel(tensor: &Tensor, rank: usize) -> Tensor {
    let mut shape = vec![1; rank];
    shape[1] = tensor.numel();
    tensor.reshape(shape)
}

fn check_input(op: &'static str, x: &Spec) -> Result<[usize; 3]> {
    check_float(op, x.dtype)?;
    sizes(op, &x.shape)
}

/// Checks the optional weight and bias that end a list of inputs.
fn check_affine(op: &'static str, affine: &[Spec], channels: usize, dtype: DType) -> Result<()> {
    for (spec, what) in affine.iter().zip(["weight", "bias"]) {
        check(op, what, spec, &Shape::from(channels), dtype)?;
    }
    Ok(())
}

fn wrong_count(op: &'static str, wanted: &str, found: usize) -> Error {
    Error::argument(op, format!("takes {wanted} inputs, got {found}"))
}

/// `x` → `[2, C]`: means, then biased variances.
#[derive(Clone, Copy, Debug)]
struct BatchNormStatistics;

impl Op for BatchNormStatistics {
    fn name(&self) -> &'static str {
        "batch_norm_statistics"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [x] = inputs else { return Err(wrong_count(self.name(), "1", inputs.len())) };
        let [batch, channels, length] = check_input(self.name(), x)?;
        if channels > 0 && batch * length < 2 {
            let detail = format!("a variance needs more than one value a channel, got {}", x.shape);
            return Err(Error::shape(self.name(), detail));
        }
        Ok(Spec::new([2, channels], x.dtype))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[0])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let dims = sizes(self.name(), inputs[0].shape())?;
        let x = inputs[0].contiguous();
        let x = x.read();
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            norm::batch_norm_statistics(x.slice(), dims, out);
        })))
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let x = saved.input(0);
        let rank = x.rank();
        let [batch, _, length] = sizes(self.name(), x.shape())?;
        let of_mean = per_channel(&cotangent.select(0, 0), rank);
        let of_variance = per_channel(&cotangent.select(0, 1), rank);
        let centred = &x - x.mean(&dims(rank), true);
        let sum = (centred * of_variance).mul_scalar(2.0) + of_mean;
        Ok(smallvec![Some(sum.mul_scalar(1.0 / (batch * length) as f64))])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let dims = dims(inputs[0].rank());
        let (mean, variance) = (inputs[0].mean(&dims, false), inputs[0].var(&dims, 0.0, false));
        Some(Tensor::stack(&[&mean, &variance], 0))
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        4 * inputs[0].shape.numel() as u64
    }
}

/// `x, statistics (derived), [weight, [bias]]` → x̂ · weight + bias.
#[derive(Clone, Copy, Debug)]
struct BatchNorm {
    epsilon: f64,
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [x, statistics, affine @ ..] = inputs else {
            return Err(wrong_count(self.name(), "2 to 4", inputs.len()));
        };
        if affine.len() > 2 {
            return Err(wrong_count(self.name(), "2 to 4", inputs.len()));
        }
        check_epsilon(self.name(), self.epsilon)?;
        let [_, channels, _] = check_input(self.name(), x)?;
        check(self.name(), "statistics", statistics, &Shape::from([2, channels]), x.dtype)?;
        check_affine(self.name(), affine, channels, x.dtype)?;
        Ok(x.clone())
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[0, 1, 2])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let dims = sizes(self.name(), &output.shape)?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (x, statistics) = (inputs[0].read(), inputs[1].read());
        let (weight, bias) = (inputs.get(2).map(Value::read), inputs.get(3).map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let (weight, bias) = (weight.as_ref().map(|w| w.slice()), bias.as_ref().map(|b| b.slice()));
            norm::batch_norm(x.slice(), dims, statistics.slice(), weight, bias, self.epsilon, out);
        })))
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let epsilon = self.epsilon;
        let (x, statistics) = (saved.input(0), saved.input(1));
        let count = saved.input_count();
        let weight = (count > 2).then(|| saved.input(2));
        let sums = apply(BatchNormAffineGrad { epsilon }, &[cotangent, &x, &statistics])?;
        let input = match saved.needs(0) {
            true => Some(input_grad(cotangent, &x, &statistics, &sums, weight.as_ref(), epsilon)?),
            false => None,
        };
        let mut gradients: Gradients = smallvec![input, None];
        gradients
            .extend((2..count).map(|i| saved.needs(i).then(|| sums.select(0, if i == 2 { 1 } else { 0 }))));
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let rank = inputs[0].rank();
        let (mut y, _) = plain_normalised(&inputs[0], &dims(rank), self.epsilon);
        if let Some(weight) = inputs.get(2) {
            y = y * per_channel(weight, rank);
        }
        if let Some(bias) = inputs.get(3) {
            y = y + per_channel(bias, rank);
        }
        Some(y)
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        3 * output.shape.numel() as u64
    }
}

/// `g, x, statistics (derived)` → `[2, C]`: the gradients Σ g of the bias and Σ g · x̂ of the weight.
#[derive(Clone, Copy, Debug)]
struct BatchNormAffineGrad {
    epsilon: f64,
}

impl Op for BatchNormAffineGrad {
    fn name(&self) -> &'static str {
        "batch_norm_affine_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [gradient, x, statistics] = inputs else {
            return Err(wrong_count(self.name(), "3", inputs.len()));
        };
        let [_, channels, _] = check_input(self.name(), x)?;
        check(self.name(), "gradient", gradient, &x.shape, x.dtype)?;
        check(self.name(), "statistics", statistics, &Shape::from([2, channels]), x.dtype)?;
        Ok(Spec::new([2, channels], x.dtype))
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[0, 1, 2]).and_output()
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let dims = sizes(self.name(), inputs[1].shape())?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (gradient, x, statistics) = (inputs[0].read(), inputs[1].read(), inputs[2].read());
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            norm::batch_norm_affine_grad(gradient.slice(), x.slice(), dims, statistics.slice(), self.epsilon, out);
        })))
    }

    /// With the cotangents b of Σ g and w of Σ g · x̂: for g it is b + w · x̂, for x it is I(w · g).
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let epsilon = self.epsilon;
        let (gradient, x, statistics) = (saved.input(0), saved.input(1), saved.input(2));
        let (bias, weight) = (cotangent.select(0, 0), cotangent.select(0, 1));
        let of_gradient = match saved.needs(0) {
            true => Some(apply(BatchNorm { epsilon }, &[&x, &statistics, &weight, &bias])?),
            false => None,
        };
        let of_x = match saved.needs(1) {
            true => Some(input_grad(&gradient, &x, &statistics, &saved.output(), Some(&weight), epsilon)?),
            false => None,
        };
        Ok(smallvec![of_gradient, of_x, None])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (gradient, x) = (&inputs[0], &inputs[1]);
        let dims = dims(x.rank());
        let (normalised, _) = plain_normalised(x, &dims, self.epsilon);
        Some(Tensor::stack(&[&gradient.sum(&dims, false), &(gradient * normalised).sum(&dims, false)], 0))
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        4 * inputs[1].shape.numel() as u64
    }
}

/// `g, x, statistics (derived), sums (derived), [weight]` → I(g) · weight: the gradient of the input of batch norm.
#[derive(Clone, Copy, Debug)]
struct BatchNormInputGrad {
    epsilon: f64,
}

/// I(gradient) · weight, given the statistics of `x` and the sums of [`BatchNormAffineGrad`].
fn input_grad(
    gradient: &Tensor,
    x: &Tensor,
    statistics: &Tensor,
    sums: &Tensor,
    weight: Option<&Tensor>,
    epsilon: f64,
) -> Result<Tensor> {
    let sums = sums.detach();
    match weight {
        Some(weight) => apply(BatchNormInputGrad { epsilon }, &[gradient, x, statistics, &sums, weight]),
        None => apply(BatchNormInputGrad { epsilon }, &[gradient, x, statistics, &sums]),
    }
}

impl Op for BatchNormInputGrad {
    fn name(&self) -> &'static str {
        "batch_norm_input_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [gradient, x, statistics, sums, affine @ ..] = inputs else {
            return Err(wrong_count(self.name(), "4 or 5", inputs.len()));
        };
        if affine.len() > 1 {
            return Err(wrong_count(self.name(), "4 or 5", inputs.len()));
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
        let weight = inputs.get(4).map(Value::read);
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let weight = weight.as_ref().map(|weight| weight.slice());
            let (statistics, sums) = (statistics.slice(), sums.slice());
            norm::batch_norm_input_grad(gradient.slice(), x.slice(), dims, statistics, sums, weight, self.epsilon, out);
        })))
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let epsilon = self.epsilon;
        let (g, x, statistics, sums) = (saved.input(0), saved.input(1), saved.input(2), saved.input(3));
        let weight = (saved.input_count() > 4).then(|| saved.input(4));
        let rank = x.rank();
        let (u, dims) = (cotangent, dims(rank));
        let sums_of_u = apply(BatchNormAffineGrad { epsilon }, &[u, &x, &statistics])?;
        let of_g = match saved.needs(0) {
            true => Some(input_grad(u, &x, &statistics, &sums_of_u, weight.as_ref(), epsilon)?),
            false => None,
        };
        let mut gradients: Gradients = smallvec![of_g, None, None, None];
        let needs_weight = weight.is_some() && saved.needs(4);
        let i_of_g = match saved.needs(1) || needs_weight {
            true => Some(input_grad(&g, &x, &statistics, &sums, None, epsilon)?),
            false => None,
        };
        if let (true, Some(i_of_g)) = (saved.needs(1), &i_of_g) {
            let i_of_u = input_grad(u, &x, &statistics, &sums_of_u, None, epsilon)?;
            let normalised = apply(BatchNorm { epsilon }, &[&x, &statistics])?;
            let variance = x.batch_norm_statistics().select(0, 1);
            let mut scale = variance.add_scalar(epsilon).rsqrt();
            if let Some(weight) = &weight {
                scale = scale * weight;
            }
            let scale = per_channel(&scale, rank);
            gradients[1] = Some(input_grad_grad(u, &i_of_u, &g, i_of_g, &normalised, &scale, &dims));
        }
        if weight.is_some() {
            gradients.push(i_of_g.filter(|_| needs_weight).map(|i_of_g| (u * i_of_g).sum(&dims, false)));
        }
        Ok(gradients)
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let rank = inputs[1].rank();
        let gradient = plain_input_grad(&inputs[0], &inputs[1], &dims(rank), self.epsilon);
        Some(match inputs.get(4) {
            Some(weight) => gradient * per_channel(weight, rank),
            None => gradient,
        })
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        5 * output.shape.numel() as u64
    }
}

impl Tensor {
    /// Batch normalisation in training: (x − mean) / √(variance + ε) · weight + bias for each channel of `[N, C, …]`,
    /// with the mean and the biased variance of this batch. Weight and bias are `[C]`; without them they are 1 and 0.
    ///
    /// To keep running statistics too, take [`batch_norm_statistics`](Tensor::batch_norm_statistics) once and hand it
    /// to [`batch_norm_with`](Tensor::batch_norm_with) and [`update_running_statistics`].
    ///
    /// # Panics
    /// When the input has fewer than two axes or fewer than two values a channel, or a shape or type does not fit.
    #[track_caller]
    pub fn batch_norm(&self, weight: Option<&Tensor>, bias: Option<&Tensor>, epsilon: f64) -> Tensor {
        let statistics = no_grad(|| self.batch_norm_statistics());
        self.batch_norm_with(&statistics, weight, bias, epsilon)
    }

    /// Means and biased variances of the channels of `[N, C, …]`, as `[2, C]`.
    ///
    /// # Panics
    /// When the input has fewer than two axes or fewer than two values a channel, or is not a float.
    #[track_caller]
    pub fn batch_norm_statistics(&self) -> Tensor {
        must(apply(BatchNormStatistics, &[self]))
    }

    /// [`batch_norm`](Tensor::batch_norm) with its statistics already at hand: `statistics` must be what
    /// [`batch_norm_statistics`](Tensor::batch_norm_statistics) gives for this very tensor. No gradient flows into it;
    /// the tensor's own includes the way through them.
    ///
    /// # Panics
    /// When a shape or type does not fit.
    #[track_caller]
    pub fn batch_norm_with(
        &self,
        statistics: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        epsilon: f64,
    ) -> Tensor {
        let (op, statistics) = (BatchNorm { epsilon }, statistics.detach());
        must(match (weight, bias) {
            (None, None) => apply(op, &[self, &statistics]),
            (Some(weight), None) => apply(op, &[self, &statistics, weight]),
            (Some(weight), Some(bias)) => apply(op, &[self, &statistics, weight, bias]),
            (None, Some(bias)) => apply(op, &[self, &statistics, &bias.ones_like(), bias]),
        })
    }

    /// Batch normalisation at inference: (x − mean) / √(variance + ε) · weight + bias for each channel of `[N, C, …]`,
    /// with a mean and a variance `[C]` gathered in training.
    ///
    /// # Panics
    /// When the input has fewer than two axes, or a shape or type does not fit.
    #[track_caller]
    pub fn batch_norm_eval(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        epsilon: f64,
    ) -> Tensor {
        const NAME: &str = "batch_norm";
        let rank = self.rank();
        let [_, channels, _] = must(check_input(NAME, &self.spec()));
        must(check_epsilon(NAME, epsilon));
        let channel = |what: &str, tensor: &Tensor| {
            check(NAME, what, &tensor.spec(), &Shape::from(channels), self.dtype())
                .map(|()| per_channel(tensor, rank))
        };
        let mean = must(channel("running mean", mean));
        let mut scale = must(channel("running variance", variance)).add_scalar(epsilon).rsqrt();
        if let Some(weight) = weight {
            scale = scale * must(channel("weight", weight));
        }
        let scaled = (self - mean) * scale;
        match bias {
            Some(bias) => scaled + must(channel("bias", bias)),
            None => scaled,
        }
    }
}

/// Moves running statistics `[C]`, in place, towards those of a batch `[2, C]` in which each channel has `count`
/// values: r ← (1 − momentum) · r + momentum · statistic, with the unbiased variance, as PyTorch does.
///
/// # Errors
/// When a shape or type does not fit, or `count` is less than 2.
#[track_caller]
pub fn update_running_statistics(
    running_mean: &Tensor,
    running_variance: &Tensor,
    statistics: &Tensor,
    count: usize,
    momentum: f64,
) -> Result<()> {
    const NAME: &str = "batch_norm";
    if count < 2 {
        return Err(Error::argument(NAME, format!("a variance needs at least 2 values, got {count}")));
    }
    let pair = Shape::from([2, running_mean.numel()]);
    check(NAME, "statistics", &statistics.spec(), &pair, running_mean.dtype())?;
    check(NAME, "running variance", &running_variance.spec(), running_mean.shape(), running_mean.dtype())?;
    let unbiased = count as f64 / (count - 1) as f64;
    no_grad(|| {
        let moved = |running: &Tensor, statistic: Tensor| running * (1.0 - momentum) + statistic * momentum;
        running_mean.assign(&moved(running_mean, statistics.select(0, 0)))?;
        running_variance.assign(&moved(running_variance, statistics.select(0, 1) * unbiased))
    })
}
