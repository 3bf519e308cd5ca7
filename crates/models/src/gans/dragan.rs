//! `dragan`: the non-saturating game, with the discriminator's slope around the data drawn to 1.
//!
//! Discriminator: sp(−d_real) + sp(d_fake) + λ·mean (‖∇d(x̂)‖ − 1)², with x̂ around the real images. Generator: sp(−d_fake).
//!
//! Kodali et al.: On Convergence and Stability of GANs, 2017, <https://arxiv.org/abs/1705.07215>: λ = 10. The penalty is
//! taken of the logit, and the discriminator has no batch normalisation, which would make the slope at one image depend on
//! the others.

use crate::config::Ranges;
use crate::gans::gan::CrossEntropy;
use crate::gans::losses::gradient_penalty::{Form, GradientPenalty, Place};
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[dragan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// λ, the weight of the penalty.
    pub gradient_penalty: f64,
    /// By how much the target of real images lies below 1 (one-sided label smoothing).
    pub label_smoothing: f64,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game = options::Options { normalisation: "none".into(), ..options::Options::default() };
        Self { gradient_penalty: 10.0, label_smoothing: 0.0, game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "dragan";
    const DESCRIPTION: &'static str = "non-saturating GAN with a gradient penalty around the data";
    const PAPER: &'static str = "Kodali et al. 2017, arXiv:1705.07215";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("gradient_penalty", self.gradient_penalty, 0.0..=1e6)?;
        ranges.within("label_smoothing", self.label_smoothing, 0.0..=0.5)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let penalty =
            GradientPenalty { weight: self.gradient_penalty, form: Form::TwoSided, place: Place::AroundData };
        let game = CrossEntropy { smoothing: self.label_smoothing, saturates: false };
        let objective = Penalised { game, penalty };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}

/// The cross-entropy game with a penalty.
#[derive(Debug)]
struct Penalised {
    game: CrossEntropy,
    penalty: GradientPenalty,
}

impl Objective for Penalised {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        self.game.discriminator(real, fake)
    }

    fn generator(&self, fake: &Verdict, real: &dyn Fn() -> Verdict) -> Tensor {
        self.game.generator(fake, real)
    }

    fn penalty(&self) -> Option<&GradientPenalty> {
        Some(&self.penalty)
    }
}
