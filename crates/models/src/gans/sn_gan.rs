//! `sn-gan`: the hinge game with every weight of the discriminator divided by its largest singular value.
//!
//! Losses mean max(0, 1 − d_real) + mean max(0, 1 + d_fake) and −mean d_fake.
//!
//! Miyato et al.: Spectral Normalization for Generative Adversarial Networks, 2018, <https://arxiv.org/abs/1802.05957>: Adam
//! with 2e-4 and (0, 0.9), five moves of the discriminator for one of the generator.

use crate::config::Ranges;
use crate::gans::losses::{hinge, wasserstein};
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[sn-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game = options::Options {
            normalisation: "spectral".into(),
            beta1: 0.0,
            beta2: 0.9,
            critic_steps: 5,
            ..options::Options::default()
        };
        Self { game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "sn-gan";
    const DESCRIPTION: &'static str = "GAN with spectral normalisation and hinge loss";
    const PAPER: &'static str = "Miyato et al. 2018, arXiv:1802.05957";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        Ok(Box::new(Gan::new(&self.game, images, Hinge, rng)?.play()))
    }
}

/// The hinge game.
#[derive(Debug)]
pub struct Hinge;

impl Objective for Hinge {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        hinge::discriminator(&real.scores, &fake.scores)
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        wasserstein::generator(&fake.scores)
    }
}
