//! `gan`: the original game, of fully connected networks.
//!
//! The discriminator's loss is sp(−d_real) + sp(d_fake) with logits d and sp(x) = ln(1 + eˣ). The generator's is sp(−d_fake)
//! (`loss = "non-saturating"`), or −sp(d_fake) in the minimax game of the paper's formula (`"minimax"`).
//!
//! Goodfellow et al.: Generative Adversarial Networks, 2014, <https://arxiv.org/abs/1406.2661>. The networks
//! 100-256-512-1024-784 and 784-512-256-1 and Adam with 2e-4 and (0.5, 0.999) are those of the field's tutorials, here with
//! a batch normalisation whose ε is 1e-5.

use crate::config::Ranges;
use crate::gans::losses::cross_entropy;
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The generator's loss: `non-saturating` or `minimax`.
    pub loss: String,
    /// By how much the target of real images lies below 1 (one-sided label smoothing).
    pub label_smoothing: f64,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game = options::Options {
            network: "mlp".into(),
            normalisation: "none".into(),
            ..options::Options::default()
        };
        Self { loss: "non-saturating".into(), label_smoothing: 0.0, game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "gan";
    const DESCRIPTION: &'static str = "generative adversarial network: MLP, minimax or non-saturating";
    const PAPER: &'static str = "Goodfellow et al. 2014, arXiv:1406.2661";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("loss", &self.loss, &["non-saturating", "minimax"])?;
        ranges.within("label_smoothing", self.label_smoothing, 0.0..=0.5)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let objective = CrossEntropy { smoothing: self.label_smoothing, saturates: self.loss == "minimax" };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}

/// The sigmoid cross-entropy game.
#[derive(Debug)]
pub struct CrossEntropy {
    /// By how much the target of real images lies below 1.
    pub smoothing: f64,
    /// Whether the generator plays the minimax game.
    pub saturates: bool,
}

impl Objective for CrossEntropy {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        cross_entropy::discriminator(&real.scores, &fake.scores, self.smoothing)
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        match self.saturates {
            true => cross_entropy::minimax_generator(&fake.scores),
            false => cross_entropy::non_saturating_generator(&fake.scores),
        }
    }
}
