//! `b-gan`: the generator seeks the boundary on which the discriminator cannot decide.
//!
//! Losses sp(−d_real) + sp(d_fake) and ½·mean (ln D − ln(1 − D))² = ½·mean d_fake², with D = σ(d).
//!
//! Hjelm et al.: Boundary-Seeking Generative Adversarial Networks, 2017, <https://arxiv.org/abs/1702.08431>: the continuous
//! case of its first version. Networks and optimiser are DCGAN's.

use crate::config::Ranges;
use crate::gans::losses::{boundary_seeking, cross_entropy};
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[b-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// By how much the target of real images lies below 1 (one-sided label smoothing).
    pub label_smoothing: f64,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self { label_smoothing: 0.0, game: options::Options::default() }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "b-gan";
    const DESCRIPTION: &'static str = "boundary-seeking GAN";
    const PAPER: &'static str = "Hjelm et al. 2017, arXiv:1702.08431";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("label_smoothing", self.label_smoothing, 0.0..=0.5)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let objective = BoundarySeeking { smoothing: self.label_smoothing };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}

/// Cross-entropy against a generator that seeks the boundary.
#[derive(Debug)]
struct BoundarySeeking {
    smoothing: f64,
}

impl Objective for BoundarySeeking {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        cross_entropy::discriminator(&real.scores, &fake.scores, self.smoothing)
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        boundary_seeking::generator(&fake.scores)
    }
}
