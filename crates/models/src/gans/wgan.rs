//! `wgan`: a critic of clipped weights that estimates the Wasserstein distance.
//!
//! Losses mean d_fake − mean d_real and −mean d_fake; after each of its moves every parameter of the critic is put back
//! into ±`weight_clip`.
//!
//! Arjovsky, Chintala, Bottou: Wasserstein GAN, 2017, <https://arxiv.org/abs/1701.07875>: RMSProp with 5e-5, five moves of
//! the critic for one of the generator, weights within ±0.01, DCGAN's networks.

use crate::config::Ranges;
use crate::gans::losses::gradient_penalty::GradientPenalty;
use crate::gans::losses::wasserstein;
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[wgan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Bound of the critic's parameters.
    pub weight_clip: f64,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game = options::Options {
            optimizer: "rmsprop".into(),
            learning_rate: 5e-5,
            critic_steps: 5,
            ..options::Options::default()
        };
        Self { weight_clip: 0.01, game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "wgan";
    const DESCRIPTION: &'static str = "Wasserstein GAN with clipped weights";
    const PAPER: &'static str = "Arjovsky et al. 2017, arXiv:1701.07875";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("weight_clip", self.weight_clip, 1e-6..=1e3)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let objective = Wasserstein { penalty: None };
        let game = Gan::new(&self.game, images, objective, rng)?.play();
        Ok(Box::new(game.weight_clip(self.weight_clip)))
    }
}

/// The Wasserstein distance, with or without a penalty on the critic's slopes.
#[derive(Debug)]
pub struct Wasserstein {
    /// The penalty.
    pub penalty: Option<GradientPenalty>,
}

impl Objective for Wasserstein {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        wasserstein::critic(&real.scores, &fake.scores)
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        wasserstein::generator(&fake.scores)
    }

    fn boundary(&self) -> Option<f64> {
        None
    }

    fn penalty(&self) -> Option<&GradientPenalty> {
        self.penalty.as_ref()
    }
}
