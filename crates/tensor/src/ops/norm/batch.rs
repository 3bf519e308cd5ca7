//! Batch normalisation (Ioffe and Szegedy, 2015, arXiv:1502.03167).
//!
//! A batch is `[N, C, …]`; statistics are taken for each channel over N and the axes after C.
//!
//! Some inputs of the ops here are *derived*: `statistics` and the two `sums` are functions of the other inputs,
//! handed in only so that they are computed once. They carry no gradient; the gradients of the other inputs include
//! the way through them.

use super::batch_grad::BatchNormGrad;
use super::{check, check_epsilon, check_float, plain_normalised};
use crate::apply::{apply, must};
use crate::autograd::{Saved, no_grad};
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::activation;
use crate::{DType, Device, Error, Result, Shape, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::{Activation, Number, norm};
use wengert_cuda::batch_norm;

/// `[N, C, …]` as batch, channels and positions in a channel.
pub(super) fn sizes(op: &'static str, shape: &Shape) -> Result<[usize; 3]> {
    match &shape[..] {
        [batch, channels, rest @ ..] => Ok([*batch, *channels, rest.iter().product()]),
        _ => Err(Error::shape(op, format!("needs an input [N, C, …], got {shape}"))),
    }
}

/// All axes but the channels.
pub(super) fn dims(rank: usize) -> Vec<isize> {
    (0..rank as isize).filter(|&axis| axis != 1).collect()
}

/// `[C]` shaped so that it broadcasts along the channels of an input of this rank.
pub(super) fn per_channel(tensor: &Tensor, rank: usize) -> Tensor {
    let mut shape = vec![1; rank];
    shape[1] = tensor.numel();
    tensor.reshape(shape)
}

pub(super) fn check_input(op: &'static str, x: &Spec) -> Result<[usize; 3]> {
    check_float(op, x.dtype)?;
    sizes(op, &x.shape)
}

/// Checks the optional weight and bias that end a list of inputs.
pub(super) fn check_affine(op: &'static str, affine: &[Spec], channels: usize, dtype: DType) -> Result<()> {
    for (spec, what) in affine.iter().zip(["weight", "bias"]) {
        check(op, what, spec, &Shape::from(channels), dtype)?;
    }
    Ok(())
}

pub(super) fn wrong_count(op: &'static str, wanted: &str, found: usize) -> Error {
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
            let detail =
                format!("a variance needs more than one value a channel, got {}; take a larger batch", x.shape);
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

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &wengert_cuda::Device) -> Result<Value> {
        let dims = sizes(self.name(), inputs[0].shape())?;
        let x = inputs[0].contiguous();
        let out = Value::on_cuda(device, output)?;
        batch_norm::statistics(x.on_device()?, dims, out.device_memory()?)?;
        Ok(out)
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

/// `x, statistics (derived), [weight, [bias]]` → x̂ · weight + bias, rectified where an activation is given, which needs
/// weight and bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchNorm {
    pub epsilon: f64,
    pub activation: Option<Activation>,
}

/// The parameters as kernels of a device take them. `operands` are contiguous: statistics, and perhaps weight and bias.
pub(super) fn on_device<'a>(
    dims: [usize; 3],
    operands: &'a [Value],
    epsilon: f64,
    activation: Option<Activation>,
) -> Result<batch_norm::BatchNorm<'a>> {
    let parameter = |i: usize| operands.get(i).map(Value::on_device).transpose();
    let slope = match activation {
        None => 1.0,
        Some(Activation::LeakyRelu { negative_slope }) => negative_slope,
        Some(_) => 0.0,
    };
    let (statistics, weight, bias) = (operands[0].on_device()?, parameter(1)?, parameter(2)?);
    Ok(batch_norm::BatchNorm { dims, statistics, weight, bias, epsilon, slope })
}

/// Fails for an activation whose slope the sign of its argument does not tell.
fn check_activation(op: &'static str, activation: Option<Activation>) -> Result<()> {
    match activation {
        None => Ok(()),
        Some(activation @ (Activation::Relu | Activation::LeakyRelu { .. })) => activation::check(op, activation),
        Some(other) => Err(Error::argument(op, format!("is fused with relu and leaky_relu, not with {other:?}"))),
    }
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        match self.activation {
            None => "batch_norm",
            Some(Activation::Relu) => "batch_norm_relu",
            Some(_) => "batch_norm_leaky_relu",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [x, statistics, affine @ ..] = inputs else {
            return Err(wrong_count(self.name(), "2 to 4", inputs.len()));
        };
        if affine.len() > 2 {
            return Err(wrong_count(self.name(), "2 to 4", inputs.len()));
        }
        if self.activation.is_some() && affine.len() != 2 {
            return Err(wrong_count(self.name(), "4", inputs.len()));
        }
        check_activation(self.name(), self.activation)?;
        check_epsilon(self.name(), self.epsilon)?;
        let [_, channels, _] = check_input(self.name(), x)?;
        check(self.name(), "statistics", statistics, &Shape::from([2, channels]), x.dtype)?;
        check_affine(self.name(), affine, channels, x.dtype)?;
        Ok(x.clone())
    }

    fn saves(&self) -> Saves {
        if self.activation.is_some() { Saves::ALL_INPUTS } else { Saves::inputs(&[0, 1, 2]) }
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let dims = sizes(self.name(), &output.shape)?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let (x, statistics) = (inputs[0].read(), inputs[1].read());
        let (weight, bias) = (inputs.get(2).map(Value::read), inputs.get(3).map(Value::read));
        for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
            let (weight, bias) = (weight.as_ref().map(|w| w.slice()), bias.as_ref().map(|b| b.slice()));
            let BatchNorm { epsilon, activation } = *self;
            norm::BatchNorm { dims, statistics: statistics.slice(), weight, bias, epsilon, activation }.forward(x.slice(), out);
        })))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &wengert_cuda::Device) -> Result<Value> {
        let dims = sizes(self.name(), &output.shape)?;
        let inputs: Values = inputs.iter().map(Value::contiguous).collect();
        let out = Value::on_cuda(device, output)?;
        on_device(dims, &inputs[1..], self.epsilon, self.activation)?
            .forward(inputs[0].on_device()?, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (x, statistics) = (saved.input(0), saved.input(1));
        let count = saved.input_count();
        let weight = (count > 2).then(|| saved.input(2));
        let gradient = match self.activation {
            Some(activation) => BatchNormGrad::rectified(self.epsilon, activation, saved.input(3)),
            None => BatchNormGrad::plain(self.epsilon),
        };
        let sums = gradient.affine(cotangent, &x, &statistics, weight.as_ref())?;
        let input = match saved.needs(0) {
            true => Some(gradient.input(cotangent, &x, &statistics, &sums, weight.as_ref())?),
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
        Some(match self.activation {
            Some(activation) => y.activate(activation),
            None => y,
        })
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        3 * output.shape.numel() as u64
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
        let (op, statistics) = (BatchNorm { epsilon, activation: None }, statistics.detach());
        must(match (weight, bias) {
            (None, None) => apply(op, &[self, &statistics]),
            (Some(weight), None) => apply(op, &[self, &statistics, weight]),
            (Some(weight), Some(bias)) => apply(op, &[self, &statistics, weight, bias]),
            (None, Some(bias)) => apply(op, &[self, &statistics, &bias.ones_like(), bias]),
        })
    }

    /// f([`batch_norm_with`](Tensor::batch_norm_with)) as one op, with a rectifier f: ReLU or leaky ReLU. Neither direction
    /// takes a pass over the data more than without f.
    ///
    /// # Panics
    /// As [`batch_norm_with`](Tensor::batch_norm_with), and when f is no rectifier or its slope is negative.
    #[track_caller]
    pub fn batch_norm_activated(
        &self,
        statistics: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        epsilon: f64,
        activation: Activation,
    ) -> Tensor {
        let op = BatchNorm { epsilon, activation: Some(activation) };
        must(apply(op, &[self, &statistics.detach(), weight, bias]))
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
    if let Device::Cuda(_) = running_mean.device() {
        let statistics = statistics.value().contiguous();
        let (means, variances) = (running_mean.value(), running_variance.value());
        let views = (means.on_device()?, variances.on_device()?, statistics.on_device()?);
        batch_norm::update_running(views.0, views.1, views.2, momentum, unbiased)?;
        means.note_change();
        variances.note_change();
        return Ok(());
    }
    for_float!(running_mean.dtype(), NAME, T => {
        let statistics = statistics.to_vec::<T>();
        let (means, variances) = statistics.split_at(running_mean.numel());
        for (running, found, factor) in [(running_mean, means, 1.0), (running_variance, variances, unbiased)] {
            let (kept, share) = (T::from_f64(1.0 - momentum), T::from_f64(momentum));
            running.update(|running: &mut [T]| {
                for (running, &found) in running.iter_mut().zip(found) {
                    *running = *running * kept + found * T::from_f64(factor) * share;
                }
            });
        }
        Ok(())
    })
}
