//! The evidence lower bound with weights, the loss of most variational autoencoders.

use super::training::Objective;
use super::variational::{Pass, Variational};
use crate::Losses;
use wengert_data::Batch;
use wengert_tensor::{Generator, scope};

/// λ₁ · reconstruction + λ₂ · KL(q(z | x) ‖ p(z)), a mean per image: with a reconstruction loss in nats and both weights 1
/// the negative evidence lower bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elbo {
    /// λ₁.
    pub reconstruction_weight: f64,
    /// λ₂.
    pub beta: f64,
}

impl<N: Variational> Objective<N> for Elbo {
    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let Pass { reconstruction, kl, .. } = Pass::new(network, batch, rng);
        let _scope = scope::enter("loss");
        let total = &reconstruction * self.reconstruction_weight + &kl * self.beta;
        Losses { total, terms: vec![("reconstruction", reconstruction), ("kl", kl)] }
    }
}
