//! JointVAE: a code of normal numbers, for what changes gradually, and of one choice, for what does not: on digits, their
//! class, which no label tells it.
//!
//! `−ln p(x | z, y) + γ·|KL(q(z | x) ‖ N(0, 1)) − C_z| + γ·|KL(q(k | x) ‖ 1/K) − C_k|`
//!
//! Both capacities rise from 0 to their ends in equal steps, so that neither part can take all; that of the choice stops at
//! ln K, the most a choice can tell. An evaluation stands at the ends and draws the choices themselves.
//!
//! Ten normal numbers, one choice of ten, γ = 30, capacities of 5 nats over 25,000 steps, τ = 0.67 and the learning rate of
//! 5e-4 are the paper's for MNIST.
//!
//! Dupont 2018: Learning Disentangled Joint Continuous and Discrete Representations, <https://arxiv.org/abs/1804.00104>.

use super::relaxed::RelaxedCoder;
use crate::autoencoders::coder::CoderOptions;
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::{Generator, scope};

/// The section `[joint-vae]` of a configuration; `latent` are the normal numbers of a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// What the choice is one of.
    pub categories: usize,
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
    /// The loss.
    #[serde(flatten)]
    pub objective: Capacities,
}

/// The loss and its schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capacities {
    /// γ, the weight of what lies between a divergence and its capacity.
    pub gamma: f64,
    /// Where C_z ends, in nats.
    pub normal_capacity: f64,
    /// Where C_k ends, in nats, if that is below ln K.
    pub choice_capacity: f64,
    /// Steps in which the capacities rise.
    pub capacity_steps: u64,
    /// τ of the relaxed choice.
    pub temperature: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            categories: 10,
            coder: CoderOptions { latent: 10, learning_rate: 5e-4, ..CoderOptions::default() },
            objective: Capacities {
                gamma: 30.0,
                normal_capacity: 5.0,
                choice_capacity: 5.0,
                capacity_steps: 25_000,
                temperature: 0.67,
            },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "joint-vae";
    const DESCRIPTION: &'static str = "JointVAE: a code of normal numbers and a choice that finds classes";
    const PAPER: &'static str = "Dupont 2018, arXiv:1804.00104";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("categories", self.categories, 2..=4096)?;
        self.coder.check(ranges)?;
        ranges.within("gamma", self.objective.gamma, 0.0..=1e6)?;
        ranges.within("normal_capacity", self.objective.normal_capacity, 0.0..=1e6)?;
        ranges.within("choice_capacity", self.objective.choice_capacity, 0.0..=1e6)?;
        ranges.within("temperature", self.objective.temperature, 1e-3..=1e3)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = RelaxedCoder::new(&self.coder, [self.coder.latent, 1, self.categories], images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

impl Capacities {
    /// The share of the capacities that a step has.
    fn share(&self, step: Option<u64>) -> f64 {
        step.map_or(1.0, |step| (step as f64 / self.capacity_steps.max(1) as f64).min(1.0))
    }
}

impl Objective<RelaxedCoder> for Capacities {
    fn is_steady(&self, step: u64) -> bool {
        step >= self.capacity_steps
    }

    fn losses(&self, network: &RelaxedCoder, batch: &Batch, rng: &Generator, step: Option<u64>) -> Losses {
        let posterior = network.posterior(&batch.images);
        let codes = match step {
            Some(_) => posterior.relaxed(self.temperature, rng),
            None => posterior.drawn(rng),
        };
        let reconstruction = network.reconstruction(&codes, &batch.images);
        let _scope = scope::enter("loss");
        let (kl, choice) = (posterior.normal_divergence(), posterior.choice_divergence());
        let share = self.share(step);
        let choice_capacity = (self.choice_capacity * share).min(network.most_told());
        let apart = (&kl - self.normal_capacity * share).abs() + (&choice - choice_capacity).abs();
        let total = &reconstruction + apart * self.gamma;
        Losses { total, terms: vec![("reconstruction", reconstruction), ("kl", kl), ("choice", choice)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;
    use wengert_tensor::{DType, Tensor};

    #[test]
    fn the_loss_holds_divergences_to_capacities_that_rise() {
        let options = Options {
            coder: CoderOptions { latent: 2, hidden: 8, ..CoderOptions::default() },
            objective: Capacities { capacity_steps: 100, ..Options::default().objective },
            ..Options::default()
        };
        let (rng, images) = (Generator::new(1), ImageSet { shape: [1, 4, 4], classes: 10 });
        let network = RelaxedCoder::new(&options.coder, [2, 1, 10], &images, &rng).unwrap();
        let batch = Batch {
            images: rng.uniform([3, 1, 4, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([3], DType::I64),
            indices: vec![0, 1, 2],
            position: Position::default(),
        };
        for (step, share) in [(Some(0), 0.0), (Some(50), 0.5), (Some(1000), 1.0), (None, 1.0)] {
            let losses = options.objective.losses(&network, &batch, &rng, step).values();
            let apart = (losses[2] - 5.0 * share).abs() + (losses[3] - (5.0 * share).min(10f64.ln())).abs();
            assert!((losses[0] - losses[1] - 30.0 * apart).abs() < 1e-3, "{step:?}: {losses:?}");
        }
    }
}
