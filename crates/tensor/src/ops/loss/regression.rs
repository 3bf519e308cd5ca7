//! Distances between numbers, and divergences between distributions given by their logarithms.

use super::pair::{PairLoss, PairLosses};
use super::{Reduction, check_pair};
use crate::apply::{apply, must};
use crate::{Error, Tensor};

impl Tensor {
    /// (x − t)².
    ///
    /// # Panics
    /// When shapes or types differ, or the type is not a float.
    #[track_caller]
    pub fn mse_loss(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        must(apply(PairLosses { loss: PairLoss::SquaredError, reduction }, &[self, target]))
    }

    /// |x − t|. The gradient is 0 where they are equal.
    ///
    /// # Panics
    /// When shapes or types differ, or the type is not a float.
    #[track_caller]
    pub fn l1_loss(&self, target: &Tensor, reduction: Reduction) -> Tensor {
        must(check_pair("l1_loss", self, target));
        reduction.apply((self - target).abs())
    }

    /// (x − t)²/(2β) where |x − t| < β, |x − t| − β/2 elsewhere; |x − t| for β = 0.
    ///
    /// # Panics
    /// When shapes or types differ, the type is not a float, or β is negative.
    #[track_caller]
    pub fn smooth_l1_loss(&self, target: &Tensor, beta: f64, reduction: Reduction) -> Tensor {
        must(check_pair("smooth_l1_loss", self, target));
        if beta == 0.0 {
            return self.l1_loss(target, reduction);
        }
        if beta.is_nan() || beta < 0.0 {
            must::<()>(Err(Error::argument(
                "smooth_l1_loss",
                format!("beta must not be negative, got {beta}"),
            )));
        }
        let difference = self - target;
        // c (d − c/2)/β with c = d held within ±β is both branches at once.
        let held = difference.clamp(Some(-beta), Some(beta));
        reduction.apply(&held * (difference - &held * 0.5) * (1.0 / beta))
    }

    /// Kullback–Leibler divergence of x = ln q from t: t (ln t − x), which is 0 where t is. With `log_target`, t is given
    /// by its logarithm. The sum over a distribution is the divergence; `Mean` divides by all elements, as in PyTorch.
    ///
    /// # Panics
    /// When shapes or types differ, or the type is not a float.
    #[track_caller]
    pub fn kl_div(&self, target: &Tensor, log_target: bool, reduction: Reduction) -> Tensor {
        must(check_pair("kl_div", self, target));
        let losses = if log_target {
            target.exp() * (target - self)
        } else {
            // Where t = 0 its logarithm must not be −∞: 0 · ∞ is NaN.
            let safe = target.masked_fill(&target.detach().eq_scalar(0.0), 1.0);
            target * (safe.log() - self)
        };
        reduction.apply(losses)
    }
}
