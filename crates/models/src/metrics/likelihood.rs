//! Bounds on log p(x) from importance weights, and a density estimate where there are only samples.

use super::distance::for_each_row;
use std::f64::consts::TAU;
use wengert_tensor::{DType, Tensor, no_grad};

/// The evidence lower bound of each image, `[N]` in nats: the mean of its log-weights `[K, N]`, after Kingma and
/// Welling, 2013, <https://arxiv.org/abs/1312.6114>.
pub fn evidence_bound(log_weights: &Tensor) -> Vec<f64> {
    no_grad(|| log_weights.to_dtype(DType::F64).mean(&[0], false).to_vec::<f64>())
}

/// The importance-weighted bound of each image, `[N]` in nats: `ln (1/K) Σₖ wₖ` of its log-weights `[K, N]`. It rises
/// with K, in expectation, to log p(x) (Burda et al., 2016, <https://arxiv.org/abs/1509.00519>).
pub fn importance_bound(log_weights: &Tensor) -> Vec<f64> {
    let samples = log_weights.dims()[0] as f64;
    no_grad(|| (log_weights.to_dtype(DType::F64).logsumexp(&[0], false) - samples.ln()).to_vec::<f64>())
}

/// A mean over images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its standard error as an estimate for the distribution that the images are of; 0 for a single image.
    pub standard_error: f64,
}

impl Mean {
    /// The mean of values; not a number where there are none.
    pub fn of(values: &[f64]) -> Mean {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        Mean { mean, standard_error: (squares / (count - 1.0).max(1.0) / count).sqrt() }
    }
}

/// Candidates for the width of a Parzen window: ten from 0.1 to 1, evenly spaced in their logarithms.
pub fn parzen_widths() -> Vec<f64> {
    (0..10).map(|index| 10f64.powf(f64::from(index) / 9.0 - 1.0)).collect()
}

/// Log-likelihoods by a Parzen window.
#[derive(Debug, Clone, PartialEq)]
pub struct Parzen {
    /// The standard deviation σ of the window, of the widths tried the best on the validation vectors.
    pub width: f64,
    /// Log-likelihood of a test vector, in nats.
    pub likelihood: Mean,
}

impl Parzen {
    /// The log-likelihood of test vectors `[N, D]` under a normal distribution of standard deviation σ around each of
    /// the samples `[M, D]`, σ being chosen on `validation` `[V, D]` among `widths`:
    ///
    /// `ln p(x) = ln (1/M) Σᵢ exp(−‖x − sᵢ‖² / 2σ²) − (D/2) ln 2πσ²`.
    ///
    /// This is what Goodfellow et al., 2014, <https://arxiv.org/abs/1406.2661> report, after Breuleux et al., 2011. In
    /// many dimensions it says little of the true likelihood (Theis et al., 2016, <https://arxiv.org/abs/1511.01844>):
    /// it is for comparison with papers that give it.
    ///
    /// # Panics
    /// When there are no widths, or no rows in any of the matrices.
    pub fn estimate(samples: &Tensor, validation: &Tensor, test: &Tensor, widths: &[f64]) -> Parzen {
        let total = |width: f64| log_likelihoods(validation, samples, width).iter().sum::<f64>();
        let best = widths.iter().map(|&width| (total(width), width)).max_by(|a, b| a.0.total_cmp(&b.0));
        let (_, width) = best.expect("there is a width to choose");
        Parzen { width, likelihood: Mean::of(&log_likelihoods(test, samples, width)) }
    }
}

/// The logarithm of the density at each row of `points` under windows of one width around `samples`.
fn log_likelihoods(points: &Tensor, samples: &Tensor, width: f64) -> Vec<f64> {
    let [count, size] = [0, 1].map(|axis| samples.dims()[axis] as f64);
    let scale = 2.0 * width * width;
    let constant = -count.ln() - size / 2.0 * (TAU * width * width).ln();
    let mut values = Vec::new();
    for_each_row(points, samples, |_, squares| {
        // The nearest sample's term is factored out, so that it cannot underflow.
        let nearest = squares.iter().copied().fold(f64::INFINITY, f64::min);
        let sum: f64 = squares.iter().map(|square| (-(square - nearest) / scale).exp()).sum();
        values.push(sum.ln() - nearest / scale + constant);
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::Generator;

    /// ln N(x; mean, variance).
    fn log_normal(x: f64, mean: f64, variance: f64) -> f64 {
        -0.5 * ((x - mean).powi(2) / variance + (TAU * variance).ln())
    }

    /// z ~ N(0, 1), x | z ~ N(2z, 1), so that x ~ N(0, 5) and z | x ~ N(2x/5, 1/5). Log-weights of proposals from
    /// N(2x/5 + shift, variance).
    fn log_weights(points: &[f64], samples: usize, shift: f64, variance: f64) -> Tensor {
        let noise = Generator::new(8).normal([samples, points.len()], 0.0, 1.0, DType::F64).to_vec::<f64>();
        let weights: Vec<f64> = noise
            .iter()
            .enumerate()
            .map(|(index, noise)| {
                let x = points[index % points.len()];
                let mean = 0.4 * x + shift;
                let z = mean + noise * variance.sqrt();
                log_normal(z, 0.0, 1.0) + log_normal(x, 2.0 * z, 1.0) - log_normal(z, mean, variance)
            })
            .collect();
        Tensor::from_vec(weights, [samples, points.len()])
    }

    #[test]
    fn bounds_on_a_linear_gaussian_model_with_known_likelihood() {
        let points = [-3.0, 0.5, 2.0];
        let known = points.map(|x| log_normal(x, 0.0, 5.0));
        // With the true posterior as proposal every weight is p(x): both bounds are exact.
        let exact = log_weights(&points, 3, 0.0, 0.2);
        for bound in [evidence_bound(&exact), importance_bound(&exact)] {
            for (bound, known) in bound.iter().zip(known) {
                assert!((bound - known).abs() < 1e-9, "{bound} {known}");
            }
        }
        // Otherwise the evidence bound lies KL(q ‖ posterior) below, and importance weighting closes the gap.
        let (shift, variance) = (0.3, 0.3);
        let weights = log_weights(&points, 100_000, shift, variance);
        let divergence: f64 = 0.5 * (variance / 0.2 + shift * shift / 0.2 - 1.0 - (variance / 0.2f64).ln());
        for ((lower, tight), known) in
            evidence_bound(&weights).iter().zip(importance_bound(&weights)).zip(known)
        {
            assert!((known - divergence - lower).abs() < 0.02, "{lower} {known}");
            assert!((known - tight).abs() < 0.02, "{tight} {known}");
        }
        let few = importance_bound(&weights.narrow(0, 0, 5));
        let between = few.iter().zip(evidence_bound(&weights)).map(|(few, lower)| few - lower).sum::<f64>();
        assert!(between > 0.0, "five weights are better than one: {between}");
    }

    #[test]
    fn windows_are_a_mixture_and_the_best_width_wins() {
        // Two samples, one test point: ½ N(1; 0, σ²) + ½ N(1; 3, σ²), in two dimensions.
        let samples = Tensor::from_slice(&[0.0f64, 0.0, 3.0, 0.0], [2, 2]);
        let point = Tensor::from_slice(&[1.0f64, 0.0], [1, 2]);
        let density = |width: f64| {
            let scale = 2.0 * width * width;
            (0.5 * ((-1.0 / scale).exp() + (-4.0 / scale).exp()) / (TAU * width * width)).ln()
        };
        let found = Parzen::estimate(&samples, &point, &point, &[0.1, 0.8, 5.0]);
        assert_eq!(found.width, 0.8);
        assert!((found.likelihood.mean - density(0.8)).abs() < 1e-12, "{found:?}");
        // Samples of N(0, 0.5²) and as many windows: the likelihood comes near the negative entropy.
        let rng = Generator::new(3);
        let draw = |count: usize| rng.normal([count, 1], 0.0, 0.5, DType::F64);
        let found = Parzen::estimate(&draw(4000), &draw(500), &draw(4000), &parzen_widths());
        let entropy = 0.5 * (TAU * 0.25).ln() + 0.5;
        assert!((found.likelihood.mean + entropy).abs() < 0.05 && found.width < 0.3, "{found:?} {entropy}");
    }
}
