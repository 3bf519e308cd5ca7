//! Annealed importance sampling: log p(x) of models with a code, without trusting their encoder.

use crate::Result;
use wengert_tensor::autograd::vjp;
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// How the chains run.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnealedOptions {
    /// Steps from the prior to the posterior; the more, the tighter.
    pub temperatures: usize,
    /// Leapfrog steps in a Hamiltonian move.
    pub leapfrog: usize,
    /// Size of the leapfrog steps at the start; each chain then adapts its own.
    pub step_size: f64,
    /// Independent chains for each image.
    pub chains: usize,
}

impl Default for AnnealedOptions {
    /// 16 chains and 10 leapfrog steps as in the paper, over 1000 temperatures; it takes 10,000 for its tables.
    fn default() -> Self {
        Self { temperatures: 1000, leapfrog: 10, step_size: 0.05, chains: 16 }
    }
}

/// The share of accepted moves that step sizes aim at, and how fast they follow.
const ACCEPTANCE: f64 = 0.65;
const ADAPTATION: f64 = 1.02;
const MEMORY: f64 = 0.9;

/// Log-weights `[chains, N]` of annealed importance sampling, whose [`importance_bound`](super::importance_bound) is a
/// lower bound of log p(x) in expectation, tight as the temperatures grow in number.
///
/// The prior of codes is N(0, I), of `code_size` numbers; `log_likelihood` gives log p(x | z) in nats, f32 `[chains · N]`,
/// of codes `[chains · N, code_size]` whose rows run through the N images once for each chain. The chain's distributions
/// are `p(z)·p(x | z)^β` with β from 0 to 1 along a sigmoid, its moves Hamiltonian, its steps adapted towards 65 %
/// acceptance, all as in Wu et al., 2017, <https://arxiv.org/abs/1611.04273>, after Neal, 2001.
///
/// # Errors
/// When the likelihood cannot be differentiated.
pub fn annealed_log_weights(
    images: usize,
    code_size: usize,
    log_likelihood: &dyn Fn(&Tensor) -> Tensor,
    options: &AnnealedOptions,
    rng: &Generator,
) -> Result<Tensor> {
    let rows = options.chains * images;
    let schedule = temperatures(options.temperatures);
    let mut chains = Chains {
        at: Place::new(rng.normal([rows, code_size], 0.0, 1.0, DType::F32), log_likelihood)?,
        step_sizes: vec![options.step_size; rows],
        acceptance: vec![ACCEPTANCE; rows],
    };
    let mut weights = vec![0.0; rows];
    for (index, pair) in schedule.windows(2).enumerate() {
        for (weight, value) in weights.iter_mut().zip(chains.at.values()) {
            *weight += (pair[1] - pair[0]) * value;
        }
        // Nothing is weighed after the last temperature, so nothing needs to move there.
        if index + 2 < schedule.len() {
            chains.advance(pair[1], options.leapfrog, log_likelihood, rng)?;
        }
    }
    Ok(Tensor::from_vec(weights, [options.chains, images]))
}

/// β from 0 to 1 along a sigmoid between −4 and 4, so that steps are short at both ends.
fn temperatures(steps: usize) -> Vec<f64> {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (low, high) = (sigmoid(-4.0), sigmoid(4.0));
    let at = |step: usize| (sigmoid(8.0 * step as f64 / steps as f64 - 4.0) - low) / (high - low);
    (0..=steps).map(at).collect()
}

/// Codes with their log-likelihoods `[rows]` and the gradients of these.
#[derive(Clone)]
struct Place {
    codes: Tensor,
    likelihood: Tensor,
    gradient: Tensor,
}

impl Place {
    fn new(codes: Tensor, log_likelihood: &dyn Fn(&Tensor) -> Tensor) -> Result<Place> {
        let ones = Tensor::ones([codes.dims()[0]], DType::F32);
        let (likelihood, gradient) = vjp(log_likelihood, &codes, &ones)?;
        Ok(Place { codes, likelihood, gradient })
    }

    fn values(&self) -> Vec<f64> {
        self.likelihood.to_dtype(DType::F64).to_vec::<f64>()
    }

    /// The gradient of `ln p(z) + β ln p(x | z)`, but for constants.
    fn force(&self, beta: f64) -> Tensor {
        &self.gradient * beta - &self.codes
    }

    /// `β ln p(x | z) + ln p(z) + ln p(momentum)` of each row, but for constants.
    fn negative_energy(&self, beta: f64, momentum: &Tensor) -> Vec<f64> {
        let kinetic = (self.codes.square() + momentum.square()).sum(&[1], false) * 0.5;
        (&self.likelihood * beta - kinetic).to_dtype(DType::F64).to_vec::<f64>()
    }
}

struct Chains {
    at: Place,
    step_sizes: Vec<f64>,
    /// Running share of accepted moves of each chain.
    acceptance: Vec<f64>,
}

impl Chains {
    /// One Hamiltonian move of every chain, which leaves `p(z)·p(x | z)^β` as it is.
    fn advance(
        &mut self,
        beta: f64,
        leapfrog: usize,
        log_likelihood: &dyn Fn(&Tensor) -> Tensor,
        rng: &Generator,
    ) -> Result<()> {
        let rows = self.step_sizes.len();
        let sizes: Vec<f32> = self.step_sizes.iter().map(|&size| size as f32).collect();
        let sizes = Tensor::from_vec(sizes, [rows, 1]);
        let (mut place, start) = (self.at.clone(), rng.normal_like(&self.at.codes));
        let mut momentum = start.clone();
        for _ in 0..leapfrog {
            let half = &momentum + &sizes * (place.force(beta) * 0.5);
            place = Place::new(&place.codes + &sizes * &half, log_likelihood)?;
            momentum = half + &sizes * (place.force(beta) * 0.5);
        }
        let before = self.at.negative_energy(beta, &start);
        let after = place.negative_energy(beta, &momentum);
        let draws = rng.uniform([rows], 0.0, 1.0, DType::F64).to_vec::<f64>();
        // A trajectory that ran away to NaN is not below anything, and so refused.
        let accepted: Vec<bool> =
            before.iter().zip(&after).zip(draws).map(|((b, a), draw)| draw < (a - b).exp()).collect();
        for (row, &accepted) in accepted.iter().enumerate() {
            self.acceptance[row] =
                MEMORY * self.acceptance[row] + (1.0 - MEMORY) * f64::from(u8::from(accepted));
            let factor = if self.acceptance[row] > ACCEPTANCE { ADAPTATION } else { 1.0 / ADAPTATION };
            self.step_sizes[row] = (self.step_sizes[row] * factor).clamp(1e-4, 1.0);
        }
        let accepted = Tensor::from_slice(&accepted, [rows]);
        let mask = accepted.unsqueeze(1);
        no_grad(|| {
            self.at = Place {
                codes: mask.where_(&place.codes, &self.at.codes),
                likelihood: accepted.where_(&place.likelihood, &self.at.likelihood),
                gradient: mask.where_(&place.gradient, &self.at.gradient),
            };
        });
        Ok(())
    }
}

/// The log-likelihood in nats, `[N]`, of black-and-white images under independent Bernoulli pixels with these logits;
/// both are `[N, …]`.
pub fn bernoulli_log_likelihood(logits: &Tensor, images: &Tensor) -> Tensor {
    let logits = logits.flatten(1, -1);
    // x·l − softplus(l), which stays finite for any logit.
    (images.flatten(1, -1) * &logits - logits.softplus()).sum(&[1], false)
}

#[cfg(test)]
mod tests {
    use super::super::importance_bound;
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn temperatures_rise_from_zero_to_one() {
        let schedule = temperatures(100);
        assert_eq!((schedule.len(), schedule[0]), (101, 0.0));
        assert!((schedule[100] - 1.0).abs() < 1e-15 && (schedule[50] - 0.5).abs() < 1e-12);
        assert!(schedule.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn finds_the_known_likelihood_of_a_linear_gaussian_model() {
        // z ~ N(0, I₂), x | z ~ N(a·z, s²) with a = (3, 1): x ~ N(0, 10 + s²), whose posterior is narrow and slanting.
        let (a, variance) = (Tensor::from_slice(&[3.0f32, 1.0], [2, 1]), 0.25);
        let points = [-4.0f32, 0.0, 2.5];
        let options = AnnealedOptions { temperatures: 400, chains: 20, ..AnnealedOptions::default() };
        let x = Tensor::from_slice(&points, 3).repeat(&[options.chains]);
        let log_likelihood = |codes: &Tensor| {
            let error = codes.matmul(&a).squeeze(1) - &x;
            error.square() * (-0.5 / variance) - 0.5 * (TAU * variance).ln()
        };
        let weights = annealed_log_weights(3, 2, &log_likelihood, &options, &Generator::new(2)).unwrap();
        assert_eq!(weights.dims(), [20, 3]);
        for (found, point) in importance_bound(&weights).iter().zip(points) {
            let total = 10.0 + variance;
            let known = -0.5 * (f64::from(point).powi(2) / total + (TAU * total).ln());
            assert!((found - known).abs() < 0.1, "{found} {known}");
        }
    }

    #[test]
    fn pixels_are_bernoulli() {
        let logits = Tensor::from_slice(&[3f32.ln(), 0.0, -1e4, 1e4], [2, 2]);
        let images = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 1.0], [2, 2]);
        let found = bernoulli_log_likelihood(&logits, &images).to_vec::<f32>();
        assert!((f64::from(found[0]) - (0.75f64 * 0.5).ln()).abs() < 1e-6);
        assert_eq!(found[1], 0.0);
    }
}
