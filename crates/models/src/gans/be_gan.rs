//! `be-gan`: the discriminator is an autoencoder, and a balance keeps the two players level.
//!
//! With the energies E, means of absolute differences over the pixels: mean E_real − k·mean E_fake for the discriminator,
//! mean E_fake for the generator, and after each step k ← k + λ(γ·E_real − E_fake) within 0..1. `convergence` is the paper's
//! measure E_real + |γ·E_real − E_fake|.
//!
//! Berthelot, Schumm, Metz: BEGAN, 2017, <https://arxiv.org/abs/1703.10717>: λ = 0.001, codes of 64 numbers, no normalisation in
//! the discriminator. γ = 0.75 and the optimiser are those of the comparison by Lucic et al., 2018,
//! <https://arxiv.org/abs/1711.10337>; the networks are DCGAN's.

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
use wengert_tensor::{DType, Generator, Tensor};

/// The section `[be-gan]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// γ, the ratio of the energies of made and of real images that is aimed at: less gives fewer kinds of better images.
    pub gamma: f64,
    /// λ, by which the balance moves.
    pub balance_rate: f64,
    /// Numbers in a code of the autoencoder.
    pub bottleneck: usize,
    /// Networks, optimisers and techniques.
    #[serde(flatten)]
    pub game: options::Options,
}

impl Default for Options {
    fn default() -> Self {
        let game = options::Options { normalisation: "none".into(), ..options::Options::default() };
        Self { gamma: 0.75, balance_rate: 0.001, bottleneck: 64, game }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "be-gan";
    const DESCRIPTION: &'static str = "boundary-equilibrium GAN: two reconstruction losses in balance";
    const PAPER: &'static str = "Berthelot et al. 2017, arXiv:1703.10717";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("gamma", self.gamma, 0.0..=1.0)?;
        ranges.within("balance_rate", self.balance_rate, 0.0..=1.0)?;
        ranges.within("bottleneck", self.bottleneck, 1..=4096)?;
        self.game.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let judge = Autoencoder::new(images.shape, self.bottleneck, Distance::Absolute, &self.game, rng)?;
        let objective = Equilibrium {
            gamma: self.gamma,
            rate: self.balance_rate,
            balance: Tensor::zeros([1], DType::F32),
        };
        Ok(Box::new(Gan::with_judge(&self.game, images, judge, objective, rng)?.play()))
    }
}

/// Energies in balance. Scores are negative energies.
#[derive(Debug)]
struct Equilibrium {
    gamma: f64,
    rate: f64,
    /// k, f32 `[1]`.
    balance: Tensor,
}

impl Objective for Equilibrium {
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor {
        energy::balanced(&-&real.scores, &-&fake.scores, self.balance.item())
    }

    fn generator(&self, fake: &Verdict, _real: &dyn Fn() -> Verdict) -> Tensor {
        -fake.scores.mean_all()
    }

    fn boundary(&self) -> Option<f64> {
        None
    }

    fn balance(&self) -> Option<&Tensor> {
        Some(&self.balance)
    }

    fn rebalance(&self, real: &Verdict, fake: &Verdict) -> Result<()> {
        let [real, fake] = [real, fake].map(|verdict| -verdict.scores.mean_all().item());
        let next = energy::next_balance(self.balance.item(), real, fake, self.gamma, self.rate);
        Ok(self.balance.assign(&self.balance.full_like(next))?)
    }

    fn report(&self, real: &Verdict, fake: &Verdict) -> Vec<(&'static str, Tensor)> {
        let [real, fake] = [real, fake].map(|verdict| -verdict.scores.detach().mean_all());
        let convergence = &real + (&real * self.gamma - fake).abs();
        vec![("balance", self.balance.sum_all().copy()), ("convergence", convergence)]
    }
}
