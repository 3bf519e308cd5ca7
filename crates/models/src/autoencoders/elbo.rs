//! The evidence lower bound with weights, the loss of most variational autoencoders.

use super::training::Objective;
use super::variational::{Pass, Variational};
use crate::config::Ranges;
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
}

impl Default for Elbo {
    fn default() -> Self {
        Self { reconstruction_weight: 1.0, beta: 1.0 }
    }
}

impl Elbo {
    /// An error for the first weight outside its range.
    pub fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("reconstruction_weight", self.reconstruction_weight, 0.0..=1e6)?;
        ranges.within("beta", self.beta, 0.0..=1e6)
    }
}

impl<N: Variational> Objective<N> for Elbo {
    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let Pass { reconstruction, kl, .. } = Pass::new(network, batch, rng);
        let _scope = scope::enter("loss");
        let total = &reconstruction * self.reconstruction_weight + &kl * self.beta;
        Losses { total, terms: vec![("reconstruction", reconstruction), ("kl", kl)] }
    }
}
