//! `wgan-div`: the Wasserstein divergence, which needs no critic of bounded slope.
//!
//! Critic: mean d_fake − mean d_real + k·mean ‖∇d(x̂)‖ᵖ, with x̂ on the lines from made to real images. Generator:
//! −mean d_fake. (The paper's scores have the other sign.)
//!
//! Wu et al.: Wasserstein Divergence for GANs, 2017, <https://arxiv.org/abs/1712.01026>: k = 2, p = 6.

use crate::config::Ranges;
use crate::gans::losses::gradient_penalty::{Form, GradientPenalty, Place};
use crate::gans::options;
use crate::gans::players::Gan;
use crate::gans::wgan::Wasserstein;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::Generator;

/// The section `[wgan-div]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// k, the weight of the penalty.
    pub gradient_penalty: f64,
    /// p, the power of the norm.
    pub power: f64,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game =
            options::Options { normalisation: "none".into(), critic_steps: 5, ..options::Options::default() };
        Self { gradient_penalty: 2.0, power: 6.0, game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "wgan-div";
    const DESCRIPTION: &'static str = "Wasserstein divergence GAN";
    const PAPER: &'static str = "Wu et al. 2017, arXiv:1712.01026";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("gradient_penalty", self.gradient_penalty, 0.0..=1e6)?;
        ranges.within("power", self.power, 1.0..=16.0)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let form = Form::Power(self.power);
        let penalty = GradientPenalty { weight: self.gradient_penalty, form, place: Place::Between };
        let objective = Wasserstein { penalty: Some(penalty) };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}
