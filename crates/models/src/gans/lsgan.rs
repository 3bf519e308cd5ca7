//! `lsgan`: the discriminator's outputs are drawn to 1 and 0 by least squares.
//!
//! Losses ½(d_real − 1)² + ½d_fake² and ½(d_fake − 1)².
//!
//! Mao et al.: Least Squares Generative Adversarial Networks, 2016, <https://arxiv.org/abs/1611.04076>. Networks and
//! optimiser are DCGAN's.

use crate::config::Ranges;
use crate::gans::losses::least_squares;
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[lsgan]` of a configuration.
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
    const NAME: &'static str = "lsgan";
    const DESCRIPTION: &'static str = "least-squares GAN";
    const PAPER: &'static str = "Mao et al. 2016, arXiv:1611.04076";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("label_smoothing", self.label_smoothing, 0.0..=0.5)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let objective = LeastSquares { smoothing: self.label_smoothing };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}

/// Least squares towards 1 and 0.
#[derive(Debug)]
pub struct LeastSquares {
    /// By how much the target of real images lies below 1.
    pub smoothing: f64,
}

impl Objective for LeastSquares {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        least_squares::discriminator(&real.scores, &fake.scores, self.smoothing)
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        least_squares::generator(&fake.scores)
    }

    fn boundary(&self) -> Option<f64> {
        Some(0.5)
    }
}
