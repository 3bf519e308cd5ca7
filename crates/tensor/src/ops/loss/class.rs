//! Cross-entropy of many classes.
//!
//! Logits have the classes on axis 1, `[batch, classes, …]`, or on axis 0 where there is no batch. Targets are i64 class
//! indices without that axis, or, for [`Tensor::cross_entropy`], probabilities of the shape of the logits.

use super::Reduction;
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::elementwise::{same_dtype, take};
use crate::{DType, Error, Result, Tensor, Value};
use smallvec::smallvec;
use wengert_cpu::cross_entropy::{Targets, cross_entropy, cross_entropy_grad};
use wengert_cpu::{Number, View, reduce};
use wengert_cuda::cross_entropy as on_device;
use wengert_cuda::Device;
use wengert_cuda::loss::Share;

/// −Σ q_c ln softmax(x)_c of each sample, reduced, with q the target smoothed by ε: 1 − ε + ε/C for its class and ε/C
/// for the others; 0 for a sample whose target is `ignore_index`, which a mean does not count. Inputs: logits and i64
/// class indices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy {
    /// Targets that count nothing.
    pub ignore_index: i64,
    /// ε, in 0..=1.
    pub label_smoothing: f64,
    /// How the losses become the result.
    pub reduction: Reduction,
}

/// Which axis of the logits holds the classes.
fn class_axis(rank: usize) -> usize {
    usize::from(rank > 1)
}

impl CrossEntropy {
    fn check(&self, op: &'static str, logits: &Spec, target: &Spec) -> Result<()> {
        for_float!(logits.dtype, op, _T => Ok(()))?;
        if logits.shape.rank() == 0 {
            return Err(Error::shape(
                op,
                "needs logits of shape [classes] or [batch, classes, ...], got a scalar",
            ));
        }
        let axis = class_axis(logits.shape.rank());
        if logits.shape[axis] == 0 {
            return Err(Error::shape(
                op,
                format!("needs at least one class, got logits of {}", logits.shape),
            ));
        }
        let wanted = logits.shape.without_dim(axis);
        if target.shape != wanted {
            let detail = format!("logits of {} need targets of {wanted}, got {}", logits.shape, target.shape);
            return Err(Error::shape(op, detail));
        }
        if target.dtype != DType::I64 {
            return Err(Error::dtype(op, format!("class indices must be i64, got {}", target.dtype)));
        }
        if !(0.0..=1.0).contains(&self.label_smoothing) {
            return Err(Error::argument(
                op,
                format!("label_smoothing must lie in 0..=1, got {}", self.label_smoothing),
            ));
        }
        Ok(())
    }

    /// Calls `body` with what the kernels need to know of the targets.
    fn with_targets(
        &self,
        op: &'static str,
        logits: &Value,
        target: &Value,
        body: impl FnOnce(&Targets) -> Result<Value>,
    ) -> Result<Value> {
        let axis = class_axis(logits.shape().rank());
        let (classes, inner) = (logits.shape()[axis], logits.shape()[axis + 1..].iter().product());
        let target = target.contiguous();
        let target = target.read();
        let targets = Targets {
            indices: target.slice(),
            ignore_index: self.ignore_index,
            label_smoothing: self.label_smoothing,
            classes,
            inner,
        };
        expect_classes(op, targets.invalid(), classes)?;
        body(&targets)
    }

    /// What the kernels of a device need to know of contiguous targets.
    fn targets_on_device<'a>(&self, logits: &Value, target: &'a Value) -> Result<on_device::Targets<'a>> {
        let dims = logits.shape().around(class_axis(logits.shape().rank()));
        let (ignored, label_smoothing) = (self.ignore_index, self.label_smoothing);
        Ok(on_device::Targets { indices: target.on_device()?, dims, ignored, label_smoothing })
    }

    /// What each sample that is not ignored counts for in the result.
    fn share(&self, targets: &Targets) -> f64 {
        self.reduction.share(targets.indices.iter().filter(|&&target| target != self.ignore_index).count())
    }
}

/// Fails where a target is no class.
fn expect_classes(op: &'static str, invalid: Option<i64>, classes: usize) -> Result<()> {
    match invalid {
        Some(wrong) => {
            Err(Error::index(op, format!("{wrong} is not a class; there are {classes}, counted from 0")))
        }
        None => Ok(()),
    }
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [logits, target] = take(self.name(), inputs)?;
        self.check(self.name(), logits, target)?;
        Ok(Spec::new(self.reduction.shape_of(&target.shape), logits.dtype))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let logits = inputs[0].contiguous();
        self.with_targets(self.name(), &logits, &inputs[1], |targets| {
            let source = logits.read();
            for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
                if self.reduction == Reduction::None {
                    return cross_entropy(source.slice(), targets, out);
                }
                let mut losses = vec![T::ZERO; targets.indices.len()];
                cross_entropy(source.slice(), targets, &mut losses);
                let (shape, strides) = ([losses.len()], [1]);
                reduce::sum(View::new(&losses, &shape, &strides, 0), &[0], out);
                out[0] *= T::from_f64(self.share(targets));
            })))
        })
    }

    /// Waits for the device, to check the targets.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let (logits, target) = (inputs[0].contiguous(), inputs[1].contiguous());
        let targets = self.targets_on_device(&logits, &target)?;
        let out = Value::on_cuda(device, output)?;
        let (logits, memory) = (logits.on_device()?, out.device_memory()?);
        let inspected = targets.inspect(device)?;
        match self.reduction {
            Reduction::None => targets.losses(logits, memory)?,
            Reduction::Sum => targets.reduced_loss(logits, Share::Fixed(1.0), memory)?,
            Reduction::Mean => targets.reduced_loss(logits, inspected.share(), memory)?,
        }
        expect_classes(self.name(), inspected.invalid()?, targets.dims[1])?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, g: &Tensor) -> Result<Gradients> {
        let inputs = [&saved.input(0), &saved.input(1), g];
        Ok(smallvec![Some(apply(CrossEntropyGrad(*self), &inputs)?), None])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (logits, target) = (&inputs[0], &inputs[1]);
        let axis = class_axis(logits.rank());
        let distribution = self.distribution(target, logits.dims()[axis], logits.dtype(), axis);
        let axis = axis as isize;
        let losses = -(logits.log_softmax(axis) * distribution).sum(&[axis], false);
        let weights = class_weights(None, target, self.ignore_index, logits.dtype());
        Some(self.reduce(losses, &weights, target))
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        // Compare, subtract, exponentiate and add each logit.
        4 * inputs[0].shape.numel() as u64
    }
}

impl CrossEntropy {
    /// Reduces losses that are weighted already; their mean is per unit of weight. That of none is NaN, but no gradient
    /// flows back through a sample that is ignored.
    fn reduce(&self, losses: Tensor, weights: &Tensor, target: &Tensor) -> Tensor {
        let losses = losses.masked_fill(&target.eq_scalar(self.ignore_index as f64), 0.0);
        match self.reduction {
            Reduction::Mean => losses.sum_all() / weights.sum_all(),
            other => other.apply(losses),
        }
    }

    /// The smoothed targets q, all 0 where ignored, with the classes on `axis`.
    fn distribution(&self, target: &Tensor, classes: usize, dtype: DType, axis: usize) -> Tensor {
        let ignored = target.eq_scalar(self.ignore_index as f64);
        let sharp =
            target.masked_fill(&ignored, 0.0).one_hot(classes).movedim(-1, axis as isize).to_dtype(dtype);
        let smooth = sharp * (1.0 - self.label_smoothing) + self.label_smoothing / classes as f64;
        smooth.masked_fill(&ignored.unsqueeze(axis as isize), 0.0)
    }
}

/// g (softmax(x) − q), divided by the number of counted samples for a mean. Inputs: logits, i64 class indices, and the
/// cotangent g of the loss: one for each sample, or one number where the losses are reduced.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CrossEntropyGrad(CrossEntropy);

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [logits, target, cotangent] = take(self.name(), inputs)?;
        self.0.check(self.name(), logits, target)?;
        let wanted = self.0.reduction.shape_of(&target.shape);
        if cotangent.shape != wanted {
            let detail = format!("the loss is {wanted}, its cotangent {}", cotangent.shape);
            return Err(Error::shape(self.name(), detail));
        }
        same_dtype(self.name(), logits.dtype, cotangent.dtype)?;
        Ok(logits.clone())
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        let (logits, cotangent) = (inputs[0].contiguous(), inputs[2].contiguous());
        self.0.with_targets(self.name(), &logits, &inputs[1], |targets| {
            let (logits, cotangent) = (logits.read(), cotangent.read());
            for_float!(output.dtype, self.name(), T => Ok(Value::build(&output.shape, |out: &mut [T]| {
                if self.0.reduction == Reduction::None {
                    return cross_entropy_grad(logits.slice(), targets, cotangent.slice(), out);
                }
                let g = cotangent.slice::<T>()[0] * T::from_f64(self.0.share(targets));
                cross_entropy_grad(logits.slice(), targets, &vec![g; targets.indices.len()], out);
            })))
        })
    }

    /// The loss has checked the targets.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let [logits, target, cotangent] = [0, 1, 2].map(|input| inputs[input].contiguous());
        let targets = self.0.targets_on_device(&logits, &target)?;
        let out = Value::on_cuda(device, output)?;
        let inspected = match self.0.reduction {
            Reduction::Mean => Some(targets.inspect(device)?),
            _ => None,
        };
        let share = inspected.as_ref().map_or(Share::Fixed(1.0), on_device::Inspected::share);
        targets.gradient(logits.on_device()?, cotangent.on_device()?, share, out.device_memory()?)?;
        Ok(out)
    }

    /// With s = softmax(x) and h = g · c for the cotangent c: to x it is s (h − Σ s h), the sum over the classes, and to
    /// g it is Σ c (s − q).
    fn vjp(&self, saved: &Saved, cotangent: &Tensor) -> Result<Gradients> {
        let (logits, target, g) = (saved.input(0), saved.input(1), saved.input(2));
        let axis = class_axis(logits.rank()) as isize;
        let to_logits = || {
            let g = self.g_of_samples(&target, &g);
            let softmax = logits.softmax(axis);
            let h = cotangent * g.unsqueeze(axis);
            let mean = (&softmax * &h).sum(&[axis], true);
            softmax * (h - mean)
        };
        let to_g = || -> Result<Tensor> {
            let difference = apply(*self, &[&logits, &target, &g.ones_like()])?;
            let of_samples = (cotangent * difference).sum(&[axis], false);
            Ok(if self.0.reduction == Reduction::None { of_samples } else { of_samples.sum_all() })
        };
        Ok(smallvec![saved.needs(0).then(to_logits), None, saved.needs(2).then(to_g).transpose()?])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (logits, target, g) = (&inputs[0], &inputs[1], &inputs[2]);
        let axis = class_axis(logits.rank());
        let distribution = self.0.distribution(target, logits.dims()[axis], logits.dtype(), axis);
        let g = self.g_of_samples(target, g).unsqueeze(axis as isize);
        Some((logits.softmax(axis as isize) - distribution) * g)
    }
}

impl CrossEntropyGrad {
    /// The cotangent of each sample's loss: 0 where it is ignored.
    fn g_of_samples(&self, target: &Tensor, g: &Tensor) -> Tensor {
        let weights = class_weights(None, target, self.0.ignore_index, g.dtype());
        match self.0.reduction {
            // Where all are ignored, their gradients are 0 and not 0/0.
            Reduction::Mean => &weights * (g / weights.sum_all().clamp(Some(1.0), None)),
            _ => weights * g,
        }
    }
}

/// Options of [`Tensor::cross_entropy`]; a [`Reduction`] alone will do.
#[derive(Clone, Debug)]
pub struct CrossEntropyOptions {
    /// A factor for each class, shape `[classes]`.
    pub weight: Option<Tensor>,
    /// Targets that count nothing, not even in the mean.
    pub ignore_index: i64,
    /// Share of each target that is spread evenly over all classes, in 0..=1.
    pub label_smoothing: f64,
    /// How the losses become the result; the mean is per unit of weight.
    pub reduction: Reduction,
}

impl Default for CrossEntropyOptions {
    fn default() -> Self {
        Self { weight: None, ignore_index: -100, label_smoothing: 0.0, reduction: Reduction::Mean }
    }
}

impl From<Reduction> for CrossEntropyOptions {
    fn from(reduction: Reduction) -> Self {
        Self { reduction, ..Self::default() }
    }
}

/// Options of [`Tensor::nll_loss`]; a [`Reduction`] alone will do.
#[derive(Clone, Debug)]
pub struct NllLossOptions {
    /// A factor for each class, shape `[classes]`.
    pub weight: Option<Tensor>,
    /// Targets that count nothing, not even in the mean.
    pub ignore_index: i64,
    /// How the losses become the result; the mean is per unit of weight.
    pub reduction: Reduction,
}

impl Default for NllLossOptions {
    fn default() -> Self {
        Self { weight: None, ignore_index: -100, reduction: Reduction::Mean }
    }
}

impl From<Reduction> for NllLossOptions {
    fn from(reduction: Reduction) -> Self {
        Self { reduction, ..Self::default() }
    }
}

impl Tensor {
    /// −ln softmax(x) at the target class, for logits x of shape `[batch, classes, …]` or `[classes]`. Targets are i64
    /// class indices of shape `[batch, …]`, or probabilities of the shape of the logits. `options` is a [`Reduction`],
    /// or class weights, an index to ignore and label smoothing too (Szegedy et al., 2016).
    ///
    /// # Panics
    /// When shapes, types or options are not as described, or an index is not a class. Check labels from outside first,
    /// or go through [`apply`](crate::apply) with [`CrossEntropy`].
    #[track_caller]
    pub fn cross_entropy(&self, target: &Tensor, options: impl Into<CrossEntropyOptions>) -> Tensor {
        let options = options.into();
        if target.dtype().is_float() {
            return must(against_probabilities(self, target, &options));
        }
        let CrossEntropyOptions { ignore_index, label_smoothing, reduction, .. } = options;
        let op = CrossEntropy { ignore_index, label_smoothing, reduction };
        let Some(weight) = &options.weight else {
            return must(apply(op, &[self, target]));
        };
        must(op.check(op.name(), &self.spec(), &target.spec()));
        must(check_weight(op.name(), options.weight.as_ref(), self));
        let weights = class_weights(options.weight.as_ref(), target, ignore_index, self.dtype());
        let axis = class_axis(self.rank());
        let classes = self.dims()[axis];
        let distribution = op.distribution(target, classes, self.dtype(), axis);
        let weighted = self.log_softmax(axis as isize) * along_classes(weight, self.rank());
        op.reduce(-(weighted * distribution).sum(&[axis as isize], false), &weights, target)
    }

    /// −x at the target class, for log-probabilities x of shape `[batch, classes, …]` or `[classes]` and i64 class
    /// indices of shape `[batch, …]`. `options` is a [`Reduction`], or class weights and an index to ignore too.
    ///
    /// # Panics
    /// When shapes or types are not as described, or an index is not a class.
    #[track_caller]
    pub fn nll_loss(&self, target: &Tensor, options: impl Into<NllLossOptions>) -> Tensor {
        let options = options.into();
        let NllLossOptions { ignore_index, reduction, .. } = options;
        let op = CrossEntropy { ignore_index, label_smoothing: 0.0, reduction };
        must(op.check("nll_loss", &self.spec(), &target.spec()));
        must(check_weight("nll_loss", options.weight.as_ref(), self));
        let axis = class_axis(self.rank()) as isize;
        let weights = class_weights(options.weight.as_ref(), target, options.ignore_index, self.dtype());
        let index = target.masked_fill(&target.eq_scalar(options.ignore_index as f64), 0.0).unsqueeze(axis);
        op.reduce(-(self.gather(axis, &index).squeeze(axis) * &weights), &weights, target)
    }
}

/// Fails unless there is one weight a class: a single one would broadcast unnoticed.
fn check_weight(op: &'static str, weight: Option<&Tensor>, logits: &Tensor) -> Result<()> {
    let classes = logits.dims()[class_axis(logits.rank())];
    match weight.filter(|weight| *weight.dims() != [classes]) {
        Some(weight) => {
            let detail = format!("the class weights must be [{classes}], got {}", weight.shape());
            Err(Error::shape(op, detail))
        }
        None => Ok(()),
    }
}

/// The weight of each sample: that of its class, 1 where classes have none, 0 where it is ignored.
#[track_caller]
fn class_weights(weight: Option<&Tensor>, target: &Tensor, ignore_index: i64, dtype: DType) -> Tensor {
    let ignored = target.eq_scalar(ignore_index as f64);
    let weights = match weight {
        None => Tensor::ones(target.shape(), dtype),
        Some(weight) => {
            let index = target.masked_fill(&ignored, 0.0).reshape([target.numel()]);
            weight.index_select(0, &index).reshape(target.shape())
        }
    };
    weights.masked_fill(&ignored, 0.0)
}

/// A vector over the classes in a shape that broadcasts along the other axes of logits of this rank.
#[track_caller]
fn along_classes(weight: &Tensor, rank: usize) -> Tensor {
    let mut shape = vec![1; rank];
    shape[class_axis(rank)] = weight.numel();
    weight.reshape(shape)
}

fn against_probabilities(logits: &Tensor, target: &Tensor, options: &CrossEntropyOptions) -> Result<Tensor> {
    super::check_pair("cross_entropy", logits, target)?;
    let Some(axis) = logits.rank().checked_sub(1).map(|_| class_axis(logits.rank())) else {
        return Err(Error::shape(
            "cross_entropy",
            "needs logits of shape [classes] or [batch, classes, ...]",
        ));
    };
    check_weight("cross_entropy", options.weight.as_ref(), logits)?;
    let (classes, smoothing) = (logits.dims()[axis], options.label_smoothing);
    let target = if smoothing == 0.0 {
        target.clone()
    } else {
        target * (1.0 - smoothing) + smoothing / classes.max(1) as f64
    };
    let mut terms = logits.log_softmax(axis as isize) * target;
    if let Some(weight) = &options.weight {
        terms = terms * along_classes(weight, logits.rank());
    }
    Ok(options.reduction.apply(-terms.sum(&[axis as isize], false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{GradOptions, grad};

    #[test]
    fn wrong_targets_are_named() {
        let op = CrossEntropy { ignore_index: -100, label_smoothing: 0.0, reduction: Reduction::None };
        let logits = Tensor::zeros([2, 3], DType::F32);
        let error = |target: &Tensor| apply(op, &[&logits, target]).unwrap_err().to_string();
        let message = error(&Tensor::from_slice(&[0i64, 3], 2));
        assert!(message.contains("3 is not a class; there are 3"), "{message}");
        let message = error(&Tensor::from_slice(&[0i64], 1));
        assert!(message.contains("need targets of [2], got [1]"), "{message}");
        let message = error(&Tensor::zeros(2, DType::F32));
        assert!(message.contains("must be i64, got f32"), "{message}");
    }

    #[test]
    #[should_panic(expected = "cross_entropy: the class weights must be [3], got [1]")]
    fn every_class_has_a_weight() {
        let weight = Some(Tensor::ones(1, DType::F32));
        let options = CrossEntropyOptions { weight, ..Default::default() };
        Tensor::zeros([2, 3], DType::F32).cross_entropy(&Tensor::zeros(2, DType::I64), options);
    }

    #[test]
    fn no_gradient_flows_where_every_target_is_ignored() {
        let target = Tensor::full([2], -100.0, DType::I64);
        let weight = Some(Tensor::from_slice(&[1.0, 2.0, 3.0], 3));
        let losses: [&dyn Fn(&Tensor) -> Tensor; 4] = [
            &|x| x.cross_entropy(&target, Reduction::Mean),
            &|x| x.cross_entropy(&target, CrossEntropyOptions { weight: weight.clone(), ..Default::default() }),
            &|x| x.nll_loss(&target, Reduction::Mean),
            &|x| crate::unfused::unfused(|| x.cross_entropy(&target, Reduction::Mean)),
        ];
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 0.0, -1.0, 2.0], [2, 3]).requires_grad_(true);
        let options = GradOptions { create_graph: true, unused_as_zeros: true, ..Default::default() };
        for loss in losses {
            let loss = loss(&x);
            assert!(loss.item().is_nan());
            let slope = grad(&[&loss], &[&x], options).unwrap().remove(0);
            let curvature = grad(&[&slope.sum_all()], &[&x], options).unwrap().remove(0);
            assert_eq!([slope.to_vec::<f64>(), curvature.to_vec::<f64>()].concat(), [0.0; 12]);
        }
    }
}
