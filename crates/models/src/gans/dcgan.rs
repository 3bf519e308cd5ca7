//! `dcgan`: the non-saturating game of convolutional networks.
//!
//! Losses sp(−d_real) + sp(d_fake) and sp(−d_fake), with logits d and sp(x) = ln(1 + eˣ).
//!
//! Radford, Metz, Chintala: Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks,
//! 2015, <https://arxiv.org/abs/1511.06434>: Adam with 2e-4 and β₁ = 0.5, weights from N(0, 0.02²), codes of 100 numbers,
//! 64 channels in the discriminator's first layer. Codes are normal as in PyTorch's tutorial; the paper's are uniform.

use crate::config::Ranges;
use crate::gans::gan::CrossEntropy;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::Generator;

/// The section `[dcgan]` of a configuration.
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
    const NAME: &'static str = "dcgan";
    const DESCRIPTION: &'static str = "deep convolutional GAN, non-saturating";
    const PAPER: &'static str = "Radford et al. 2015, arXiv:1511.06434";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("label_smoothing", self.label_smoothing, 0.0..=0.5)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let objective = CrossEntropy { smoothing: self.label_smoothing, saturates: false };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}
