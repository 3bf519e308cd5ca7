//! The importance-weighted autoencoder: a tighter bound from many codes of each image.
//!
//! `−ln (1/K Σₖ p(x, zₖ) / q(zₖ | x))` with zₖ from q(z | x), a mean per image in nats. Its gradient weighs the samples by
//! their shares of the sum. Next to it the loss `elbo` is what the variational autoencoder's bound would be.
//!
//! Burda, Grosse, Salakhutdinov: Importance Weighted Autoencoders, ICLR 2016, <https://arxiv.org/abs/1509.00519>. The
//! network is the paper's with one stochastic layer: 200-200-50, tanh, K = 50; so is Adam's ε of 1e-4. The paper trains on
//! dynamically binarised digits in batches of 20, for 3^i epochs at the learning rate 10^(−3 − i/7), i = 0…7:
//! `--set data.binarisation=dynamic --batch 20 --epochs 3280 --set iwae.stage_steps=3000`. Shorter runs end at rest with
//! `decay_steps`, and convolutions with a fully connected layer before them (`network=conv`, `dense_layers=1`) take far
//! fewer epochs: `docs/zoo.md`.

use super::bounds::{negative_elbo, negative_iwae};
use super::coder::CoderOptions;
use super::variational::{GaussianCoder, Variational, log_weights_of};
use crate::config::Ranges;
use crate::descent::{Descent, Objective, decay};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Module, Schedule};
use wengert_tensor::Generator;

/// Adam's ε in the paper.
pub(super) const EPSILON: f64 = 1e-4;
/// Stages of the paper's schedule.
const STAGES: u32 = 8;

/// The section `[iwae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The loss.
    #[serde(flatten)]
    pub objective: ImportanceWeighted,
    /// Steps in which the learning rate falls to 0, along half a cosine; 0 for a rate by `stage_steps` alone.
    pub decay_steps: u64,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        let objective = ImportanceWeighted { samples: 50, stage_steps: 0 };
        Self { objective, decay_steps: 0, coder: paper_networks() }
    }
}

/// The networks of the paper: 784-200-200-50-200-200-784 with tanh.
pub(super) fn paper_networks() -> CoderOptions {
    CoderOptions {
        latent: 50,
        hidden: 200,
        layers: 2,
        nonlinearity: "tanh".into(),
        ..CoderOptions::default()
    }
}

impl Recipe for Options {
    const NAME: &'static str = "iwae";
    const DESCRIPTION: &'static str = "importance-weighted autoencoder";
    const PAPER: &'static str = "Burda et al. 2016, arXiv:1509.00519";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("samples", self.objective.samples, 1..=10_000)?;
        ranges.within("stage_steps", self.objective.stage_steps, 0..=1_000_000_000)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, None, rng)?;
        let adam = self.coder.adam(network.parameters()).eps(EPSILON);
        let training = Descent::with(network, self.objective, adam);
        Ok(Box::new(training.schedule(decay(self.decay_steps))))
    }
}

/// The loss with its options.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImportanceWeighted {
    /// K, the codes drawn for each image.
    pub samples: usize,
    /// Steps in the first stage of the paper's schedule, each stage being three times as long as the one before and its
    /// learning rate 10^(−1/7) of it; 0 for a constant rate.
    pub stage_steps: u64,
}

impl<N: Variational> Objective<N> for ImportanceWeighted {
    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let labels = network.classes().map(|_| &batch.labels);
        let posterior = network.posterior(&batch.images, labels);
        let codes = posterior.samples(self.samples, rng);
        let log_weights = log_weights_of(network, &batch.images, labels, &posterior, &codes);
        Losses { total: negative_iwae(&log_weights), terms: vec![("elbo", negative_elbo(&log_weights))] }
    }

    fn rate(&self, step: u64) -> f64 {
        stages(self.stage_steps).factor(step)
    }
}

/// The schedule of stages, the first of so many steps.
fn stages(first: u64) -> Schedule {
    if first == 0 {
        return Schedule::Constant;
    }
    // 1 + 3 + … + 3^(i − 1) = (3^i − 1) / 2 first stages come before stage i.
    let milestones = (1..STAGES).map(|stage| first * (3u64.pow(stage) - 1) / 2).collect();
    Schedule::MultiStep { milestones, gamma: 10f64.powf(-1.0 / 7.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;
    use crate::autoencoders::testing::{batch, coder};
    use wengert_tensor::Tensor;

    /// An autoencoder whose decoder says nothing: each of 16 black or white pixels costs ln 2, whatever the code.
    fn silent() -> (GaussianCoder, Tensor) {
        let network = coder();
        for parameter in network.decoder_parameters() {
            parameter.update(|weights: &mut [f32]| weights.fill(0.0));
        }
        let images = batch(5).images;
        (network, images.ge_scalar(0.5).to_dtype(images.dtype()))
    }

    #[test]
    fn log_weights_have_the_bound_as_mean_and_the_likelihood_as_limit() {
        let ((network, images), bits) = (silent(), 16.0 * 2f64.ln());
        let weights = network.log_weights(&images, None, 20_000, &Generator::new(8)).unwrap();
        assert_eq!(weights.dims(), [20_000, 5]);
        let kl = network.posterior(&images, None).kl().item();
        assert!(kl > 0.01, "{kl}");
        assert!((negative_elbo(&weights).item() - bits - kl).abs() < 0.02);
        assert!((negative_iwae(&weights).item() - bits).abs() < 0.02);
        let likelihood =
            network.log_likelihood(&weights.full_like(0.3).narrow(0, 0, 3).t(), &images, None).unwrap();
        assert!(likelihood.to_vec::<f32>().iter().all(|value| (f64::from(*value) + bits).abs() < 1e-5));
    }

    #[test]
    fn the_loss_is_the_bound_and_one_sample_makes_it_the_elbo() {
        let ((network, images), rng) = (silent(), || Generator::new(9));
        let batch = Batch { images, ..batch(5) };
        let losses = |samples| {
            let objective = ImportanceWeighted { samples, stage_steps: 0 };
            objective.losses(&network, &batch, &rng(), None).values()
        };
        let one = losses(1);
        assert!((one[0] - one[1]).abs() < 1e-5, "{one:?}");
        let many = losses(5000);
        assert!((many[0] - 16.0 * 2f64.ln()).abs() < 0.02 && many[0] < many[1], "{many:?}");
    }

    #[test]
    fn stages_are_three_times_as_long_each() {
        let rate = |step| ImportanceWeighted { samples: 1, stage_steps: 10 }.factor_at(step);
        for (step, stage) in
            [(0, 0), (9, 0), (10, 1), (39, 1), (40, 2), (10_929, 6), (10_930, 7), (99_999, 7)]
        {
            assert!((rate(step) - 10f64.powf(-stage as f64 / 7.0)).abs() < 1e-12, "{step}");
        }
    }

    impl ImportanceWeighted {
        fn factor_at(&self, step: u64) -> f64 {
            Objective::<GaussianCoder>::rate(self, step)
        }
    }
}
