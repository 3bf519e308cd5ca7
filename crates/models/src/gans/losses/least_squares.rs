//! Least squares towards targets: 1 for real images, 0 for made ones.
//!
//! Mao et al.: Least Squares Generative Adversarial Networks, 2016, <https://arxiv.org/abs/1611.04076>, with the targets
//! of its equation 9.

use wengert_tensor::Tensor;

/// ½·mean (d − t)² of scores d for a target t.
fn distance(scores: &Tensor, target: f64) -> Tensor {
    (scores - target).square().mean_all() * 0.5
}

/// The discriminator's loss ½(d_real − 1 + `smoothing`)² + ½d_fake².
pub fn discriminator(real: &Tensor, fake: &Tensor, smoothing: f64) -> Tensor {
    distance(real, 1.0 - smoothing) + distance(fake, 0.0)
}

/// The generator's loss ½(d_fake − 1)².
pub fn generator(fake: &Tensor) -> Tensor {
    distance(fake, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::losses::close;

    #[test]
    fn losses_at_given_scores() {
        let (real, fake) = (Tensor::from_slice(&[1.0, 3.0], 2), Tensor::from_slice(&[-1.0, 0.5], 2));
        close(&discriminator(&real, &fake, 0.0), 0.25 * 4.0 + 0.25 * 1.25);
        close(&discriminator(&real, &fake, 0.1), 0.25 * (0.01 + 4.41) + 0.25 * 1.25);
        close(&generator(&fake), 0.25 * (4.0 + 0.25));
    }
}
