//! The hinge loss: scores beyond ±1 on the right side cost nothing.
//!
//! Lim, Ye: Geometric GAN, 2017, <https://arxiv.org/abs/1705.02894>; Miyato et al., 2018, <https://arxiv.org/abs/1802.05957>,
//! equations 16 and 17.

use wengert_tensor::Tensor;

/// The discriminator's loss, mean max(0, 1 − d_real) + mean max(0, 1 + d_fake).
pub fn discriminator(real: &Tensor, fake: &Tensor) -> Tensor {
    (1.0 - real).relu().mean_all() + (fake + 1.0).relu().mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::losses::close;

    #[test]
    fn losses_at_given_scores() {
        let real = Tensor::from_slice(&[0.5, 2.0, -1.0], 3);
        let fake = Tensor::from_slice(&[-3.0, 0.0, 1.0], 3);
        close(&discriminator(&real, &fake), (0.5 + 0.0 + 2.0) / 3.0 + (0.0 + 1.0 + 2.0) / 3.0);
    }
}
