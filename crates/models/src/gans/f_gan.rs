//! `f-gan`: a discriminator that bounds an f-divergence from below.
//!
//! Discriminator: −mean g(v_real) + mean f*(g(v_fake)), with scores v, output activation g and conjugate f* of the
//! `divergence` (see [`Divergence`]). Generator: −mean g(v_fake) (`loss = "non-saturating"`, section 3.2 of the paper), or
//! −mean f*(g(v_fake)) (`"minimax"`).
//!
//! Nowozin, Cseke, Tomioka: f-GAN, 2016, <https://arxiv.org/abs/1606.00709>. Networks and optimiser are DCGAN's.

use crate::config::Ranges;
use crate::gans::losses::f_divergence::Divergence;
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[f-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// `kl`, `reverse-kl`, `pearson`, `hellinger`, `js` or `gan`.
    pub divergence: String,
    /// The generator's loss: `non-saturating` or `minimax`.
    pub loss: String,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game = options::Options::default();
        Self { divergence: "js".into(), loss: "non-saturating".into(), game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "f-gan";
    const DESCRIPTION: &'static str = "GAN for any f-divergence";
    const PAPER: &'static str = "Nowozin et al. 2016, arXiv:1606.00709";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("divergence", &self.divergence, &Divergence::NAMES.map(|(name, _)| name))?;
        ranges.one_of("loss", &self.loss, &["non-saturating", "minimax"])?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let named = Divergence::NAMES.iter().find(|(name, _)| *name == self.divergence);
        let divergence = named.map_or(Divergence::JensenShannon, |(_, divergence)| *divergence);
        let objective = Bound { divergence, saturates: self.loss == "minimax" };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}

/// The variational bound of a divergence.
#[derive(Debug)]
struct Bound {
    divergence: Divergence,
    saturates: bool,
}

impl Objective for Bound {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        -self.divergence.bound(&real.scores, &fake.scores)
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        let gain = match self.saturates {
            true => self.divergence.conjugate(&fake.scores),
            false => self.divergence.activation(&fake.scores),
        };
        -gain.mean_all()
    }

    fn boundary(&self) -> Option<f64> {
        Some(self.divergence.boundary())
    }
}
