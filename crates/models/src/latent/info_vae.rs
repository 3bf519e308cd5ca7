//! InfoVAE: the evidence lower bound with the mutual information of image and code given back, and the aggregate of all
//! codes held to the prior instead.
//!
//! `reconstruction + (1 − α)·KL(q(z | x) ‖ p(z)) + (α + λ − 1)·MMD({z}, {z̃})`
//!
//! with z drawn from the posteriors of a batch and z̃ from N(0, 1); α = 1 is the MMD-VAE, whose codes the KL term does not
//! touch. α = 0 and λ = 1000, so that both terms weigh about as much, are the authors'; the Gaussian kernel divides squared
//! distances by d, where their code divides by d².
//!
//! Zhao, Song, Ermon 2017: InfoVAE, <https://arxiv.org/abs/1706.02262>.

use super::discrepancy::{Kernel, maximum_mean_discrepancy};
use crate::autoencoders::coder::CoderOptions;
use crate::autoencoders::variational::{GaussianCoder, Pass};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::{Generator, scope};

/// The section `[info-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
    /// The loss.
    #[serde(flatten)]
    pub objective: Information,
}

/// The loss and its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Information {
    /// α: how much of the mutual information is given back, from 0, none, to 1.
    pub alpha: f64,
    /// λ: how strongly the aggregate of the codes is held to the prior.
    pub lambda: f64,
    /// `gaussian` or `inverse-multiquadratic`.
    pub kernel: Kernel,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            coder: CoderOptions::default(),
            objective: Information { alpha: 0.0, lambda: 1000.0, kernel: Kernel::Gaussian },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "info-vae";
    const DESCRIPTION: &'static str = "InfoVAE: the aggregate of all codes held to the prior";
    const PAPER: &'static str = "Zhao et al. 2017, arXiv:1706.02262";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.coder.check(ranges)?;
        ranges.within("alpha", self.objective.alpha, 0.0..=1.0)?;
        ranges.within("lambda", self.objective.lambda, 1.0..=1e6)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, None, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

impl Objective<GaussianCoder> for Information {
    fn losses(&self, network: &GaussianCoder, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let Pass { codes, reconstruction, kl, .. } = Pass::new(network, batch, rng);
        let _scope = scope::enter("loss");
        let discrepancy = maximum_mean_discrepancy(&codes, &rng.normal_like(&codes), self.kernel);
        let total =
            &reconstruction + &kl * (1.0 - self.alpha) + &discrepancy * (self.alpha + self.lambda - 1.0);
        let terms = vec![("reconstruction", reconstruction), ("kl", kl), ("discrepancy", discrepancy)];
        Losses { total, terms }
    }
}
