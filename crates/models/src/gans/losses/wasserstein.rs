//! The Wasserstein distance by its dual: the scores of a critic that is kept from steep slopes.
//!
//! Arjovsky, Chintala, Bottou: Wasserstein GAN, 2017, <https://arxiv.org/abs/1701.07875>.

use wengert_tensor::Tensor;

/// The critic's loss, mean d_fake − mean d_real: the negative of the distance that it estimates.
pub fn critic(real: &Tensor, fake: &Tensor) -> Tensor {
    fake.mean_all() - real.mean_all()
}

/// The generator's loss, −mean d_fake.
pub fn generator(fake: &Tensor) -> Tensor {
    -fake.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::losses::close;

    #[test]
    fn losses_at_given_scores() {
        let (real, fake) = (Tensor::from_slice(&[1.0, 4.0], 2), Tensor::from_slice(&[-1.0, 0.5], 2));
        close(&critic(&real, &fake), -0.25 - 2.5);
        close(&generator(&fake), 0.25);
    }
}
