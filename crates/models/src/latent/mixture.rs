//! A mixture of Gaussians with full covariances, fitted to codes by expectation and maximisation.

use crate::Result;
use wengert_nn::module;
use wengert_tensor::{DType, Generator, Tensor};

/// K Gaussians of dimension D, in f64.
#[derive(Debug)]
pub struct Mixture {
    /// The share of each component, `[K]`.
    weights: Tensor,
    /// `[K, D]`.
    means: Tensor,
    /// Lower triangular L with covariance L·Lᵀ, `[K, D, D]`.
    factors: Tensor,
}

module!(Mixture { buffers: weights, means, factors });

/// Added to variances, so that a component of few or flat codes stays a Gaussian.
const FLOOR: f64 = 1e-6;
/// The fit ends when a round adds less than this to the mean log-likelihood, or after so many rounds.
const ENOUGH: f64 = 1e-3;
const ROUNDS: usize = 100;

/// A component as the expectations need it: logarithm of its share, mean `[D]`, and L.
struct Component {
    log_weight: f64,
    mean: Vec<f64>,
    factor: Vec<f64>,
}

impl Mixture {
    /// Components that all are the standard normal distribution.
    pub fn new(components: usize, size: usize) -> Mixture {
        let (k, d, dtype) = (components, size, DType::F64);
        let mixture = Mixture {
            weights: Tensor::full(k, 1.0 / k as f64, dtype),
            means: Tensor::zeros([k, d], dtype),
            factors: Tensor::zeros([k, d, d], dtype),
        };
        let identity = Tensor::eye(d, dtype).unsqueeze(0).expand([k, d, d]);
        mixture.factors.assign(&identity.contiguous()).expect("both are [K, D, D]");
        mixture
    }

    /// `count` draws, f32 `[count, D]`.
    pub fn draw(&self, count: usize, rng: &Generator) -> Tensor {
        let (size, shares) = (self.means.dims()[1], self.weights.to_vec::<f64>());
        let bounds: Vec<f64> = shares
            .iter()
            .scan(0.0, |sum, share| {
                *sum += share;
                Some(*sum)
            })
            .collect();
        let choices: Vec<i64> = rng
            .uniform(count, 0.0, 1.0, DType::F64)
            .to_vec::<f64>()
            .iter()
            .map(|place| bounds.iter().position(|bound| place < bound).unwrap_or(bounds.len() - 1) as i64)
            .collect();
        let choices = Tensor::from_vec(choices, count);
        let noise = rng.normal([count, size, 1], 0.0, 1.0, DType::F64);
        let moved = self.factors.index_select(0, &choices).bmm(&noise).squeeze(2);
        (moved + self.means.index_select(0, &choices)).to_dtype(DType::F32)
    }

    /// Mean log-density of codes `[n, D]`, in nats.
    pub fn mean_log_likelihood(&self, codes: &Tensor) -> f64 {
        self.joint(&codes.to_dtype(DType::F64)).logsumexp(&[1], false).mean_all().item()
    }

    /// Fits the mixture to codes `[n, D]`, from centres chosen as k-means++ does (Arthur and Vassilvitskii, 2007).
    ///
    /// # Errors
    /// None that codes of the right size could cause.
    pub fn fit(&self, codes: &Tensor, rng: &Generator) -> Result<()> {
        let codes = codes.detach().to_dtype(DType::F64);
        let components = self.weights.numel();
        let centres = spread_centres(&codes, components, rng);
        self.maximise(&codes, &squared_distances(&codes, &centres).argmin(1, false).one_hot(components))?;
        let mut likelihood = f64::NEG_INFINITY;
        for _ in 0..ROUNDS {
            let joint = self.joint(&codes);
            let total = joint.logsumexp(&[1], true);
            let before = std::mem::replace(&mut likelihood, total.mean_all().item());
            if likelihood - before < ENOUGH {
                break;
            }
            self.maximise(&codes, &(joint - total).exp())?;
        }
        Ok(())
    }

    /// log p(component) + log p(code | component), `[n, K]`.
    fn joint(&self, codes: &Tensor) -> Tensor {
        let size = codes.dims()[1];
        let columns: Vec<Tensor> = self
            .components()
            .iter()
            .map(|component| {
                let mean = Tensor::from_slice(&component.mean, [1, size]);
                // Rows of (x − μ)·L⁻ᵀ have the identity as covariance.
                let whitened = (codes - mean).matmul(&inverse_of_lower(&component.factor, size).t());
                let log_volume: f64 = (0..size).map(|i| component.factor[i * size + i].ln()).sum();
                let constant =
                    component.log_weight - log_volume - 0.5 * size as f64 * (2.0 * std::f64::consts::PI).ln();
                whitened.square().sum(&[1], false) * -0.5 + constant
            })
            .collect();
        Tensor::stack(&columns.iter().collect::<Vec<_>>(), 1)
    }

    fn components(&self) -> Vec<Component> {
        let size = self.means.dims()[1];
        let (means, factors) = (self.means.to_vec::<f64>(), self.factors.to_vec::<f64>());
        let parts = means.chunks(size).zip(factors.chunks(size * size));
        self.weights
            .to_vec::<f64>()
            .iter()
            .zip(parts)
            .map(|(weight, (mean, factor))| Component {
                log_weight: weight.ln(),
                mean: mean.to_vec(),
                factor: factor.to_vec(),
            })
            .collect()
    }

    /// Shares, means and covariances of codes that belong to the components in these parts, `[n, K]`.
    fn maximise(&self, codes: &Tensor, parts: &Tensor) -> Result<()> {
        let (count, size) = (codes.dims()[0], codes.dims()[1]);
        let parts = parts.to_dtype(DType::F64);
        // A component without codes keeps a share too small to matter, rather than one that is not a number.
        let shares = parts.sum(&[0], false) + 10.0 * f64::EPSILON;
        let means = parts.t().matmul(codes) / shares.unsqueeze(1);
        let mut factors = Vec::new();
        for (component, share) in shares.to_vec::<f64>().into_iter().enumerate() {
            let apart = codes - means.narrow(0, component, 1);
            let weighted = &apart * &parts.narrow(1, component, 1);
            let covariance = weighted.t().matmul(&apart) / share;
            factors.extend(cholesky(covariance.to_vec::<f64>(), size));
        }
        self.weights.assign(&(shares / count as f64))?;
        self.means.assign(&means)?;
        self.factors.assign(&Tensor::from_slice(&factors, self.factors.shape()))?;
        Ok(())
    }
}

/// ‖xᵢ − cⱼ‖², `[n, K]`.
fn squared_distances(codes: &Tensor, centres: &Tensor) -> Tensor {
    let squares = |rows: &Tensor| rows.square().sum(&[1], true);
    squares(codes) + squares(centres).t() - codes.matmul(&centres.t()) * 2.0
}

/// Codes chosen one after the other, each with a chance in proportion to its squared distance from the nearest of those
/// chosen before.
fn spread_centres(codes: &Tensor, components: usize, rng: &Generator) -> Tensor {
    let count = codes.dims()[0];
    let row = |index: i64| codes.narrow(0, index as usize, 1);
    let mut centres = row(rng.randint(0, count as i64, 1).to_vec::<i64>()[0]);
    for _ in 1..components {
        let nearest = squared_distances(codes, &centres).amin(&[1], false).clamp(Some(0.0), None);
        let nearest = nearest.to_vec::<f64>();
        let mut place = rng.uniform(1, 0.0, 1.0, DType::F64).item() * nearest.iter().sum::<f64>();
        let chosen = nearest.iter().position(|distance| {
            place -= distance;
            place < 0.0
        });
        // None where rounding ate the last bit, or where all codes are alike.
        centres = Tensor::cat(&[&centres, &row(chosen.unwrap_or(count - 1) as i64)], 0);
    }
    centres
}

/// The lower triangular L with L·Lᵀ = the matrix plus [`FLOOR`] on its diagonal.
fn cholesky(mut matrix: Vec<f64>, size: usize) -> Vec<f64> {
    for row in 0..size {
        for column in 0..size {
            let at = row * size + column;
            if column > row {
                matrix[at] = 0.0;
                continue;
            }
            let known: f64 = (0..column).map(|k| matrix[row * size + k] * matrix[column * size + k]).sum();
            matrix[at] = match column == row {
                // A covariance is never below the floor but by rounding.
                true => (matrix[at] + FLOOR - known).max(FLOOR).sqrt(),
                false => (matrix[at] - known) / matrix[column * size + column],
            };
        }
    }
    matrix
}

/// L⁻¹ of a lower triangular L, by forward substitution.
fn inverse_of_lower(factor: &[f64], size: usize) -> Tensor {
    let mut inverse = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            let unit = f64::from(u8::from(row == column));
            let known: f64 = (column..row).map(|k| factor[row * size + k] * inverse[k * size + column]).sum();
            inverse[row * size + column] = (unit - known) / factor[row * size + row];
        }
    }
    Tensor::from_slice(&inverse, [size, size])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of two Gaussians in the plane: a third from one with correlated axes, two thirds from a round one.
    fn known(count: usize, rng: &Generator) -> Tensor {
        let third = count / 3;
        let normal = |rows| rng.normal([rows, 2], 0.0, 1.0, DType::F64);
        let factor = Tensor::from_slice(&[1.0, 0.0, 0.8, 0.6], [2, 2]);
        let first = normal(third).matmul(&factor.t()) + Tensor::from_slice(&[-4.0, 1.0], [1, 2]);
        let second = normal(count - third) * 0.5 + Tensor::from_slice(&[3.0, 0.0], [1, 2]);
        Tensor::cat(&[&first, &second], 0)
    }

    #[test]
    fn a_known_mixture_is_found_again() {
        let rng = Generator::new(5);
        let codes = known(9000, &rng);
        let mixture = Mixture::new(2, 2);
        mixture.fit(&codes, &rng).unwrap();
        let mut components = mixture.components();
        components.sort_by(|a, b| a.mean[0].total_cmp(&b.mean[0]));
        let close = |found: &[f64], expected: &[f64]| {
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 0.06), "{found:?} {expected:?}");
        };
        close(&[components[0].log_weight.exp(), components[1].log_weight.exp()], &[1.0 / 3.0, 2.0 / 3.0]);
        close(&components[0].mean, &[-4.0, 1.0]);
        close(&components[1].mean, &[3.0, 0.0]);
        close(&components[0].factor, &[1.0, 0.0, 0.8, 0.6]);
        close(&components[1].factor, &[0.5, 0.0, 0.0, 0.5]);

        // What it draws has the mean of what it was fitted to, within five standard errors.
        let drawn = mixture.draw(9000, &rng).to_dtype(DType::F64);
        let means = [&drawn, &codes].map(|codes| codes.mean(&[0], false));
        assert!((&means[0] - &means[1]).abs().max_all().item() < 0.18, "{means:?}");
        assert!((mixture.mean_log_likelihood(&drawn) - mixture.mean_log_likelihood(&codes)).abs() < 0.05);
    }

    #[test]
    fn the_density_of_one_component_is_the_normal_one() {
        let codes = Tensor::from_slice(&[1.0, -2.0, 0.5], [1, 3]);
        let expected = -0.5 * 5.25 - 1.5 * (2.0 * std::f64::consts::PI).ln();
        assert!((Mixture::new(4, 3).mean_log_likelihood(&codes) - expected).abs() < 1e-12);
        // Fitted to a sample, one component has its mean and covariance.
        let rng = Generator::new(2);
        let codes = rng.normal([500, 3], 1.0, 2.0, DType::F32);
        let mixture = Mixture::new(1, 3);
        mixture.fit(&codes, &rng).unwrap();
        let factor = Tensor::from_slice(&mixture.components()[0].factor, [3, 3]);
        let variance = factor.matmul(&factor.t()).diagonal(0, 1).to_vec::<f64>();
        let expected = codes.to_dtype(DType::F64).var(&[0], 0.0, false).to_vec::<f64>();
        assert!(
            variance.iter().zip(&expected).all(|(v, e)| (v - e).abs() < 1e-5),
            "{variance:?} {expected:?}"
        );
    }

    #[test]
    fn more_components_describe_codes_better_and_few_or_equal_codes_do_no_harm() {
        let rng = Generator::new(5);
        let codes = known(600, &rng);
        let likelihood = |components| {
            let mixture = Mixture::new(components, 2);
            mixture.fit(&codes, &rng).unwrap();
            mixture.mean_log_likelihood(&codes)
        };
        let (one, two) = (likelihood(1), likelihood(2));
        assert!(two > one + 0.5, "{one} {two}");
        for codes in [Tensor::ones([3, 2], DType::F32), codes.narrow(0, 0, 1).to_dtype(DType::F32)] {
            let mixture = Mixture::new(5, 2);
            mixture.fit(&codes, &rng).unwrap();
            let drawn = mixture.draw(10, &rng).to_vec::<f32>();
            assert!(drawn.iter().all(|value| value.is_finite()), "{drawn:?}");
        }
    }

    #[test]
    fn the_same_stream_gives_the_same_fit() {
        let codes = known(300, &Generator::new(1));
        let fits = [0, 1].map(|_| {
            let mixture = Mixture::new(3, 2);
            mixture.fit(&codes, &Generator::new(9)).unwrap();
            mixture.means.to_vec::<f64>()
        });
        assert_eq!(fits[0], fits[1]);
    }
}
