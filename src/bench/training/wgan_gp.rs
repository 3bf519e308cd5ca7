//! `wgan-gp`: the critic's step of a Wasserstein GAN with gradient penalty (Gulrajani et al., 2017, arXiv:1704.00028).

use super::{Data, Training, codes, dcgan, named_pair, weight_rng};
use anyhow::Result;
use wengert_nn::{Adam, Layer, Module, Optimizer, Sequential};
use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Weight of the penalty.
const PENALTY: f64 = 10.0;

/// A critic in training beside a generator that stays as it is.
pub struct Critic {
    generator: Sequential,
    critic: Sequential,
    adam: Adam,
    data: Data,
}

impl Critic {
    pub fn new(batch: usize) -> Self {
        let rng = weight_rng();
        let (generator, critic) = (dcgan::generator(&rng), dcgan::discriminator(false, &rng));
        let adam = Adam::new(critic.parameters(), 1e-4).betas(0.0, 0.9);
        Self { generator, critic, adam, data: Data::new(&[batch, 1, 28, 28], -1.0) }
    }

    /// Codes, and the share of each real image in a mixture.
    fn draw(&self, rng: &Generator) -> (Tensor, Tensor) {
        let batch = self.data.images.dims()[0];
        (codes(batch, rng), rng.uniform([batch, 1, 1, 1], 0.0, 1.0, DType::F32))
    }
}

impl Training for Critic {
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        named_pair(&self.generator, &self.critic)
    }

    fn data(&self) -> &Data {
        &self.data
    }

    fn noise(&self, rng: &Generator) -> Vec<(&'static str, Tensor)> {
        let (codes, share) = self.draw(rng);
        vec![("z1", codes), ("e", share)]
    }

    fn step(&mut self, rng: &Generator) -> Result<Vec<Tensor>> {
        let (codes, share) = self.draw(rng);
        let real = &self.data.images;
        let (fake, mixed) = no_grad(|| {
            let fake = self.generator.forward(&codes);
            let mixed = &share * real + (1.0 - &share) * &fake;
            (fake, mixed)
        });
        let mixed = mixed.requires_grad_(true);
        let options = GradOptions { create_graph: true, ..GradOptions::default() };
        let slopes = grad(&[&self.critic.forward(&mixed).sum_all()], &[&mixed], options)?.remove(0);
        let penalty = (slopes.flatten(1, -1).norm(2.0, &[1], false) - 1.0).square().mean_all();
        let distance = self.critic.forward(&fake).mean_all() - self.critic.forward(real).mean_all();
        let loss = distance + penalty * PENALTY;
        self.adam.zero_grad();
        loss.backward()?;
        self.adam.step()?;
        Ok(vec![loss])
    }
}
