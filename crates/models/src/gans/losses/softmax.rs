//! A softmax over all images of the batch, real and made.
//!
//! With the scores d of N real and N made images and ln Z = ln Σ exp d over all 2N, the discriminator wants all
//! probability spread over the real ones, the generator over all alike.
//!
//! Lin: Softmax GAN, 2017, <https://arxiv.org/abs/1704.06191>, with d = −μ.

use wengert_tensor::Tensor;

/// ln Z over real and made images.
fn log_partition(real: &Tensor, fake: &Tensor) -> Tensor {
    Tensor::cat(&[real, fake], 0).logsumexp(&[0], false)
}

/// The discriminator's loss, ln Z − mean d_real: the cross-entropy to 1/N on real images.
pub fn discriminator(real: &Tensor, fake: &Tensor) -> Tensor {
    log_partition(real, fake) - real.mean_all()
}

/// The generator's loss, ln Z − mean of all d: the cross-entropy to 1/2N on all images.
pub fn generator(real: &Tensor, fake: &Tensor) -> Tensor {
    log_partition(real, fake) - (real.mean_all() + fake.mean_all()) * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::losses::close;

    #[test]
    fn losses_are_cross_entropies_of_the_softmax() {
        let (real, fake) = ([0.5, 2.0], [-1.0, 0.25]);
        let all: f64 = real.iter().chain(&fake).map(|d: &f64| d.exp()).sum();
        let cost = |d: &f64| -(d.exp() / all).ln();
        let real_cost: f64 = real.iter().map(cost).sum();
        let fake_cost: f64 = fake.iter().map(cost).sum();
        let [real, fake] = [real, fake].map(|scores| Tensor::from_slice(&scores, 2));
        close(&discriminator(&real, &fake), real_cost / 2.0);
        close(&generator(&real, &fake), (real_cost + fake_cost) / 4.0);
    }
}
