//! `softmax-gan`: one softmax over all real and made images of a batch.
//!
//! With ln Z = ln Σ exp d over both: ln Z − mean d_real for the discriminator, ln Z − mean of all d for the generator.
//!
//! Lin: Softmax GAN, 2017, <https://arxiv.org/abs/1704.06191>. Networks and optimiser are DCGAN's.

use crate::config::Ranges;
use crate::gans::losses::softmax;
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[softmax-gan]` of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Recipe for Options {
    const NAME: &'static str = "softmax-gan";
    const DESCRIPTION: &'static str = "GAN with a softmax over the batch";
    const PAPER: &'static str = "Lin 2017, arXiv:1704.06191";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        Ok(Box::new(Gan::new(&self.game, images, Softmax, rng)?.play()))
    }
}

/// The softmax game.
#[derive(Debug)]
struct Softmax;

impl Objective for Softmax {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        softmax::discriminator(&real.scores, &fake.scores)
    }

    fn generator(&self, fake: &Verdict, real: &dyn Fn() -> Verdict) -> Tensor {
        softmax::generator(&real().scores, &fake.scores)
    }

    fn boundary(&self) -> Option<f64> {
        None
    }
}
