//! The Wasserstein autoencoder with the maximum mean discrepancy: codes of points whose sample as a whole must look like
//! one of the prior.
//!
//! `w·‖x − x̂‖² + λ·MMD({z}, {z̃})`, z the codes of a batch and z̃ as many draws of N(0, 1); see
//! [`maximum_mean_discrepancy`]. Two terms of the transport problem between pixels and model: no code is blurred, as a
//! VAE's are.
//!
//! Codes of 8 numbers, λ = 10 beside w = 0.05, the sum over scales of the kernel and a learning rate of 1e-3 are those of
//! the authors' program for MNIST; the networks are this zoo's.
//!
//! Tolstikhin, Bousquet, Gelly, Schölkopf 2018: Wasserstein Auto-Encoders, <https://arxiv.org/abs/1711.01558>.

use super::discrepancy::{Kernel, maximum_mean_discrepancy};
use super::plain::{PlainCoder, PriorOptions};
use crate::autoencoders::coder::CoderOptions;
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::{Generator, scope};

/// The section `[wae-mmd]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
    /// What codes are drawn from.
    #[serde(flatten)]
    pub prior: PriorOptions,
    /// The loss.
    #[serde(flatten)]
    pub objective: Discrepancy,
}

/// The loss and its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// w, the weight of the reconstruction.
    pub reconstruction_weight: f64,
    /// λ, the weight of the discrepancy.
    pub discrepancy_weight: f64,
    /// `inverse-multiquadratic` or `gaussian`.
    pub kernel: Kernel,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            coder: CoderOptions {
                latent: 8,
                network: "conv".into(),
                reconstruction: "l2".into(),
                ..CoderOptions::default()
            },
            prior: PriorOptions::default(),
            objective: Discrepancy {
                reconstruction_weight: 0.05,
                discrepancy_weight: 10.0,
                kernel: Kernel::InverseMultiquadratic,
            },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "wae-mmd";
    const DESCRIPTION: &'static str =
        "Wasserstein autoencoder: the codes of a batch look like a sample of the prior";
    const PAPER: &'static str = "Tolstikhin et al. 2018, arXiv:1711.01558";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.coder.check(ranges)?;
        self.prior.check(ranges)?;
        ranges.within("reconstruction_weight", self.objective.reconstruction_weight, 0.0..=1e6)?;
        ranges.within("discrepancy_weight", self.objective.discrepancy_weight, 0.0..=1e6)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = PlainCoder::new(&self.coder, &self.prior, images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

impl Objective<PlainCoder> for Discrepancy {
    fn losses(&self, network: &PlainCoder, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let codes = network.codes(&batch.images);
        let reconstruction = network.reconstruction(&codes, &batch.images);
        let _scope = scope::enter("loss");
        let discrepancy = maximum_mean_discrepancy(&codes, &rng.normal_like(&codes), self.kernel);
        let total = &reconstruction * self.reconstruction_weight + &discrepancy * self.discrepancy_weight;
        Losses { total, terms: vec![("reconstruction", reconstruction), ("discrepancy", discrepancy)] }
    }

    fn end_epoch(&self, network: &mut PlainCoder, data: &Dataset, rng: &Generator) -> Result<()> {
        network.fit_prior(data, rng)
    }
}
