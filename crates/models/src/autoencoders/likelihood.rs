//! How a picture is compared with what a decoder made of its code.
//!
//! A decoder gives one number o for each pixel, and the pixel it means is σ(o), between 0 and 1. Summed over the pixels of
//! an image, in nats but for constants, the losses are
//!
//! | name | loss of a pixel x | density behind it |
//! |---|---|---|
//! | `bernoulli` | −x ln σ(o) − (1 − x) ln (1 − σ(o)) | Bernoulli of probability σ(o) |
//! | `l1` | \|x − σ(o)\| | Laplace of mean σ(o) and scale 1, without ln 2 |
//! | `l2` | (x − σ(o))² | normal of mean σ(o) and variance ½, without ½ ln π |
//! | `gaussian` | ½ (x − σ(o))²/v + ½ ln 2πv | normal of mean σ(o) and variance v, which is learned |
//!
//! The variance is one number for all pixels, as in the σ-VAE of Rybkin, Daniilidis and Levine (2021,
//! <https://arxiv.org/abs/2006.13202>), kept as ln v. It weighs reconstruction against code without a factor set by hand.
//!
//! Black and white pixels have a Bernoulli likelihood. For grey ones the same formula is the customary loss, but no
//! density that integrates to 1 (Loaiza-Ganem and Cunningham, 2019, <https://arxiv.org/abs/1907.06845>): a pixel of grey x
//! counts as one that is white with probability x, averaged over that draw. Bounds on the likelihood that are compared
//! with published ones must be of binarised images (`data.binarisation`).

use crate::config::Ranges;
use crate::{Error, Result};
use std::f64::consts::PI;
use wengert_nn::{module, parameter};
use wengert_tensor::ops::loss::Reduction;
use wengert_tensor::{DType, Tensor};

/// The names of the losses, as the option `reconstruction` takes them.
pub const RECONSTRUCTIONS: [&str; 4] = ["bernoulli", "l1", "l2", "gaussian"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bernoulli,
    L1,
    L2,
    Gaussian,
}

/// The density of pixels given what a decoder says of them; see the [module](self).
#[derive(Debug)]
pub struct Likelihood {
    kind: Kind,
    /// ln v of `gaussian`, a scalar.
    log_variance: Option<Tensor>,
}

module!(Likelihood { parameters: log_variance });

impl Likelihood {
    /// The likelihood of a name; a variance that is learned starts at 1.
    ///
    /// # Errors
    /// When the name is none of [`RECONSTRUCTIONS`].
    pub fn new(name: &str) -> Result<Likelihood> {
        let kind = match name {
            "bernoulli" => Kind::Bernoulli,
            "l1" => Kind::L1,
            "l2" => Kind::L2,
            "gaussian" => Kind::Gaussian,
            _ => return Err(Error::setting(format!("there is no reconstruction loss `{name}`"))),
        };
        let log_variance = (kind == Kind::Gaussian).then(|| parameter(Tensor::zeros((), DType::F32)));
        Ok(Likelihood { kind, log_variance })
    }

    /// An error unless `name` is one of [`RECONSTRUCTIONS`].
    pub fn check(name: &str, ranges: &Ranges) -> Result<()> {
        ranges.one_of("reconstruction", name, &RECONSTRUCTIONS)
    }

    /// The loss of outputs against images of the same shape `[batch, pixels]`, summed over pixels and averaged over the
    /// batch: a scalar.
    pub fn loss(&self, outputs: &Tensor, images: &Tensor) -> Tensor {
        self.reduced(outputs, images, Reduction::Sum) * (1.0 / images.dims()[0] as f64)
    }

    /// ln p(x | z) of each image, constants included: `[…, batch]` for outputs `[…, batch, pixels]` and images
    /// `[batch, pixels]`.
    pub fn log_density(&self, outputs: &Tensor, images: &Tensor) -> Tensor {
        let images = images.broadcast_to(outputs.shape());
        let constant = match self.kind {
            Kind::Bernoulli | Kind::Gaussian => 0.0,
            Kind::L1 => 2f64.ln(),
            Kind::L2 => 0.5 * PI.ln(),
        };
        -(self.reduced(outputs, &images, Reduction::None).sum(&[-1], false)
            + constant * images.dim(-1) as f64)
    }

    /// The pixels that outputs mean, between 0 and 1.
    pub fn mean(&self, outputs: &Tensor) -> Tensor {
        outputs.sigmoid()
    }

    /// The losses of pixels, summed or each by itself.
    fn reduced(&self, outputs: &Tensor, images: &Tensor, reduction: Reduction) -> Tensor {
        match (self.kind, &self.log_variance) {
            (Kind::Bernoulli, _) => outputs.binary_cross_entropy_with_logits(images, reduction),
            (Kind::L1, _) => self.mean(outputs).l1_loss(images, reduction),
            (_, None) => self.mean(outputs).mse_loss(images, reduction),
            (_, Some(log_variance)) => {
                let count = if reduction == Reduction::Sum { images.numel() as f64 } else { 1.0 };
                let squares = self.mean(outputs).mse_loss(images, reduction);
                (squares * (-log_variance).exp() + (log_variance + (2.0 * PI).ln()) * count) * 0.5
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::Module;

    /// Two images of two pixels; outputs of 0 mean a half, ±ln 3 three quarters and one.
    fn case() -> (Tensor, Tensor) {
        let outputs = Tensor::from_slice(&[0.0, 3f32.ln(), 0.0, -(3f32.ln())], [2, 2]);
        (outputs, Tensor::from_slice(&[1.0f32, 1.0, 0.25, 0.0], [2, 2]))
    }

    /// The loss, and the log-densities of both images.
    fn look(likelihood: &Likelihood) -> (f64, Vec<f64>) {
        let (outputs, images) = case();
        let densities = likelihood.log_density(&outputs, &images);
        (likelihood.loss(&outputs, &images).item(), densities.to_dtype(DType::F64).to_vec())
    }

    fn close(found: (f64, Vec<f64>), loss: f64, densities: [f64; 2]) {
        assert!((found.0 - loss).abs() < 1e-6, "{} {loss}", found.0);
        for (found, expected) in found.1.iter().zip(densities) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn losses_and_densities_by_hand() {
        let likelihood = |name| Likelihood::new(name).unwrap();
        let (first, second) = (-(0.5f64.ln() + 0.75f64.ln()), -(0.5f64.ln() + 0.75f64.ln()));
        close(look(&likelihood("bernoulli")), (first + second) / 2.0, [-first, -second]);
        // |1 − ½| + |1 − ¾| and |¼ − ½| + |0 − ¼|.
        let twice = 2.0 * 2f64.ln();
        close(look(&likelihood("l1")), 0.625, [-0.75 - twice, -0.5 - twice]);
        let (first, second) = (0.25 + 0.0625, 0.0625 + 0.0625);
        close(look(&likelihood("l2")), (first + second) / 2.0, [-first - PI.ln(), -second - PI.ln()]);
        let gaussian = likelihood("gaussian");
        gaussian.log_variance.as_ref().unwrap().update(|value: &mut [f32]| value[0] = 0.25f32.ln());
        let constant = (2.0 * PI * 0.25).ln();
        let losses = [first, second].map(|squares| 2.0 * squares + constant);
        close(look(&gaussian), (losses[0] + losses[1]) / 2.0, losses.map(|loss| -loss));
        assert!(Likelihood::new("l3").is_err());
    }

    #[test]
    fn densities_of_many_samples_broadcast() {
        let (outputs, images) = case();
        for name in RECONSTRUCTIONS {
            let likelihood = Likelihood::new(name).unwrap();
            let single = likelihood.log_density(&outputs, &images).to_vec::<f32>();
            let stacked = Tensor::stack(&[&outputs, &outputs, &outputs], 0);
            let many = likelihood.log_density(&stacked, &images);
            assert_eq!(many.dims(), [3, 2]);
            assert_eq!(many.to_vec::<f32>(), single.repeat(3), "{name}");
        }
    }

    #[test]
    fn the_learned_variance_has_its_optimum_at_the_mean_square() {
        let (outputs, images) = case();
        let gaussian = Likelihood::new("gaussian").unwrap();
        let log_variance = &gaussian.parameters()[0];
        let mean_square = (0.25 + 0.0625 + 0.0625 + 0.0625) / 4.0;
        log_variance.update(|value: &mut [f32]| value[0] = f32::ln(mean_square));
        gaussian.loss(&outputs, &images).backward().unwrap();
        assert!(log_variance.grad().unwrap().item().abs() < 1e-6);
    }
}
