//! `projection-gan`: the discriminator's score is a common part and the product of its features with a vector of the class.
//!
//! With features φ of an image, d(x, y) = ψ·φ(x) + b + v_y·φ(x) + c_y, which is the form of the log-ratio of two joint
//! distributions whose classes are softmaxes of φ. The losses are the hinge's: mean max(0, 1 − d(x, y)) +
//! mean max(0, 1 + d(G(z, y), y)) for the discriminator, −mean d(G(z, y), y) for the generator. ψ and all v_y are the rows of
//! one layer; every weight is spectrally normalised.
//!
//! Miyato, Koyama: cGANs with Projection Discriminator, 2018, <https://arxiv.org/abs/1802.05637>: Adam with 2e-4 and (0, 0.9),
//! five moves of the discriminator for one of the generator. Networks are DCGAN's, and the generator's code has the class
//! beside it, where the paper has residual networks and a normalisation for each class.

use super::players::{ConditionalGan, Conditioning};
use crate::config::Ranges;
use crate::gans::options;
use crate::gans::sn_gan::{self, Hinge};
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::Generator;

/// The section `[projection-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    /// Those of `sn-gan`.
    fn default() -> Self {
        Self { game: sn_gan::Options::default().game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "projection-gan";
    const DESCRIPTION: &'static str = "conditional GAN with a projection discriminator, hinge loss";
    const PAPER: &'static str = "Miyato & Koyama 2018, arXiv:1802.05637";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let model = ConditionalGan::new(&self.game, images, Conditioning::Projection, Hinge, rng)?;
        Ok(Box::new(model.play()))
    }
}
