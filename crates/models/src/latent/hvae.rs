//! The Hamiltonian VAE: codes drawn from the encoder move, with a random momentum, down the slopes of the true posterior.
//!
//! z₀ of q(z | x) and ρ₀ = γ/√β₀, γ of N(0, 1), take K leapfrog steps in the potential U(z) = −ln p(x, z), see
//! [`leapfrog`](super::leapfrog::leapfrog()), and after step k the momentum is cooled by √(β_{k−1}/β_k), where
//! 1/√β_k goes from 1/√β₀ to 1 with (k/K)². The steps keep volume and the cooling takes back the widening of ρ₀, so that
//!
//! `ln w = ln p(x, z_K) + ln N(ρ_K) − ln q(z₀ | x) − ln N(γ)`
//!
//! and the loss is −ln w. The slopes are gradients inside the loss, and the loss is differentiated through them. A step
//! size for each number of a code and β₀ are learned.
//!
//! Three steps and β₀ = 0.3 at first are those of the `pythae` reproduction; step sizes lie below ½. It reports
//! 86.21 nats beside a reference of 86.40, on statically binarised images: `--set data.binarisation=static`.
//!
//! Caterini, Doucet, Sejdinovic 2018: Hamiltonian Variational Auto-Encoder, <https://arxiv.org/abs/1805.11328>.

use super::leapfrog::leapfrog;
use crate::autoencoders::coder::CoderOptions;
use crate::autoencoders::gaussian::standard_log_density;
use crate::autoencoders::variational::{GaussianCoder, Variational};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Module, module, parameter};
use wengert_tensor::autograd::{GradOptions, grad, is_grad_enabled, with_grad};
use wengert_tensor::{DType, Generator, Tensor, no_grad, scope};

/// The section `[hvae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// K, leapfrog steps.
    pub leapfrog_steps: usize,
    /// Size of a step at first, below ½.
    pub step_size: f64,
    /// β₀ at first, below 1, which would be no tempering.
    pub temperature: f64,
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            leapfrog_steps: 3,
            step_size: 0.05,
            temperature: 0.3,
            // A potential with a bend at every unit would have slopes that jump.
            coder: CoderOptions { nonlinearity: "tanh".into(), ..CoderOptions::default() },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "hvae";
    const DESCRIPTION: &'static str = "Hamiltonian VAE: codes move down the slopes of the posterior";
    const PAPER: &'static str = "Caterini et al. 2018, arXiv:1805.11328";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("leapfrog_steps", self.leapfrog_steps, 1..=100)?;
        ranges.within("step_size", self.step_size, 1e-6..=0.499)?;
        ranges.within("temperature", self.temperature, 1e-3..=0.999)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = HamiltonianCoder::new(&self, images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, Bound, adam)))
    }
}

/// The largest step size.
const LARGEST: f64 = 0.5;

/// An autoencoder and what its dynamics need.
#[derive(Debug)]
pub struct HamiltonianCoder {
    coder: GaussianCoder,
    leapfrog_steps: usize,
    /// Logits of the step sizes in proportion to the largest, `[1, code size]`.
    step_size: Tensor,
    /// The logit of β₀.
    temperature: Tensor,
}

module!(HamiltonianCoder { parameters: step_size, temperature; modules: coder });

/// Where the dynamics lead, all `[batch, code size]`.
struct Journey {
    codes: Tensor,
    momentum: Tensor,
    /// ln q(z₀ | x) + ln N(γ), `[batch]`.
    log_start: Tensor,
}

impl HamiltonianCoder {
    /// Fresh networks.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(options: &Options, images: &ImageSet, rng: &Generator) -> Result<HamiltonianCoder> {
        let logit = |share: f64| (share / (1.0 - share)).ln();
        let step_size =
            Tensor::full([1, options.coder.latent], logit(options.step_size / LARGEST), DType::F32);
        let temperature = Tensor::full((), logit(options.temperature), DType::F32);
        let network = HamiltonianCoder {
            coder: GaussianCoder::new(&options.coder, images, None, rng)?,
            leapfrog_steps: options.leapfrog_steps,
            step_size: parameter(step_size),
            temperature: parameter(temperature),
        };
        network.assign_names();
        Ok(network)
    }

    /// ln p(x, z) of pixels and codes, `[batch]`.
    fn log_joint(&self, pixels: &Tensor, codes: &Tensor) -> Tensor {
        let outputs = self.coder.outputs(codes, None);
        self.coder.likelihood().log_density(&outputs, pixels) + standard_log_density(codes)
    }

    /// ∇U at codes: recorded, to be differentiated again, where gradients are.
    fn slope(&self, pixels: &Tensor, codes: &Tensor) -> Result<Tensor> {
        let create_graph = is_grad_enabled();
        // In an evaluation codes are constants, and yet their slope is asked for.
        let codes = match codes.requires_grad() {
            true => codes.clone(),
            false => codes.detach().requires_grad_(true),
        };
        let potential = with_grad(true, || -self.log_joint(pixels, &codes).sum_all());
        let options = GradOptions { create_graph, retain_graph: create_graph, ..GradOptions::default() };
        Ok(grad(&[&potential], &[&codes], options)?.remove(0))
    }

    /// Sends a code of each image on its way.
    fn travel(&self, images: &Tensor, rng: &Generator) -> Result<Journey> {
        let pixels = images.flatten(1, -1);
        let posterior = self.coder.posterior(images, None);
        let mut codes = posterior.sample(rng);
        let noise = rng.normal_like(&codes);
        let log_start = posterior.log_density(&codes) + standard_log_density(&noise);
        let step_size = self.step_size.sigmoid() * LARGEST;
        // 1/√β₀, the widening of the momentum at the start.
        let widening = self.temperature.sigmoid().pow_scalar(-0.5);
        let width = |step: usize| {
            let done = (step as f64 / self.leapfrog_steps as f64).powi(2);
            &widening + (1.0 - &widening) * done
        };
        let mut momentum = noise * &widening;
        for step in 1..=self.leapfrog_steps {
            (codes, momentum) = leapfrog(&codes, &momentum, &step_size, |codes| self.slope(&pixels, codes))?;
            momentum = momentum * (width(step) / width(step - 1));
        }
        Ok(Journey { codes, momentum, log_start })
    }
}

/// The bound by codes that have travelled.
#[derive(Debug)]
struct Bound;

impl Objective<HamiltonianCoder> for Bound {
    fn losses(
        &self,
        network: &HamiltonianCoder,
        batch: &Batch,
        rng: &Generator,
        _step: Option<u64>,
    ) -> Losses {
        let Journey { codes, momentum, log_start } = network
            .travel(&batch.images, rng)
            .expect("decoders and their likelihoods have slopes everywhere");
        let outputs = network.coder.outputs(&codes, None);
        let _scope = scope::enter("loss");
        let reconstruction = network.coder.likelihood().loss(&outputs, &batch.images.flatten(1, -1));
        let kl = (log_start - standard_log_density(&codes) - standard_log_density(&momentum)).mean_all();
        Losses { total: &reconstruction + &kl, terms: vec![("reconstruction", reconstruction), ("kl", kl)] }
    }
}

impl Model for HamiltonianCoder {
    fn image_shape(&self) -> [usize; 3] {
        self.coder.image_shape()
    }

    fn code_size(&self) -> usize {
        self.coder.code_size()
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.coder.decode(codes, labels)
    }

    /// The mean before the dynamics.
    fn encode(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.coder.encode(images, labels)
    }

    fn log_weights(
        &self,
        images: &Tensor,
        _labels: Option<&Tensor>,
        samples: usize,
        rng: &Generator,
    ) -> Option<Tensor> {
        // A journey whose gradients were recorded would be kept for each sample.
        no_grad(|| {
            let weights: Option<Vec<Tensor>> = (0..samples)
                .map(|_| {
                    let Journey { codes, momentum, log_start } = self.travel(images, rng).ok()?;
                    let joint = self.log_joint(&images.flatten(1, -1), &codes);
                    Some(joint + standard_log_density(&momentum) - log_start)
                })
                .collect();
            Some(Tensor::stack(&weights?.iter().collect::<Vec<_>>(), 0))
        })
    }

    fn log_likelihood(&self, codes: &Tensor, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.coder.log_likelihood(codes, images, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::variational::log_weights;
    use wengert_data::Position;

    fn small(step_size: f64) -> (HamiltonianCoder, Batch) {
        let rng = Generator::new(1);
        let options = Options {
            step_size,
            coder: CoderOptions {
                latent: 3,
                hidden: 8,
                nonlinearity: "tanh".into(),
                ..CoderOptions::default()
            },
            ..Options::default()
        };
        let network =
            HamiltonianCoder::new(&options, &ImageSet { shape: [1, 4, 4], classes: 10 }, &rng).unwrap();
        let batch = Batch {
            images: rng.uniform([3, 1, 4, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([3], DType::I64),
            indices: vec![0, 1, 2],
            position: Position::default(),
        };
        (network, batch)
    }

    #[test]
    fn with_and_without_gradients_the_loss_is_the_same_and_all_parameters_learn() {
        let (network, batch) = small(0.2);
        let loss = || Bound.losses(&network, &batch, &Generator::new(2), None).total;
        let (recorded, plain) = (loss(), no_grad(loss));
        assert!((recorded.item() - plain.item()).abs() < 1e-4, "{} {}", recorded.item(), plain.item());
        let weights = network.log_weights(&batch.images, None, 1, &Generator::new(2)).unwrap();
        assert!((weights.mean_all().item() + plain.item()).abs() < 1e-4);
        recorded.backward().unwrap();
        for (name, parameter) in network.named_parameters() {
            let slope = parameter.grad().map_or(0.0, |grad| grad.abs().max_all().item());
            assert!(slope > 0.0, "{name}");
        }
    }

    #[test]
    fn the_gradient_goes_through_the_inner_one() {
        let (network, batch) = small(0.2);
        let loss = || Bound.losses(&network, &batch, &Generator::new(2), None).total;
        loss().backward().unwrap();
        // Central differences of the raw step sizes and of the logit of β₀, one number at a time.
        for parameter in [&network.step_size, &network.temperature] {
            let slopes = parameter.grad().unwrap().to_vec::<f32>();
            for (place, slope) in slopes.into_iter().enumerate() {
                let moved = |by: f32| {
                    parameter.update(|values: &mut [f32]| values[place] += by);
                    let value = no_grad(loss).item();
                    parameter.update(|values: &mut [f32]| values[place] -= by);
                    value
                };
                let numeric = (moved(0.02) - moved(-0.02)) / 0.04;
                let apart = (numeric - f64::from(slope)).abs();
                assert!(apart < 2e-3 + 0.02 * numeric.abs(), "{place}: {slope} {numeric}");
            }
        }
    }

    #[test]
    fn the_weights_estimate_the_same_likelihood_as_without_dynamics() {
        let (network, batch) = small(0.2);
        let estimate = |weights: Tensor| (weights.logsumexp(&[0], false) - 20_000f64.ln()).to_vec::<f32>();
        let moved = estimate(network.log_weights(&batch.images, None, 20_000, &Generator::new(2)).unwrap());
        let plain = no_grad(|| {
            estimate(log_weights(&network.coder, &batch.images, None, 20_000, &Generator::new(3)))
        });
        for (moved, plain) in moved.iter().zip(&plain) {
            assert!((moved - plain).abs() < 0.05, "{moved} {plain}");
        }
    }
}
