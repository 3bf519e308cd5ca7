//! The sliced Wasserstein autoencoder: codes of points whose sample must look like one of the prior on every line
//! through it.
//!
//! `‖x − x̂‖² + λ·SW({z}, {z̃})`, z the codes of a batch and z̃ as many draws of N(0, 1); see [`sliced_wasserstein`]. On a
//! line the optimal transport is known: sort both samples. Nothing is trained against the encoder, and no kernel is
//! chosen.
//!
//! λ = 10 is the paper's, whose pixels have a cross-entropy; 200 directions of each batch are enough for codes of 8.
//!
//! Kolouri, Pope, Martin, Rohde 2019: Sliced Wasserstein Auto-Encoders, <https://arxiv.org/abs/1804.01947>.

use super::discrepancy::{random_directions, sliced_wasserstein};
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

/// The section `[swae]` of a configuration.
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
    pub objective: Slices,
}

/// The loss and its weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slices {
    /// λ, the weight of the distance.
    pub distance_weight: f64,
    /// Lines that both samples are projected on, drawn afresh for each batch.
    pub directions: usize,
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
            objective: Slices { distance_weight: 10.0, directions: 200 },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "swae";
    const DESCRIPTION: &'static str = "sliced Wasserstein autoencoder: codes sorted along random lines";
    const PAPER: &'static str = "Kolouri et al. 2019, arXiv:1804.01947";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.coder.check(ranges)?;
        self.prior.check(ranges)?;
        ranges.within("distance_weight", self.objective.distance_weight, 0.0..=1e6)?;
        ranges.within("directions", self.objective.directions, 1..=100_000)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = PlainCoder::new(&self.coder, &self.prior, images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

impl Objective<PlainCoder> for Slices {
    fn losses(&self, network: &PlainCoder, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let codes = network.codes(&batch.images);
        let reconstruction = network.reconstruction(&codes, &batch.images);
        let _scope = scope::enter("loss");
        let directions = random_directions(codes.dims()[1], self.directions, rng);
        let distance = sliced_wasserstein(&codes, &rng.normal_like(&codes), &directions);
        let total = &reconstruction + &distance * self.distance_weight;
        Losses { total, terms: vec![("reconstruction", reconstruction), ("distance", distance)] }
    }

    fn end_epoch(&self, network: &mut PlainCoder, data: &Dataset, rng: &Generator) -> Result<()> {
        network.fit_prior(data, rng)
    }
}
