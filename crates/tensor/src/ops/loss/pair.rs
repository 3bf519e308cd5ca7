//! Losses of pairs of numbers, fused: the value is one pass over the data, reduction included, and so is the gradient
//! of each operand.

use super::Reduction;
use crate::apply::apply;
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::{same_dtype, same_floats, take, zip, zip_to};
use crate::ops::unary::formulas::formula;
use crate::{Element, Error, Result, Shape, Tensor, Value};
use wengert_cpu::fold::fold_pairs;
use wengert_cpu::map::Function2;
use wengert_cpu::{Float, Number};
use wengert_cuda::{Device, loss};

/// A loss of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairLoss {
    /// max(x, 0) − x t + ln(1 + e^(−|x|)): binary cross-entropy of sigmoid(x) and t, without overflow. Of a logit x and
    /// a target t.
    BinaryCrossEntropyWithLogits,
    /// ½ (μ² + eˡ − 1 − l): KL(N(μ, eˡ) ‖ N(0, 1)). Of a mean μ and the logarithm of a variance l.
    GaussianKl,
    /// (x − t)².
    SquaredError,
}

/// The losses of all pairs, reduced. Inputs: the first and the second numbers, of one shape and float type. Output: of
/// that shape, or one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PairLosses {
    pub loss: PairLoss,
    pub reduction: Reduction,
}

/// g · ∂loss/∂(input `position`), divided by the number of pairs for a mean. Inputs: those of the loss and the cotangent
/// g of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PairGradient {
    loss: PairLoss,
    reduction: Reduction,
    position: usize,
}

/// A second derivative.
enum Curvature {
    Constant(f64),
    Elements(Tensor),
}

formula! {
    /// Of a logit x and a target t.
    CrossEntropy,
    Function2(x, t) {
        (if x > T::ZERO { x } else { T::ZERO }) - x * t + Float::ln_1p(Float::exp(-Float::abs(x)))
    }
}

formula! {
    /// With eˡ − 1 as one function, exact near l = 0, where a trained posterior that ignores its input lies.
    Divergence,
    Function2(mean, log_variance) {
        let half = T::from_f64(0.5);
        half * (mean * mean + (Float::exp_m1(log_variance) - log_variance))
    }
}

formula! {
    /// (x − t)².
    Square,
    Function2(x, t) (x - t) * (x - t)
}

impl PairLoss {
    /// The op's name, and its kernels'.
    fn name(self) -> &'static str {
        match self {
            PairLoss::BinaryCrossEntropyWithLogits => "binary_cross_entropy_with_logits",
            PairLoss::GaussianKl => "gaussian_kl",
            PairLoss::SquaredError => "mse_loss",
        }
    }

    /// The losses in plain ops.
    fn plain(self, a: &Tensor, b: &Tensor) -> Tensor {
        match self {
            PairLoss::BinaryCrossEntropyWithLogits => (1.0 - b) * a - a.log_sigmoid(),
            PairLoss::GaussianKl => (b + 1.0 - a.square() - b.exp()) * -0.5,
            PairLoss::SquaredError => (a - b).square(),
        }
    }

    /// The derivatives by the input at `position`, in plain ops.
    fn slope(self, position: usize, a: &Tensor, b: &Tensor) -> Tensor {
        match (self, position) {
            (PairLoss::BinaryCrossEntropyWithLogits, 0) => a.sigmoid() - b,
            (PairLoss::BinaryCrossEntropyWithLogits, _) => -a,
            (PairLoss::GaussianKl, 0) => a.clone(),
            (PairLoss::GaussianKl, _) => b.expm1() * 0.5,
            (PairLoss::SquaredError, 0) => (a - b) * 2.0,
            (PairLoss::SquaredError, _) => (b - a) * 2.0,
        }
    }

    /// The derivatives by the inputs at both positions, which may be one.
    fn curvature(self, positions: [usize; 2], a: &Tensor, b: &Tensor) -> Curvature {
        match (self, positions) {
            (PairLoss::BinaryCrossEntropyWithLogits, [0, 0]) => {
                let y = a.sigmoid();
                Curvature::Elements(&y * (1.0 - &y))
            }
            (PairLoss::BinaryCrossEntropyWithLogits, [1, 1]) => Curvature::Constant(0.0),
            (PairLoss::BinaryCrossEntropyWithLogits, _) => Curvature::Constant(-1.0),
            (PairLoss::GaussianKl, [0, 0]) => Curvature::Constant(1.0),
            (PairLoss::GaussianKl, [1, 1]) => Curvature::Elements(b.exp() * 0.5),
            (PairLoss::GaussianKl, _) => Curvature::Constant(0.0),
            (PairLoss::SquaredError, [i, j]) => Curvature::Constant(if i == j { 2.0 } else { -2.0 }),
        }
    }

    /// Arithmetic of one loss and its addition to the others, a function counting as one operation.
    fn operations(self) -> u64 {
        match self {
            PairLoss::BinaryCrossEntropyWithLogits => 9,
            PairLoss::GaussianKl => 6,
            PairLoss::SquaredError => 3,
        }
    }
}

impl Op for PairLosses {
    fn name(&self) -> &'static str {
        self.loss.name()
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let losses = same_floats(self.name(), take::<2>(self.name(), inputs)?)?;
        Ok(Spec::new(self.reduction.shape_of(&losses.shape), losses.dtype))
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        for_float!(output.dtype, self.name(), T => Ok(match self.loss {
            PairLoss::BinaryCrossEntropyWithLogits => reduced::<T>(inputs, self.reduction, CrossEntropy),
            PairLoss::GaussianKl => reduced::<T>(inputs, self.reduction, Divergence),
            PairLoss::SquaredError => reduced::<T>(inputs, self.reduction, Square),
        }))
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        if self.reduction == Reduction::None {
            return cuda::map::<2>(Family::Loss, self.name(), [0.0; 2], inputs, output, device);
        }
        let (a, b) = (inputs[0].contiguous(), inputs[1].contiguous());
        let out = Value::on_cuda(device, output)?;
        let share = self.reduction.share(a.numel());
        loss::sum_pairs(self.name(), a.on_device()?, b.on_device()?, share, out.device_memory()?)?;
        Ok(out)
    }

    fn vjp(&self, saved: &Saved, g: &Tensor) -> Result<Gradients> {
        let (a, b) = (saved.input(0), saved.input(1));
        let gradient = |position| {
            let op = PairGradient { loss: self.loss, reduction: self.reduction, position };
            saved.needs(position).then(|| apply(op, &[&a, &b, g])).transpose()
        };
        [0, 1].into_iter().map(gradient).collect()
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        Some(self.reduction.apply(self.loss.plain(&inputs[0], &inputs[1])))
    }

    fn flops(&self, inputs: &[Spec], _output: &Spec) -> u64 {
        self.loss.operations() * inputs[0].shape.numel() as u64
    }
}

/// `loss` of every pair, reduced on the way.
fn reduced<T: Element + Float>(
    inputs: Values,
    reduction: Reduction,
    loss: impl Function2<T, T, T> + Send,
) -> Value {
    let shape = inputs[0].shape().clone();
    if reduction == Reduction::None {
        return zip(inputs, &shape, loss);
    }
    let axes: Vec<usize> = (0..shape.rank()).collect();
    let (first, second) = (inputs[0].read(), inputs[1].read());
    Value::build((), |out: &mut [T]| {
        fold_pairs([first.view(), second.view()], &axes, out, T::ZERO, |_, a, b| loss.call(a, b), T::plus);
        if reduction == Reduction::Mean {
            out[0] = out[0] / T::from_f64(shape.numel() as f64);
        }
    })
}

impl Op for PairGradient {
    fn name(&self) -> &'static str {
        match self.loss {
            PairLoss::BinaryCrossEntropyWithLogits => "binary_cross_entropy_with_logits_grad",
            PairLoss::GaussianKl => "gaussian_kl_grad",
            PairLoss::SquaredError => "mse_loss_grad",
        }
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        let [a, b, g] = take(self.name(), inputs)?;
        let gradient = same_floats(self.name(), &[a.clone(), b.clone()])?;
        let wanted = self.reduction.shape_of(&a.shape);
        if g.shape != wanted {
            let detail = format!("the loss is {wanted}, its cotangent {}", g.shape);
            return Err(Error::shape(self.name(), detail));
        }
        same_dtype(self.name(), a.dtype, g.dtype)?;
        Ok(gradient)
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        for_float!(output.dtype, self.name(), T => {
            let (half, two) = (T::from_f64(0.5), T::from_f64(2.0));
            Ok(match (self.loss, self.position) {
                (PairLoss::BinaryCrossEntropyWithLogits, 0) => {
                    self.scaled(inputs, |x: T, t: T| Float::sigmoid(x) - t)
                }
                (PairLoss::BinaryCrossEntropyWithLogits, _) => self.scaled(inputs, |x: T, _| -x),
                (PairLoss::GaussianKl, 0) => self.scaled(inputs, |mean: T, _| mean),
                (PairLoss::GaussianKl, _) => self.scaled(inputs, move |_, l: T| half * Float::exp_m1(l)),
                (PairLoss::SquaredError, 0) => self.scaled(inputs, move |x: T, t: T| two * (x - t)),
                (PairLoss::SquaredError, _) => self.scaled(inputs, move |x: T, t: T| two * (t - x)),
            })
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        let [a, b, g] = [0, 1, 2].map(|input| inputs[input].contiguous());
        let out = Value::on_cuda(device, output)?;
        let operands = [a.on_device()?, b.on_device()?, g.on_device()?];
        let share = self.reduction.share(a.numel());
        loss::pair_gradient(self.loss.name(), self.position, operands, share, out.device_memory()?)?;
        Ok(out)
    }

    /// To an input of the loss: c · g times the second derivative. To g: c times the first, summed where g is one number.
    fn vjp(&self, saved: &Saved, c: &Tensor) -> Result<Gradients> {
        let (a, b, g) = (saved.input(0), saved.input(1), saved.input(2));
        let share = self.reduction.share(a.numel());
        let to_input = |position| {
            saved.needs(position).then(|| match self.loss.curvature([self.position, position], &a, &b) {
                Curvature::Constant(0.0) => a.zeros_like(),
                Curvature::Constant(factor) => c * &g * (factor * share),
                Curvature::Elements(factor) => c * (&g * share) * factor,
            })
        };
        let to_g = || (c * self.loss.slope(self.position, &a, &b) * share).sum_to(g.shape());
        Ok([to_input(0), to_input(1), saved.needs(2).then(to_g)].into_iter().collect())
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (a, b, g) = (&inputs[0], &inputs[1], &inputs[2]);
        Some(self.loss.slope(self.position, a, b) * (g * self.reduction.share(a.numel())))
    }

    fn flops(&self, _inputs: &[Spec], output: &Spec) -> u64 {
        self.loss.operations() * output.shape.numel() as u64
    }
}

impl PairGradient {
    /// g times the slope of every pair.
    fn scaled<T: Element + Float>(&self, inputs: Values, slope: impl Fn(T, T) -> T + Copy + Sync) -> Value {
        let (shape, g) = (inputs[0].shape().clone(), inputs[2].clone());
        let each = self.reduction == Reduction::None;
        let factor = if each { T::ONE } else { g.to_vec::<T>()[0] };
        let factor = factor * T::from_f64(self.reduction.share(shape.numel()));
        let slopes = zip(inputs, &shape, move |a: T, b: T| factor * slope(a, b));
        // A pass more, for the reduction that training does not use.
        if each { zip_to(&slopes, &g, &shape, |slope: T, g: T| g * slope) } else { slopes }
    }
}

impl Reduction {
    /// Shape of what losses of this shape become.
    pub(super) fn shape_of(self, losses: &Shape) -> Shape {
        if self == Reduction::None { losses.clone() } else { Shape::from(()) }
    }

    /// What each of `count` losses counts for in the result.
    pub(super) fn share(self, count: usize) -> f64 {
        if self == Reduction::Mean { 1.0 / count as f64 } else { 1.0 }
    }
}
