//! `wgan-gp`: a Wasserstein critic whose slope is drawn to 1.
//!
//! Critic: mean d_fake − mean d_real + λ·mean (‖∇d(x̂)‖ − 1)², with x̂ on the lines from made to real images and the norm
//! over all pixels of one image. Generator: −mean d_fake.
//!
//! Gulrajani et al.: Improved Training of Wasserstein GANs, 2017, <https://arxiv.org/abs/1704.00028>: λ = 10, five moves of
//! the critic for one of the generator, no batch normalisation in the critic. `form = "one-sided"` lets slopes below 1 pass
//! (Petzka et al., 2017, <https://arxiv.org/abs/1709.08894>).

use crate::config::Ranges;
use crate::gans::losses::gradient_penalty::{Form, GradientPenalty, Place};
use crate::gans::options;
use crate::gans::players::Gan;
use crate::gans::wgan::Wasserstein;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::Generator;

/// The section `[wgan-gp]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// λ, the weight of the penalty.
    pub gradient_penalty: f64,
    /// `two-sided` or `one-sided`.
    pub form: String,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game = options::Options {
            normalisation: "none".into(),
            beta2: 0.9,
            critic_steps: 5,
            ..options::Options::default()
        };
        Self { gradient_penalty: 10.0, form: "two-sided".into(), game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "wgan-gp";
    const DESCRIPTION: &'static str = "Wasserstein GAN with gradient penalty";
    const PAPER: &'static str = "Gulrajani et al. 2017, arXiv:1704.00028";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("gradient_penalty", self.gradient_penalty, 0.0..=1e6)?;
        ranges.one_of("form", &self.form, &["two-sided", "one-sided"])?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let form = if self.form == "one-sided" { Form::OneSided } else { Form::TwoSided };
        let penalty = GradientPenalty { weight: self.gradient_penalty, form, place: Place::Between };
        let objective = Wasserstein { penalty: Some(penalty) };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}
