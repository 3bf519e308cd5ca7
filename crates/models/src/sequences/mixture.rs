//! Mixtures of normal distributions, by what a network says of them.

use wengert_tensor::{DType, Tensor};

/// A mixture of K normal distributions over D numbers, for each of N conditions, in Bishop's form: the numbers of a
/// component are independent and share one deviation.
#[derive(Debug, Clone)]
pub struct Mixture {
    /// Logits of the components, `[N, K]`.
    pub logits: Tensor,
    /// Their means, `[N, K, D]`.
    pub means: Tensor,
    /// Logarithms of their deviations, `[N, K]`.
    pub log_deviations: Tensor,
}

impl Mixture {
    /// Logarithm of the density at y `[N, D]`, `[N]`:
    /// `ln Σₖ πₖ (2π σₖ²)^(−D/2) exp(−‖y − μₖ‖² / 2σₖ²)`.
    pub fn log_density(&self, y: &Tensor) -> Tensor {
        let numbers = y.dims()[1] as f64;
        let distances = (&self.means - y.unsqueeze(1)).square().sum(&[2], false);
        let exponents = distances * (&self.log_deviations * -2.0).exp() * -0.5;
        let scales = (&self.log_deviations + 0.5 * std::f64::consts::TAU.ln()) * -numbers;
        (self.logits.log_softmax(1) + scales + exponents).logsumexp(&[1], false)
    }

    /// The mean of the most probable component, `[N, D]`.
    pub fn likeliest_mean(&self) -> Tensor {
        let best = self.logits.argmax(1, false).one_hot(self.logits.dims()[1]).to_dtype(DType::F32);
        (&self.means * best.unsqueeze(2)).sum(&[1], false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixture(logits: [f32; 2], means: [f32; 2], deviations: [f32; 2]) -> Mixture {
        Mixture {
            logits: Tensor::from_slice(&logits, [1, 2]),
            means: Tensor::from_slice(&means, [1, 2, 1]),
            log_deviations: Tensor::from_slice(&deviations.map(f32::ln), [1, 2]),
        }
    }

    #[test]
    fn a_density_by_hand() {
        // 1/4 N(−1, ½²) + 3/4 N(2, 1²) at 0.5.
        let mixture = mixture([0.0, 3f32.ln()], [-1.0, 2.0], [0.5, 1.0]);
        let normal = |x: f64, mean: f64, deviation: f64| {
            (-0.5 * ((x - mean) / deviation).powi(2)).exp() / (deviation * std::f64::consts::TAU.sqrt())
        };
        let expected = 0.25 * normal(0.5, -1.0, 0.5) + 0.75 * normal(0.5, 2.0, 1.0);
        let density = mixture.log_density(&Tensor::from_slice(&[0.5f32], [1, 1])).exp().item();
        assert!((density - expected).abs() < 1e-6, "{density} {expected}");
        assert_eq!(mixture.likeliest_mean().item(), 2.0);
    }

    #[test]
    fn numbers_of_one_component_are_independent() {
        let one = |means: &[f32]| Mixture {
            logits: Tensor::zeros([1, 1], DType::F32),
            means: Tensor::from_slice(means, [1, 1, means.len()]),
            log_deviations: Tensor::full([1, 1], -0.7, DType::F32),
        };
        let at = |y: &[f32]| Tensor::from_slice(y, [1, y.len()]);
        let both = one(&[0.3, -0.4]).log_density(&at(&[1.0, 0.2])).item();
        let apart =
            one(&[0.3]).log_density(&at(&[1.0])).item() + one(&[-0.4]).log_density(&at(&[0.2])).item();
        assert!((both - apart).abs() < 1e-6);
    }

    #[test]
    fn a_density_integrates_to_1() {
        let mixture = mixture([0.4, -0.3], [-0.7, 1.1], [0.3, 0.8]);
        let total: f64 = (-1000..1000)
            .map(|i| mixture.log_density(&Tensor::from_slice(&[i as f32 * 0.01], [1, 1])).exp().item() * 0.01)
            .sum();
        assert!((total - 1.0).abs() < 1e-4, "{total}");
    }
}
