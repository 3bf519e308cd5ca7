//! Cross-entropy of two classes.

use super::pair::{PairLoss, PairLosses};
use super::{Reduction, check_pair};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::{same_floats, take, zip};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use std::fmt::Display;
use wengert_cpu::{Float, Number};
use wengert_cuda::Device;

/// The least value of a logarithm in the loss, as PyTorch has it: a certain and wrong answer costs 100, not ∞.
const LOWEST_LOG: f64 = -100.0;

/// −(t ln p + (1 − t) ln(1 − p)) with logarithms of at least −100. Inputs: probabilities p and targets t, of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryCrossEntropy;

impl Op for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        same_floats(self.name(), take::<2>(self.name(), inputs)?)
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        for_float!(output.dtype, self.name(), T => {
            let lowest = T::from_f64(LOWEST_LOG);
            let log = |x: T| if x < lowest { lowest } else { x };
            let probabilities = inputs[0].contiguous();
            if let Some(p) = probabilities.read().slice::<T>().iter().find(|p| **p < T::ZERO || **p > T::ONE) {
                return Err(improbable(p));
            }
            drop(probabilities);
            Ok(zip(inputs, &output.shape, |p: T, t: T| {
                (t - T::ONE) * log(Float::ln_1p(-p)) - t * log(Float::ln(p))
            }))
        })
    }

    /// Waits for the device, to check the probabilities.
    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        expect_probabilities(&inputs[0])?;
        cuda::map::<2>(Family::Loss, self.name(), [0.0; 2], inputs, output, device)
    }

    /// To p: g (p − t)/(p (1 − p)), the divisor at least 10⁻¹². To t: g (ln(1 − p) − ln p).
    fn vjp(&self, saved: &Saved, g: &Tensor) -> Result<Gradients> {
        let (p, t) = (saved.input(0), saved.input(1));
        let to_p = || g * (&p - &t) / (&p * (1.0 - &p)).clamp(Some(1e-12), None);
        let to_t = || g * (log1p_of_negative(&p) - log(&p));
        Ok(smallvec![saved.needs(0).then(to_p), saved.needs(1).then(to_t)])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        let (p, t) = (&inputs[0], &inputs[1]);
        Some((t - 1.0) * log1p_of_negative(p) - t * log(p))
    }
}

/// Fails unless all elements, which lie on a device, are in 0..=1.
fn expect_probabilities(p: &Value) -> Result<()> {
    let p = p.contiguous();
    let Some(position) = wengert_cuda::loss::improbable(p.on_device()?)? else { return Ok(()) };
    for_float!(p.dtype(), "binary_cross_entropy", T => {
        let mut found = [T::ZERO];
        p.device_memory()?.read((p.layout().offset() + position) * size_of::<T>(), &mut found)?;
        Err(improbable(found[0]))
    })
}

fn improbable(p: impl Display) -> Error {
    let detail = format!("{p} is not a probability; for logits use binary_cross_entropy_with_logits");
    Error::argument("binary_cross_entropy", detail)
}

fn log(p: &Tensor) -> Tensor {
    p.log().clamp(Some(LOWEST_LOG), None)
}

fn log1p_of_negative(p: &Tensor) -> Tensor {
    (-p).log1p().clamp(Some(LOWEST_LOG), None)
}

/// Weights of [`Tensor::binary_cross_entropy_with_logits`]; a [`Reduction`] alone will do for none.
#[derive(Clone, Debug, Default)]
pub struct BinaryCrossEntropyOptions {
    /// Factor of each element's loss; broadcasts.
    pub weight: Option<Tensor>,
    /// Factor of the part of the loss that belongs to the class 1; broadcasts.
    pub positive_weight: Option<Tensor>,
    /// How the losses become the result.
    pub reduction: Reduction,
}

impl From<Reduction> for BinaryCrossEntropyOptions {
    fn from(reduction: Reduction) -> Self {
        Self { reduction, ..Self::default() }
    }
}

impl Tensor {
    /// −(t ln p + (1 − t) ln(1 − p)) of probabilities p and targets t in 0..=1. Logarithms are at least −100, as in
    /// PyTorch, so that a certain and wrong answer costs 100 and not ∞.
    ///
    /// # Panics
    /// When shapes or types differ, the type is not a float, or a probability lies outside 0..=1.
    #[track_caller]
    pub fn binary_cross_entropy(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        reduction.apply(must(apply(BinaryCrossEntropy, &[self, target])))
    }

    /// Binary cross-entropy of sigmoid(x), computed from the logits x without overflow. `options` is a [`Reduction`], or
    /// weights too.
    ///
    /// # Panics
    /// When shapes or types differ, the type is not a float, or a weight does not broadcast.
    #[track_caller]
    pub fn binary_cross_entropy_with_logits(
        &self,
        target: &Tensor,
        options: impl Into<BinaryCrossEntropyOptions>,
    ) -> Tensor {
        let options = options.into();
        let fused = |reduction| {
            let loss = PairLoss::BinaryCrossEntropyWithLogits;
            must(apply(PairLosses { loss, reduction }, &[self, target]))
        };
        let losses = match &options.positive_weight {
            None if options.weight.is_none() => return fused(options.reduction),
            None => fused(Reduction::None),
            Some(weight) => {
                must(check_pair("binary_cross_entropy_with_logits", self, target));
                let factor = (weight - 1.0) * target + 1.0;
                (1.0 - target) * self - factor * self.log_sigmoid()
            }
        };
        options.reduction.apply(match &options.weight {
            None => losses,
            Some(weight) => losses * weight,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the plain form has 0/0, the bound on the divisor keeps the gradient finite and pointing the right way.
    #[test]
    fn certain_answers_have_finite_gradients() {
        let p = Tensor::from_slice(&[0.0, 1.0, 0.0, 1.0], 4).requires_grad_(true);
        let target = Tensor::from_slice(&[0.0, 1.0, 1.0, 0.0], 4);
        let losses = p.binary_cross_entropy(&target, Reduction::None);
        assert_eq!(losses.to_vec::<f64>(), [0.0, 0.0, 100.0, 100.0]);
        losses.sum_all().backward().unwrap();
        let expected = [0.0, 0.0, -1e12, 1e12];
        let gradient = p.grad().unwrap().to_vec::<f64>();
        assert!(gradient.iter().zip(expected).all(|(g, e)| (g - e).abs() <= 1e-12 * e.abs()), "{gradient:?}");
    }

    #[test]
    fn logits_are_not_probabilities() {
        let (p, t) = (Tensor::from_slice(&[1.5], 1), Tensor::from_slice(&[1.0], 1));
        let error = apply(BinaryCrossEntropy, &[&p, &t]).unwrap_err().to_string();
        assert!(error.contains("1.5 is not a probability"), "{error}");
    }
}
