//! `ra-gan`: the discriminator tells how much more real an image looks than the average image of the other kind.
//!
//! With the differences r = d_real − mean d_fake and f = d_fake − mean d_real: sp(−r) + sp(f) for the discriminator and
//! sp(−f) + sp(r) for the generator (`loss = "cross-entropy"`, RaSGAN), or the hinge loss in its place (`"hinge"`,
//! RaHingeGAN), or least squares towards ±1 (`"least-squares"`, RaLSGAN).
//!
//! Jolicoeur-Martineau: The relativistic discriminator, 2018, <https://arxiv.org/abs/1807.00734>. Networks and optimiser are
//! DCGAN's.

use crate::config::Ranges;
use crate::gans::losses::relativistic::{self, Base};
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[ra-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// `cross-entropy`, `hinge` or `least-squares`.
    pub loss: String,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self { loss: "cross-entropy".into(), game: options::Options::default() }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "ra-gan";
    const DESCRIPTION: &'static str = "relativistic average GAN";
    const PAPER: &'static str = "Jolicoeur-Martineau 2018, arXiv:1807.00734";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("loss", &self.loss, &Base::NAMES.map(|(name, _)| name))?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let named = Base::NAMES.iter().find(|(name, _)| *name == self.loss);
        let objective = Relativistic { base: named.map_or(Base::CrossEntropy, |(_, base)| *base) };
        Ok(Box::new(Gan::new(&self.game, images, objective, rng)?.play()))
    }
}

/// The relativistic average game.
#[derive(Debug)]
pub struct Relativistic {
    /// The loss of the differences.
    pub base: Base,
}

impl Objective for Relativistic {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        relativistic::discriminator(self.base, &real.scores, &fake.scores)
    }

    fn generator(&self, fake: &Verdict, real: &dyn Fn() -> Verdict) -> Tensor {
        relativistic::generator(self.base, &real().scores, &fake.scores)
    }

    fn boundary(&self) -> Option<f64> {
        None
    }
}
