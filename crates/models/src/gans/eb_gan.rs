//! `eb-gan`: the discriminator is an autoencoder, and what it fails to give back of an image is the image's energy.
//!
//! With the energies E, means of squares over the pixels: mean E_real + mean max(0, m − E_fake) for the discriminator, and
//! mean E_fake + w·(pulling-away term of the made images' codes) for the generator.
//!
//! Zhao, Mathieu, LeCun: Energy-based Generative Adversarial Networks, 2016, <https://arxiv.org/abs/1609.03126>: w = 0.1. The
//! paper searches m by data set. Networks and optimiser are DCGAN's.
//!
//! A grey image, 0 everywhere, has an energy of 1 at most, because what is given back lies in −1..1: a margin near 1 leaves
//! the discriminator saturated on grey images, where no slope leads the generator away from them. 0.1 leaves room.

use crate::config::Ranges;
use crate::gans::autoencoder::{Autoencoder, Distance};
use crate::gans::losses::energy;
use crate::gans::networks::Verdict;
use crate::gans::objective::Objective;
use crate::gans::options;
use crate::gans::players::Gan;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_tensor::{Generator, Tensor};

/// The section `[eb-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// m, the energy that made images are raised to.
    pub margin: f64,
    /// w, the weight of the pulling-away term.
    pub pull_away: f64,
    /// Numbers in a code of the autoencoder.
    pub bottleneck: usize,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self { margin: 0.1, pull_away: 0.1, bottleneck: 64, game: options::Options::default() }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "eb-gan";
    const DESCRIPTION: &'static str = "energy-based GAN: the discriminator is an autoencoder";
    const PAPER: &'static str = "Zhao et al. 2016, arXiv:1609.03126";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("margin", self.margin, 0.0..=1e6)?;
        ranges.within("pull_away", self.pull_away, 0.0..=1e6)?;
        ranges.within("bottleneck", self.bottleneck, 1..=4096)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let judge = Autoencoder::new(images.shape, self.bottleneck, Distance::Squared, &self.game, rng)?;
        let objective = Energy { margin: self.margin, pull_away: self.pull_away };
        Ok(Box::new(Gan::with_judge(&self.game, images, judge, objective, rng)?.play()))
    }
}

/// Energies with a margin. Scores are negative energies, features the codes.
#[derive(Debug)]
struct Energy {
    margin: f64,
    pull_away: f64,
}

impl Objective for Energy {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        energy::with_margin(&-&real.scores, &-&fake.scores, self.margin)
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        energy::pull_away(&fake.features) * self.pull_away - fake.scores.mean_all()
    }

    fn boundary(&self) -> Option<f64> {
        None
    }
}
