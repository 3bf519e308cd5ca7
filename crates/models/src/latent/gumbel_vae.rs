//! The variational autoencoder of choices: its code is so many picks of one of K categories, relaxed while it trains.
//!
//! `−ln p(x | y) + Σ KL(q(kᵢ | x) ‖ 1/K)`, `y = softmax((ln q + Gumbel noise) / τ)`
//!
//! The temperature τ falls from 1 to 0.5 by e^(−3e-5) a step, as in the first author's published example (the paper has
//! rates of 1e-5 and 1e-4). An evaluation draws the choices themselves, so that its total is a bound on the likelihood of
//! the model that samples are drawn from, which the relaxed loss is not.
//! With `--set gumbel-vae.choices=1` the model sorts images into K groups.
//!
//! Jang, Gu, Poole 2016: Categorical Reparameterization with Gumbel-Softmax, <https://arxiv.org/abs/1611.01144>; 30
//! choices of 10 are those of that example.

use super::relaxation::annealed_temperature;
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

/// The section `[gumbel-vae]` of a configuration; `latent` follows from the choices and is not used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Picks in a code.
    pub choices: usize,
    /// K, what each pick is one of.
    pub categories: usize,
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
    /// The temperature.
    #[serde(flatten)]
    pub objective: Annealed,
}

/// The bound under a temperature that falls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annealed {
    /// τ at the first step.
    pub temperature: f64,
    /// Where τ ends.
    pub minimum_temperature: f64,
    /// A step makes τ smaller by the factor e^(−rate).
    pub annealing_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            choices: 30,
            categories: 10,
            coder: CoderOptions::default(),
            objective: Annealed { temperature: 1.0, minimum_temperature: 0.5, annealing_rate: 3e-5 },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "gumbel-vae";
    const DESCRIPTION: &'static str = "VAE whose code is a row of choices, relaxed by the Gumbel-softmax";
    const PAPER: &'static str = "Jang et al. 2016, arXiv:1611.01144";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("choices", self.choices, 1..=4096)?;
        ranges.within("categories", self.categories, 2..=4096)?;
        self.coder.check(ranges)?;
        ranges.within("temperature", self.objective.temperature, 1e-3..=1e3)?;
        ranges.within("minimum_temperature", self.objective.minimum_temperature, 1e-3..=1e3)?;
        ranges.within("annealing_rate", self.objective.annealing_rate, 0.0..=1.0)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = RelaxedCoder::new(&self.coder, [0, self.choices, self.categories], images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

impl Objective<RelaxedCoder> for Annealed {
    fn is_steady(&self, _step: u64) -> bool {
        self.annealing_rate == 0.0
    }

    fn losses(&self, network: &RelaxedCoder, batch: &Batch, rng: &Generator, step: Option<u64>) -> Losses {
        let posterior = network.posterior(&batch.images);
        let codes = match step {
            Some(step) => {
                let Annealed { temperature, minimum_temperature, annealing_rate } = *self;
                let temperature =
                    annealed_temperature(temperature, minimum_temperature, annealing_rate, step);
                posterior.relaxed(temperature, rng)
            }
            None => posterior.drawn(rng),
        };
        let reconstruction = network.reconstruction(&codes, &batch.images);
        let _scope = scope::enter("loss");
        let kl = posterior.choice_divergence();
        Losses { total: &reconstruction + &kl, terms: vec![("reconstruction", reconstruction), ("kl", kl)] }
    }
}
