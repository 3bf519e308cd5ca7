//! The DIP-VAE: a prior for the codes of all images together, whose numbers shall have variance 1 and no covariance.
//!
//! `reconstruction + KL(q(z | x) ‖ N(0, 1)) + λₒ Σ_{i≠j} Cᵢⱼ² + λ_d Σᵢ (Cᵢᵢ − 1)²`, a mean per image in its first two terms.
//! C is estimated from a batch: for `i` it is the covariance of the means μ(x), for `ii` that of the codes, which adds the
//! mean of the variances σ²(x) to the diagonal.
//!
//! Kumar, Sattigeri, Balakrishnan: Variational Inference of Disentangled Latent Concepts from Unlabeled Observations, ICLR
//! 2018, <https://arxiv.org/abs/1711.00848>. The paper sets λ_d = 10 λₒ for `i` and λ_d = λₒ for `ii` and tries λₒ from 1 to
//! 500; 10 is inside that range.

use super::coder::CoderOptions;
use super::gaussian::DiagonalGaussian;
use super::variational::{GaussianCoder, Pass, Variational};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::{Generator, Tensor, scope};

/// The section `[dip-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The loss.
    #[serde(flatten)]
    pub objective: InferredPrior,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        let objective = InferredPrior { form: "i".into(), off_diagonal: 10.0, diagonal: 100.0 };
        Self { objective, coder: CoderOptions { latent: 10, ..CoderOptions::default() } }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "dip-vae";
    const DESCRIPTION: &'static str = "VAE with a penalty on the covariance of its codes";
    const PAPER: &'static str = "Kumar et al. 2018, arXiv:1711.00848";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("form", &self.objective.form, &["i", "ii"])?;
        ranges.within("off_diagonal", self.objective.off_diagonal, 0.0..=1e6)?;
        ranges.within("diagonal", self.objective.diagonal, 0.0..=1e6)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, None, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

/// The loss with its options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InferredPrior {
    /// `i` or `ii`: whether the covariance is that of the means or of the codes.
    pub form: String,
    /// λₒ, the weight of the covariances' squares.
    pub off_diagonal: f64,
    /// λ_d, the weight of the squares by which variances differ from 1.
    pub diagonal: f64,
}

impl InferredPrior {
    /// The penalty on the codes of a batch, a scalar.
    pub fn penalty(&self, posterior: &DiagonalGaussian) -> Tensor {
        let covariance = covariance(&posterior.mean);
        let mut variances = covariance.diagonal(0, 1);
        let off_diagonal = covariance.square().sum_all() - variances.square().sum_all();
        if self.form == "ii" {
            variances = variances + posterior.log_variance.exp().mean(&[0], false);
        }
        off_diagonal * self.off_diagonal + (variances - 1.0).square().sum_all() * self.diagonal
    }
}

/// The covariance `[code size, code size]` of codes `[batch, code size]`, as a mean over the batch.
fn covariance(codes: &Tensor) -> Tensor {
    let centred = codes - &codes.mean(&[0], true);
    centred.t().matmul(&centred) * (1.0 / codes.dims()[0] as f64)
}

impl<N: Variational> Objective<N> for InferredPrior {
    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let Pass { posterior, reconstruction, kl, .. } = Pass::new(network, batch, rng);
        let _scope = scope::enter("loss");
        let covariance = self.penalty(&posterior);
        let total = &reconstruction + &kl + &covariance;
        Losses {
            total,
            terms: vec![("reconstruction", reconstruction), ("kl", kl), ("covariance", covariance)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_penalty_by_hand() {
        // Means (1, 0), (3, 4): variances 1 and 4, covariance 2; the variances add (½ + 1½)/2 = 1 and ½.
        let posterior = DiagonalGaussian {
            mean: Tensor::from_slice(&[1.0, 0.0, 3.0, 4.0], [2, 2]),
            log_variance: Tensor::from_slice(&[0.5f64, 0.25, 1.5, 0.75].map(f64::ln), [2, 2]),
        };
        let penalty = |form: &str| {
            InferredPrior { form: form.into(), off_diagonal: 3.0, diagonal: 5.0 }.penalty(&posterior).item()
        };
        let off_diagonal = 3.0 * 2.0 * 2.0f64.powi(2);
        assert!((penalty("i") - off_diagonal - 5.0 * (0.0 + 9.0)).abs() < 1e-12, "{}", penalty("i"));
        assert!(
            (penalty("ii") - off_diagonal - 5.0 * (1.0 + 3.5f64.powi(2))).abs() < 1e-12,
            "{}",
            penalty("ii")
        );
    }
}
