//! Bounds from groups of importance weights: MIWAE, CIWAE and PIWAE.
//!
//! From M groups of K codes each, with w = p(x, z) / q(z | x), a mean per image in nats:
//!
//! | `bound` | loss |
//! |---|---|
//! | `miwae` | −1/M Σₘ ln (1/K Σₖ wₘₖ) |
//! | `ciwae` | −β · mean ln w − (1 − β) · ln (1/MK Σ w) |
//! | `piwae` | −ln (1/MK Σ w) for the decoder, the loss of `miwae` for the encoder |
//!
//! More samples in one logarithm make the bound tighter, but leave less of a signal in the encoder's gradient; averages of
//! several bounds give it back. Reported beside the loss: `elbo`, `miwae` and `iwae`, each negated.
//!
//! Rainforth, Kosiorek, Le, Maddison, Igl, Wood, Teh: Tighter Variational Bounds are Not Necessarily Better, ICML 2018,
//! <https://arxiv.org/abs/1802.04537>: M = K = 8, β = 0.05 and the networks of [`iwae`](super::iwae).

use super::bounds::{negative_elbo, negative_iwae, negative_miwae};
use super::coder::CoderOptions;
use super::iwae::{EPSILON, paper_networks};
use super::variational::{GaussianCoder, Variational, log_weights_of};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{Generator, Tensor};

/// The section `[miwae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The loss.
    #[serde(flatten)]
    pub objective: Grouped,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self { objective: Grouped::default(), coder: paper_networks() }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "miwae";
    const DESCRIPTION: &'static str = "autoencoder of grouped importance weights: MIWAE, CIWAE, PIWAE";
    const PAPER: &'static str = "Rainforth et al. 2018, arXiv:1802.04537";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("bound", &self.objective.bound, &["miwae", "ciwae", "piwae"])?;
        ranges.within("groups", self.objective.groups, 1..=1000)?;
        ranges.within("samples", self.objective.samples, 1..=1000)?;
        ranges.within("beta", self.objective.beta, 0.0..=1.0)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, None, rng)?;
        let adam = self.coder.adam(network.parameters()).eps(EPSILON);
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

/// The loss with its options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grouped {
    /// `miwae`, `ciwae` or `piwae`.
    pub bound: String,
    /// M, the groups.
    pub groups: usize,
    /// K, the codes in a group.
    pub samples: usize,
    /// β, the share of the evidence lower bound in `ciwae`.
    pub beta: f64,
}

impl Default for Grouped {
    fn default() -> Self {
        Self { bound: "miwae".into(), groups: 8, samples: 8, beta: 0.05 }
    }
}

impl Grouped {
    /// The losses of log-weights `[M · K, batch]`.
    fn losses_of(&self, log_weights: &Tensor) -> Losses {
        let elbo = negative_elbo(log_weights);
        let miwae = negative_miwae(log_weights, self.groups);
        let iwae = negative_iwae(log_weights);
        let total = match self.bound.as_str() {
            "ciwae" => &elbo * self.beta + &iwae * (1.0 - self.beta),
            "piwae" => iwae.clone(),
            _ => miwae.clone(),
        };
        Losses { total, terms: vec![(ENCODER, miwae), ("iwae", iwae), ("elbo", elbo)] }
    }
}

/// The term that trains the encoder under `piwae`.
const ENCODER: &str = "miwae";

impl Objective<GaussianCoder> for Grouped {
    fn losses(&self, network: &GaussianCoder, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let posterior = network.posterior(&batch.images, None);
        let codes = posterior.samples(self.groups * self.samples, rng);
        self.losses_of(&log_weights_of(network, &batch.images, None, &posterior, &codes))
    }

    fn backward(&self, network: &GaussianCoder, losses: &Losses) -> Result<()> {
        let encoders = losses.terms.iter().find(|(name, _)| self.bound == "piwae" && *name == ENCODER);
        let Some((_, encoders)) = encoders else { return Ok(losses.total.backward()?) };
        let parts = [
            (encoders, network.encoder_parameters(), true),
            (&losses.total, network.decoder_parameters(), false),
        ];
        for (loss, parameters, retain_graph) in parts {
            let options = GradOptions { retain_graph, ..GradOptions::default() };
            let gradients = grad(&[loss], &parameters.iter().collect::<Vec<_>>(), options)?;
            for (parameter, gradient) in parameters.iter().zip(gradients) {
                parameter.set_grad(Some(gradient));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::testing::{batch, coder};

    fn objective(bound: &str) -> Grouped {
        Grouped { bound: bound.into(), groups: 2, samples: 3, beta: 0.25 }
    }

    #[test]
    fn the_total_mixes_the_bounds() {
        let log_weights = Generator::new(1).normal([6, 4], 0.0, 2.0, wengert_tensor::DType::F64);
        let values = |bound| objective(bound).losses_of(&log_weights).values();
        let [miwae, ciwae, piwae] = ["miwae", "ciwae", "piwae"].map(values);
        assert!(miwae[1] > miwae[2] && miwae[3] > miwae[1], "{miwae:?}");
        assert_eq!(miwae[0], miwae[1]);
        assert!((ciwae[0] - 0.25 * ciwae[3] - 0.75 * ciwae[2]).abs() < 1e-12, "{ciwae:?}");
        assert_eq!(piwae[0], piwae[2]);
    }

    #[test]
    fn piwae_trains_each_network_by_its_own_bound() {
        let batch = batch(4);
        // Gradients of encoder and decoder parameters under a bound, by the same noise.
        let gradients = |bound: Grouped| {
            let network = coder();
            let losses = bound.losses(&network, &batch, &Generator::new(2), Some(0));
            bound.backward(&network, &losses).unwrap();
            let values = |parameters: Vec<Tensor>| -> Vec<f32> {
                parameters.iter().flat_map(|p| p.grad().unwrap().to_vec::<f32>()).collect()
            };
            (values(network.encoder_parameters()), values(network.decoder_parameters()))
        };
        let (encoder, decoder) = gradients(objective("piwae"));
        let grouped = gradients(objective("miwae"));
        let whole = gradients(Grouped { groups: 1, samples: 6, ..objective("miwae") });
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(near(&encoder, &grouped.0) && near(&decoder, &whole.1));
        assert!(!near(&encoder, &whole.0) && !near(&decoder, &grouped.1));
    }
}
