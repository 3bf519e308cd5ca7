//! The evidence lower bound with weights, the loss of most variational autoencoders.

use super::variational::{Pass, Variational};
use crate::config::Ranges;
use crate::descent::Objective;
use crate::{Losses, Result};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_tensor::{Generator, scope};

/// λ₁ · reconstruction + λ₂ · KL(q(z | x) ‖ p(z)), a mean per image: with a reconstruction loss in nats and both weights 1
/// the negative evidence lower bound. Options as well: put them into a model's section with `#[serde(flatten)]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Elbo {
    /// λ₁, the weight of the reconstruction term.
    pub reconstruction_weight: f64,
    /// λ₂, the weight of the KL term.
    pub beta: f64,
    /// Steps in which λ₂ grows from 0 to `beta`, so that the decoder learns to read the codes before they cost anything
    /// (Sønderby et al. 2016, <https://arxiv.org/abs/1602.02282>); 0 for a constant weight.
    pub warm_up_steps: u64,
}

impl Default for Elbo {
    fn default() -> Self {
        Self { reconstruction_weight: 1.0, beta: 1.0, warm_up_steps: 0 }
    }
}

impl Elbo {
    /// An error for the first weight outside its range.
    pub fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("reconstruction_weight", self.reconstruction_weight, 0.0..=1e6)?;
        ranges.within("beta", self.beta, 0.0..=1e6)?;
        ranges.within("warm_up_steps", self.warm_up_steps, 0..=1_000_000_000)
    }

    /// λ₂ at a step, and in an evaluation.
    fn beta_at(&self, step: Option<u64>) -> f64 {
        match step {
            Some(step) if step < self.warm_up_steps => self.beta * step as f64 / self.warm_up_steps as f64,
            _ => self.beta,
        }
    }
}

impl<N: Variational> Objective<N> for Elbo {
    fn is_steady(&self, step: u64) -> bool {
        step >= self.warm_up_steps
    }

    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, step: Option<u64>) -> Losses {
        let Pass { reconstruction, kl, .. } = Pass::new(network, batch, rng);
        let _scope = scope::enter("loss");
        let total = &reconstruction * self.reconstruction_weight + &kl * self.beta_at(step);
        Losses { total, terms: vec![("reconstruction", reconstruction), ("kl", kl)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::testing::{batch, coder};

    #[test]
    fn the_weight_of_the_kl_term_grows_in_training_alone() {
        let objective = Elbo { reconstruction_weight: 0.5, beta: 3.0, warm_up_steps: 10 };
        let (network, batch) = (coder(), batch(4));
        for (step, weight) in [(Some(0), 0.0), (Some(5), 1.5), (Some(10), 3.0), (Some(99), 3.0), (None, 3.0)]
        {
            let values = objective.losses(&network, &batch, &Generator::new(1), step).values();
            assert!(values[2] > 0.0 && (values[0] - 0.5 * values[1] - weight * values[2]).abs() < 1e-4);
        }
    }
}
