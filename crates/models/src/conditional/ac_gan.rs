//! `ac-gan`: the discriminator must name the class of every image, real or made, and the generator wants it named rightly.
//!
//! With logits d of real and ℓ of the classes, CE(ℓ, y) = −ln softmax(ℓ)_y and sp(x) = ln(1 + eˣ):
//!
//! - D: sp(−d(x)) + sp(d(G(z, y))) + CE(ℓ(x), y) + CE(ℓ(G(z, y)), y),
//! - G: sp(−d(G(z, y))) + CE(ℓ(G(z, y)), y).
//!
//! The cross-entropy takes logits: a softmax before it, as in some tutorials, flattens its gradient.
//!
//! Odena, Olah, Shlens: Conditional Image Synthesis With Auxiliary Classifier GANs, 2016,
//! <https://arxiv.org/abs/1610.09585>. Networks and Adam are DCGAN's.

use super::players::{ConditionalGan, Conditioning};
use crate::config::Ranges;
use crate::gans::gan::CrossEntropy;
use crate::gans::options;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::Generator;

/// The section `[ac-gan]` of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// By how much the target of real images lies below 1 (one-sided label smoothing).
    pub label_smoothing: f64,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Recipe for Options {
    const NAME: &'static str = "ac-gan";
    const DESCRIPTION: &'static str = "auxiliary classifier GAN: the discriminator names the class as well";
    const PAPER: &'static str = "Odena et al. 2016, arXiv:1610.09585";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("label_smoothing", self.label_smoothing, 0.0..=0.5)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let objective = CrossEntropy { smoothing: self.label_smoothing, saturates: false };
        let model = ConditionalGan::new(&self.game, images, Conditioning::Auxiliary, objective, rng)?;
        Ok(Box::new(model.play()))
    }
}
