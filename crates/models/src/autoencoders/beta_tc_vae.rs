//! The β-TC-VAE: of the three parts of the KL term it is the dependence between a code's numbers that costs more.
//!
//! `KL(q(z | x) ‖ p(z)) = I(x; z) + TC(z) + Σⱼ KL(q(zⱼ) ‖ p(zⱼ))`, averaged over images, and the loss is
//!
//! `reconstruction + α · I + β · TC + γ · Σⱼ KL(q(zⱼ) ‖ p(zⱼ))`.
//!
//! The density of all codes q(z) is estimated from a batch of M of the N training images ("minibatch-weighted sampling"):
//! `ln q(z) ≈ ln Σⱼ q(z | xⱼ) − ln N M`, and likewise for each number of a code by itself. The estimates of the parts are
//! biased, and I and TC shift by a constant with N, which no gradient sees; with α = β = γ their sum is the plain KL term.
//!
//! Chen, Li, Grosse, Duvenaud: Isolating Sources of Disentanglement in Variational Autoencoders, NeurIPS 2018,
//! <https://arxiv.org/abs/1802.04942>. The paper takes α = γ = 1 and tunes β on other pictures; 2 is known to work on
//! MNIST.

use super::coder::CoderOptions;
use super::gaussian::{DiagonalGaussian, standard_log_density};
use super::variational::{GaussianCoder, Pass, Variational};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::{Generator, Tensor, scope};

/// The section `[beta-tc-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// α, the weight of the information that a code holds of its image.
    pub alpha: f64,
    /// β, the weight of the total correlation.
    pub beta: f64,
    /// γ, the weight of the divergence of each number from the prior.
    pub gamma: f64,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        let coder = CoderOptions { latent: 10, ..CoderOptions::default() };
        Self { alpha: 1.0, beta: 2.0, gamma: 1.0, coder }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "beta-tc-vae";
    const DESCRIPTION: &'static str = "VAE with a weight on the total correlation of its codes";
    const PAPER: &'static str = "Chen et al. 2018, arXiv:1802.04942";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        for (key, value) in [("alpha", self.alpha), ("beta", self.beta), ("gamma", self.gamma)] {
            ranges.within(key, value, 0.0..=1e6)?;
        }
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, None, rng)?;
        let adam = self.coder.adam(network.parameters());
        let objective = Decomposed { weights: [self.alpha, self.beta, self.gamma], images: 1 };
        Ok(Box::new(Descent::with(network, objective, adam)))
    }
}

/// The loss.
#[derive(Debug, Clone, Copy)]
struct Decomposed {
    /// α, β and γ.
    weights: [f64; 3],
    /// N, the number of training images.
    images: usize,
}

impl<N: Variational> Objective<N> for Decomposed {
    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let Pass { posterior, codes, reconstruction, .. } = Pass::new(network, batch, rng);
        let _scope = scope::enter("loss");
        let [information, correlation, divergence] = decompose(&posterior, &codes, self.images);
        let [alpha, beta, gamma] = self.weights;
        let total = &reconstruction + &information * alpha + &correlation * beta + &divergence * gamma;
        let terms = vec![
            ("reconstruction", reconstruction),
            ("mutual_information", information),
            ("total_correlation", correlation),
            ("dimension_kl", divergence),
        ];
        Losses { total, terms }
    }

    fn prepare(&mut self, data: &Dataset) {
        self.images = data.train.dataset().len();
    }
}

/// Estimates of I(x; z), TC(z) and Σⱼ KL(q(zⱼ) ‖ N(0, 1)), scalars in nats, from the codes `[batch, code size]` that were
/// drawn from the posteriors of a batch of so many training images.
pub fn decompose(posterior: &DiagonalGaussian, codes: &Tensor, images: usize) -> [Tensor; 3] {
    let [batch, size] = [codes.dims()[0], codes.dims()[1]];
    let pairs = ((batch * images) as f64).ln();
    // ln q(zᵢₖ | xⱼ) at [i, j, k].
    let densities = posterior.log_densities(&codes.unsqueeze(1));
    let joint = densities.sum(&[2], false).logsumexp(&[1], false) - pairs;
    let product = densities.logsumexp(&[1], false).sum(&[1], false) - pairs * size as f64;
    let information = (posterior.log_density(codes) - &joint).mean_all();
    let correlation = (joint - &product).mean_all();
    let divergence = (product - standard_log_density(codes)).mean_all();
    [information, correlation, divergence]
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn the_parts_are_those_of_brute_force() {
        let (rng, batch, size, images) = (Generator::new(3), 4, 3, 50);
        let draw = || rng.normal([batch, size], 0.0, 1.0, DType::F64);
        let posterior = DiagonalGaussian { mean: draw(), log_variance: draw() };
        let codes = posterior.sample(&rng);
        let [mean, log_variance, z] =
            [&posterior.mean, &posterior.log_variance, &codes].map(Tensor::to_vec::<f64>);
        let normal = |x: f64, mean: f64, variance: f64| {
            (-0.5 * (x - mean).powi(2) / variance).exp() / (2.0 * std::f64::consts::PI * variance).sqrt()
        };
        let density = |i: usize, j: usize, k: usize| {
            normal(z[i * size + k], mean[j * size + k], log_variance[j * size + k].exp())
        };
        let [mut information, mut correlation, mut divergence] = [0.0; 3];
        for i in 0..batch {
            let of_image = |j: usize| (0..size).map(|k| density(i, j, k)).product::<f64>();
            let scale = (batch * images) as f64;
            let joint = (0..batch).map(of_image).sum::<f64>() / scale;
            let product: f64 =
                (0..size).map(|k| (0..batch).map(|j| density(i, j, k)).sum::<f64>() / scale).product();
            let prior: f64 = (0..size).map(|k| normal(z[i * size + k], 0.0, 1.0)).product();
            information += (of_image(i) / joint).ln() / batch as f64;
            correlation += (joint / product).ln() / batch as f64;
            divergence += (product / prior).ln() / batch as f64;
        }
        let found = decompose(&posterior, &codes, images).map(|part| part.item());
        for (found, expected) in found.iter().zip([information, correlation, divergence]) {
            assert!((found - expected).abs() < 1e-10, "{found} {expected}");
        }
        let whole = (posterior.log_density(&codes) - standard_log_density(&codes)).mean_all().item();
        assert!((found.iter().sum::<f64>() - whole).abs() < 1e-10, "the parts make up the whole");
    }

    #[test]
    fn numbers_that_move_together_are_correlated() {
        let rng = Generator::new(4);
        let first = rng.normal([256, 1], 0.0, 1.0, DType::F64);
        let second = rng.normal([256, 1], 0.0, 1.0, DType::F64);
        let correlation = |mean: Tensor| {
            let posterior = DiagonalGaussian { log_variance: mean.full_like(-2.0), mean };
            let codes = posterior.sample(&rng);
            decompose(&posterior, &codes, 256)[1].item()
        };
        let apart = correlation(Tensor::cat(&[&first, &second], 1));
        let together = correlation(Tensor::cat(&[&first, &first], 1));
        assert!(together > apart + 0.5, "{together} {apart}");
    }
}
