//! Normal distributions with independent axes: what an encoder says of a code.

use std::f64::consts::PI;
use wengert_tensor::ops::loss::Reduction;
use wengert_tensor::{Generator, Tensor};

/// N(μ, diag σ²) for each image of a batch, by μ and ln σ², both `[batch, code size]`.
#[derive(Debug, Clone)]
pub struct DiagonalGaussian {
    /// μ.
    pub mean: Tensor,
    /// ln σ².
    pub log_variance: Tensor,
}

impl DiagonalGaussian {
    /// Mean and logarithm of the variance from the two halves of a network's output, `[batch, 2 · code size]`.
    pub fn from_halves(outputs: &Tensor) -> DiagonalGaussian {
        let size = outputs.dims()[1] / 2;
        DiagonalGaussian { mean: outputs.narrow(1, 0, size), log_variance: outputs.narrow(1, size, size) }
    }

    /// One code for each image, `[batch, code size]`, through which gradients flow.
    pub fn sample(&self, rng: &Generator) -> Tensor {
        self.mean.reparameterise(&self.log_variance, &rng.normal_like(&self.mean))
    }

    /// `count` codes for each image, `[count, batch, code size]`, through which gradients flow.
    pub fn samples(&self, count: usize, rng: &Generator) -> Tensor {
        let shape = [count, self.mean.dims()[0], self.mean.dims()[1]];
        let noise = rng.normal(shape, 0.0, 1.0, self.mean.dtype());
        self.mean.broadcast_to(shape).reparameterise(&self.log_variance.broadcast_to(shape), &noise)
    }

    /// The divergence from N(0, 1) in nats, summed over the axes of a code and averaged over the batch: a scalar.
    pub fn kl(&self) -> Tensor {
        self.mean.gaussian_kl(&self.log_variance, Reduction::Sum) * (1.0 / self.mean.dims()[0] as f64)
    }

    /// ln N(z; μ, σ²) of each axis: `[…, batch, code size]` for codes of that shape.
    pub fn log_densities(&self, codes: &Tensor) -> Tensor {
        let distance = (codes - &self.mean).square() * (-&self.log_variance).exp();
        (distance + &self.log_variance + (2.0 * PI).ln()) * -0.5
    }

    /// ln N(z; μ, σ²) of whole codes: `[…, batch]` for codes `[…, batch, code size]`.
    pub fn log_density(&self, codes: &Tensor) -> Tensor {
        self.log_densities(codes).sum(&[-1], false)
    }
}

/// ln N(z; 0, 1) of each axis.
pub fn standard_log_densities(codes: &Tensor) -> Tensor {
    (codes.square() + (2.0 * PI).ln()) * -0.5
}

/// ln N(z; 0, 1) of whole codes: `[…]` for codes `[…, code size]`.
pub fn standard_log_density(codes: &Tensor) -> Tensor {
    standard_log_densities(codes).sum(&[-1], false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    fn gaussian() -> DiagonalGaussian {
        // For one image N(1, 4) and N(−2, 1), for another N(0, 1) twice.
        DiagonalGaussian::from_halves(&Tensor::from_slice(
            &[1.0, -2.0, 4f64.ln(), 0.0, 0.0, 0.0, 0.0, 0.0],
            [2, 4],
        ))
    }

    #[test]
    fn densities_are_those_of_the_normal_distribution() {
        let codes = Tensor::from_slice(&[3.0, -2.0, 0.0, 1.0], [2, 2]);
        // (z − μ)²/σ² is 1 and 0 for the first image, 0 and 1 for the second.
        let constant = 0.5 * (2.0 * PI).ln();
        let expected = [-(0.5 + 0.5 * 4f64.ln() + constant), -constant, -constant, -(0.5 + constant)];
        for (found, expected) in gaussian().log_densities(&codes).to_vec::<f64>().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let whole = gaussian().log_density(&codes).to_vec::<f64>();
        assert!((whole[0] - expected[0] - expected[1]).abs() < 1e-12, "{whole:?}");
        let standard = standard_log_density(&codes).to_vec::<f64>();
        assert!((standard[1] - whole[1]).abs() < 1e-12, "{standard:?}");
    }

    #[test]
    fn divergence_is_the_mean_difference_of_log_densities() {
        // ½ (σ² + μ² − 1 − ln σ²): ½ (4 + 1 − 1 − ln 4) + ½ · 4 for one of two images.
        let expected = 0.5 * (0.5 * (4.0 - 4f64.ln()) + 2.0);
        assert!((gaussian().kl().item() - expected).abs() < 1e-12);
        let codes = gaussian().samples(200_000, &Generator::new(1));
        assert_eq!(codes.dims(), [200_000, 2, 2]);
        let estimate = (gaussian().log_density(&codes) - standard_log_density(&codes)).mean_all().item();
        // The standard deviation of one difference is about 4.3 here.
        assert!((estimate - expected).abs() < 0.03, "{estimate} {expected}");
    }

    #[test]
    fn one_sample_for_each_image() {
        let codes = gaussian().sample(&Generator::new(3));
        assert_eq!((codes.dims(), codes.dtype()), (&[2, 2][..], DType::F64));
    }
}
