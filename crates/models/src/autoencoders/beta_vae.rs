//! The β-VAE: a code that costs more than it weighs, so that each of its numbers must earn its place.
//!
//! `reconstruction + β · |KL(q(z | x) ‖ N(0, 1)) − C|`, a mean per image. With a capacity C of 0 it is the loss of Higgins et
//! al. (ICLR 2017, <https://openreview.net/forum?id=Sy2fzU9gl>); with one that grows along a line to `capacity` nats in
//! `capacity_steps` steps that of Burgess et al. (2018, <https://arxiv.org/abs/1804.03599>), where the code is let grow
//! little by little. An evaluation measures with the full capacity from the start, so that its losses can be compared.
//!
//! β = 2 without capacity, and β = 5 with one of 30 nats, are settings known to work on MNIST; Burgess et al. use β = 1000
//! and 25 nats on pictures of other kinds.

use super::coder::CoderOptions;
use super::variational::{GaussianCoder, Pass, Variational};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::Generator;

/// The section `[beta-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The loss.
    #[serde(flatten)]
    pub objective: Capacity,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        let objective = Capacity { beta: 2.0, capacity: 0.0, capacity_steps: 10_000 };
        Self { objective, coder: CoderOptions { latent: 10, ..CoderOptions::default() } }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "beta-vae";
    const DESCRIPTION: &'static str = "β-VAE, and its form with a growing capacity";
    const PAPER: &'static str = "Higgins et al. 2017, ICLR; Burgess et al. 2018, arXiv:1804.03599";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("beta", self.objective.beta, 0.0..=1e6)?;
        ranges.within("capacity", self.objective.capacity, 0.0..=1e4)?;
        ranges.within("capacity_steps", self.objective.capacity_steps, 1..=1_000_000_000)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, None, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

/// The loss with its options.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// β, the weight of the code's distance from its capacity.
    pub beta: f64,
    /// The capacity in nats at the end of its growth; 0 for the β-VAE without.
    pub capacity: f64,
    /// Steps in which the capacity grows from 0.
    pub capacity_steps: u64,
}

impl Capacity {
    /// C at a step, or at the end.
    pub fn at(&self, step: Option<u64>) -> f64 {
        let share = step.map_or(1.0, |step| (step as f64 / self.capacity_steps as f64).min(1.0));
        self.capacity * share
    }
}

impl<N: Variational> Objective<N> for Capacity {
    fn is_steady(&self, step: u64) -> bool {
        self.capacity == 0.0 || step >= self.capacity_steps
    }

    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, step: Option<u64>) -> Losses {
        let Pass { reconstruction, kl, .. } = Pass::new(network, batch, rng);
        // Without capacity the distance is the divergence itself, which is never below 0.
        let distance = if self.capacity > 0.0 { (&kl - self.at(step)).abs() } else { kl.clone() };
        let total = &reconstruction + distance * self.beta;
        Losses { total, terms: vec![("reconstruction", reconstruction), ("kl", kl)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::testing::{batch, coder};

    #[test]
    fn the_code_is_held_to_its_capacity() {
        let (network, batch) = (coder(), batch(6));
        let values =
            |objective: Capacity, step| objective.losses(&network, &batch, &Generator::new(4), step).values();
        let plain = Capacity { beta: 3.0, capacity: 0.0, capacity_steps: 10 };
        let &[total, reconstruction, kl] = &values(plain, Some(0))[..] else { unreachable!() };
        assert!((total - reconstruction - 3.0 * kl).abs() < 1e-4 * total);
        let capacity = Capacity { capacity: 8.0, ..plain };
        for (step, expected) in
            [(Some(0), 0.0), (Some(5), 4.0), (Some(10), 8.0), (Some(99), 8.0), (None, 8.0)]
        {
            let total = values(capacity, step)[0];
            assert!((total - reconstruction - 3.0 * (kl - expected).abs()).abs() < 1e-4 * total, "{step:?}");
        }
    }
}
