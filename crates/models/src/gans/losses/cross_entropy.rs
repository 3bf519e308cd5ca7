//! The game of the original paper: a classifier of real and made images by their sigmoid cross-entropy.
//!
//! With logits d and D = σ(d), and sp(x) = ln(1 + eˣ): −ln D = sp(−d) and −ln(1 − D) = sp(d).
//!
//! Goodfellow et al.: Generative Adversarial Networks, 2014, <https://arxiv.org/abs/1406.2661>.

use wengert_tensor::{Reduction, Tensor};

/// −t·ln σ(d) − (1 − t)·ln(1 − σ(d)), the mean over the logits d `[N]`, for a target t in 0..1.
pub fn cross_entropy(logits: &Tensor, target: f64) -> Tensor {
    logits.binary_cross_entropy_with_logits(&logits.full_like(target), Reduction::Mean)
}

/// The discriminator's loss sp(−d_real) + sp(d_fake), with 1 − `smoothing` as the target of real images (one-sided label
/// smoothing: Salimans et al., 2016, arXiv:1606.03498, section 3.4).
pub fn discriminator(real: &Tensor, fake: &Tensor, smoothing: f64) -> Tensor {
    cross_entropy(real, 1.0 - smoothing) + cross_entropy(fake, 0.0)
}

/// The generator's loss of the minimax game, −sp(d_fake): the negative of what the discriminator pays for its images.
pub fn minimax_generator(fake: &Tensor) -> Tensor {
    -cross_entropy(fake, 0.0)
}

/// The generator's non-saturating loss sp(−d_fake), whose gradient does not vanish where the discriminator is sure.
pub fn non_saturating_generator(fake: &Tensor) -> Tensor {
    cross_entropy(fake, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_at_given_logits() {
        let (real, fake) = (Tensor::from_slice(&[0.0, 2.0], 2), Tensor::from_slice(&[-1.0, 3.0], 2));
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        let sure = 0.5 * (softplus(0.0) + softplus(-2.0));
        let wrong = 0.5 * (softplus(-1.0) + softplus(3.0));
        let close = |found: Tensor, expected: f64| {
            assert!((found.item() - expected).abs() < 1e-12, "{} {expected}", found.item());
        };
        close(discriminator(&real, &fake, 0.0), sure + wrong);
        // A target of 0.9 takes a tenth of sp(d) in place of sp(−d).
        let other = 0.5 * (softplus(0.0) + softplus(2.0));
        close(discriminator(&real, &fake, 0.1), 0.9 * sure + 0.1 * other + wrong);
        close(minimax_generator(&fake), -wrong);
        close(non_saturating_generator(&fake), 0.5 * (softplus(1.0) + softplus(-3.0)));
    }
}
