//! Losses on energies: what a discriminator that is an autoencoder fails to give back of an image.
//!
//! Zhao, Mathieu, LeCun: Energy-based Generative Adversarial Networks, 2016, <https://arxiv.org/abs/1609.03126>;
//! Berthelot, Schumm, Metz: BEGAN, 2017, <https://arxiv.org/abs/1703.10717>.

use wengert_tensor::Tensor;

/// EBGAN's discriminator: mean E_real + mean max(0, m − E_fake), with energies `[N]` and the margin m.
pub fn with_margin(real: &Tensor, fake: &Tensor, margin: f64) -> Tensor {
    real.mean_all() + (margin - fake).relu().mean_all()
}

/// The pulling-away term, the mean squared cosine between the codes `[N, features]` of different images:
/// Σᵢ Σⱼ≠ᵢ (sᵢᵀsⱼ / ‖sᵢ‖‖sⱼ‖)² / N(N − 1); 0 for a single image.
pub fn pull_away(codes: &Tensor) -> Tensor {
    let count = codes.dims()[0] as f64;
    let lengths = (codes.square().sum(&[1], true) + 1e-12).sqrt();
    let directions = codes / lengths;
    let cosines = directions.matmul(&directions.t());
    let itself = cosines.diagonal(0, 1).square().sum_all();
    (cosines.square().sum_all() - itself) / (count * (count - 1.0)).max(1.0)
}

/// BEGAN's discriminator: mean E_real − k·mean E_fake.
pub fn balanced(real: &Tensor, fake: &Tensor, balance: f64) -> Tensor {
    real.mean_all() - fake.mean_all() * balance
}

/// BEGAN's next balance, k + λ(γ·E_real − E_fake) within 0..1, from the mean energies of a step.
pub fn next_balance(balance: f64, real: f64, fake: f64, gamma: f64, rate: f64) -> f64 {
    (balance + rate * (gamma * real - fake)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::losses::close;

    #[test]
    fn losses_at_given_energies() {
        let (real, fake) = (Tensor::from_slice(&[0.5, 0.1], 2), Tensor::from_slice(&[0.25, 1.5], 2));
        close(&with_margin(&real, &fake, 1.0), 0.3 + 0.375);
        close(&balanced(&real, &fake, 0.2), 0.3 - 0.2 * 0.875);
    }

    #[test]
    fn balance_follows_its_rule_within_its_bounds() {
        assert!((next_balance(0.5, 0.4, 0.1, 0.75, 0.01) - 0.502).abs() < 1e-12);
        assert_eq!(next_balance(0.0, 0.1, 5.0, 0.75, 0.01), 0.0);
        assert_eq!(next_balance(1.0, 5.0, 0.0, 0.75, 0.01), 1.0);
    }

    #[test]
    fn codes_pull_away_from_each_other() {
        // Cosines of the three pairs: 0, 1/√2 and 1/√2, whatever the lengths.
        let codes = Tensor::from_slice(&[2.0, 0.0, 0.0, 3.0, 5.0, 5.0], [3, 2]);
        close(&pull_away(&codes), 2.0 * (0.0 + 0.5 + 0.5) / 6.0);
        close(&pull_away(&codes.narrow(0, 0, 1)), 0.0);
    }
}
