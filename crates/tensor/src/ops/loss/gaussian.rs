//! Normal distributions: their divergence, likelihood and samples, as variational autoencoders need them.

use super::pair::{PairLoss, PairLosses};
use super::{Reduction, check_pair, guarded};
use crate::apply::{apply, must};
use crate::autograd::Saved;
use crate::op::{Gradients, Op, Saves, Spec, Values};
use crate::ops::cuda::{self, Family};
use crate::ops::elementwise::{same_floats, take, zip3_to};
use crate::{Error, Result, Tensor, Value};
use smallvec::smallvec;
use std::f64::consts::PI;
use wengert_cpu::{Float, Number};
use wengert_cuda::Device;

/// μ + e^(l/2) ε: a sample of N(μ, eˡ) made from a standard normal one. Inputs: μ, l = ln σ² and ε, of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reparameterise;

impl Op for Reparameterise {
    fn name(&self) -> &'static str {
        "reparameterise"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        same_floats(self.name(), take::<3>(self.name(), inputs)?)
    }

    fn saves(&self) -> Saves {
        Saves::inputs(&[1, 2])
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        for_float!(output.dtype, self.name(), T => {
            let half = T::from_f64(0.5);
            Ok(zip3_to(&inputs, &output.shape, |mu: T, l: T, noise: T| mu + Float::exp(l * half) * noise))
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::map::<3>(Family::Loss, self.name(), [0.0; 2], inputs, output, device)
    }

    fn vjp(&self, saved: &Saved, g: &Tensor) -> Result<Gradients> {
        let (l, noise) = (saved.input(1), saved.input(2));
        let to_l = saved.needs(1).then(|| apply(ReparameteriseGrad, &[&l, &noise, g])).transpose()?;
        Ok(smallvec![
            saved.needs(0).then(|| g.clone()),
            to_l,
            saved.needs(2).then(|| g * (l * 0.5).exp()),
        ])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        Some(&inputs[0] + (&inputs[1] * 0.5).exp() * &inputs[2])
    }
}

/// ½ g ε e^(l/2), the gradient of l. Inputs: l, ε and the cotangent g, of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ReparameteriseGrad;

impl Op for ReparameteriseGrad {
    fn name(&self) -> &'static str {
        "reparameterise_grad"
    }

    fn infer(&self, inputs: &[Spec]) -> Result<Spec> {
        same_floats(self.name(), take::<3>(self.name(), inputs)?)
    }

    fn saves(&self) -> Saves {
        Saves::ALL_INPUTS.and_output()
    }

    fn forward(&self, inputs: Values, output: &Spec) -> Result<Value> {
        for_float!(output.dtype, self.name(), T => {
            let half = T::from_f64(0.5);
            Ok(zip3_to(&inputs, &output.shape, move |l: T, noise: T, g: T| {
                half * (g * (noise * Float::exp(l * half)))
            }))
        })
    }

    fn forward_cuda(&self, inputs: Values, output: &Spec, device: &Device) -> Result<Value> {
        cuda::map::<3>(Family::Loss, self.name(), [0.0; 2], inputs, output, device)
    }

    fn vjp(&self, saved: &Saved, c: &Tensor) -> Result<Gradients> {
        let (l, noise, g) = (saved.input(0), saved.input(1), saved.input(2));
        let to_noise = || c * &g * (&l * 0.5).exp() * 0.5;
        let to_g = saved.needs(2).then(|| apply(*self, &[&l, &noise, c])).transpose()?;
        Ok(smallvec![
            saved.needs(0).then(|| c * saved.output() * 0.5),
            saved.needs(1).then(to_noise),
            to_g,
        ])
    }

    fn decompose(&self, inputs: &[Tensor]) -> Option<Tensor> {
        Some((&inputs[0] * 0.5).exp() * &inputs[1] * &inputs[2] * 0.5)
    }
}

/// Options of [`Tensor::gaussian_nll_loss`]; a [`Reduction`] alone will do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaussianNllOptions {
    /// Adds the constant ½ ln 2π.
    pub full: bool,
    /// Least variance that is divided by; gradients do not see the bound.
    pub epsilon: f64,
    /// How the losses become the result.
    pub reduction: Reduction,
}

impl Default for GaussianNllOptions {
    fn default() -> Self {
        Self { full: false, epsilon: 1e-6, reduction: Reduction::Mean }
    }
}

impl From<Reduction> for GaussianNllOptions {
    fn from(reduction: Reduction) -> Self {
        Self { reduction, ..Self::default() }
    }
}

impl Tensor {
    /// Divergence of the normal distribution of mean `self` and variance e^`logvar` from the standard one, for each
    /// element: −½ (1 + logvar − μ² − e^logvar), in nats (Kingma and Welling, 2014, appendix B).
    ///
    /// # Panics
    /// When shapes or types differ, or the type is not a float.
    #[track_caller]
    pub fn gaussian_kl(&self, logvar: &Tensor, reduction: Reduction) -> Tensor {
        must(apply(PairLosses { loss: PairLoss::GaussianKl, reduction }, &[self, logvar]))
    }

    /// A sample of the normal distribution of mean `self` and variance e^`logvar`, through which gradients flow:
    /// μ + e^(logvar/2) · noise, with standard normal noise.
    ///
    /// # Panics
    /// When shapes or types differ, or the type is not a float.
    #[track_caller]
    pub fn reparameterise(&self, logvar: &Tensor, noise: &Tensor) -> Tensor {
        must(apply(Reparameterise, &[self, logvar, noise]))
    }

    /// Negative log-likelihood of `target` under normal distributions of mean `self`: ½ (ln v + (x − t)²/v), in nats.
    /// The variances v broadcast.
    ///
    /// # Panics
    /// When the shapes of mean and target differ, the variance does not broadcast to them, types differ, or a variance is
    /// negative.
    #[track_caller]
    pub fn gaussian_nll_loss(
        &self,
        target: &Tensor,
        variance: &Tensor,
        options: impl Into<GaussianNllOptions>,
    ) -> Tensor {
        let options = options.into();
        must(check_pair("gaussian_nll_loss", self, target));
        if variance.lt_scalar(0.0).any(&[], false).item() != 0.0 {
            must::<()>(Err(Error::argument("gaussian_nll_loss", "a variance is negative")));
        }
        let variance = guarded(variance, options.epsilon);
        let constant = if options.full { 0.5 * (2.0 * PI).ln() } else { 0.0 };
        let losses = (variance.log() + (self - target).square() / &variance) * 0.5;
        options.reduction.apply(if options.full { losses + constant } else { losses })
    }
}
