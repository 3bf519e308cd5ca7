//! `cgan`: both players are told the class.
//!
//! The discriminator gives logits d(x, y) of pairs of an image and a class, and pays sp(−d(x, y)) + sp(d(G(z, y), y)) with
//! sp(x) = ln(1 + eˣ); the generator pays sp(−d(G(z, y), y)). The class stands one-hot beside the code, and as one more
//! channel, learned for each class, beside the image.
//!
//! Mirza, Osindero: Conditional Generative Adversarial Nets, 2014, <https://arxiv.org/abs/1411.1784>. Networks and Adam
//! are DCGAN's.

use super::players::{ConditionalGan, Conditioning};
use crate::config::Ranges;
use crate::gans::gan::CrossEntropy;
use crate::gans::options;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::Generator;

/// The section `[cgan]` of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// By how much the target of real images lies below 1 (one-sided label smoothing).
    pub label_smoothing: f64,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Recipe for Options {
    const NAME: &'static str = "cgan";
    const DESCRIPTION: &'static str = "conditional GAN: generator and discriminator are told the class";
    const PAPER: &'static str = "Mirza & Osindero 2014, arXiv:1411.1784";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("label_smoothing", self.label_smoothing, 0.0..=0.5)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let objective = CrossEntropy { smoothing: self.label_smoothing, saturates: false };
        let model = ConditionalGan::new(&self.game, images, Conditioning::Plane, objective, rng)?;
        Ok(Box::new(model.play()))
    }
}
