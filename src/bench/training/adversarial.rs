//! Training of a generator against a discriminator (Goodfellow et al., 2014, arXiv:1406.2661).

use super::{Data, Training, codes, named_pair};
use anyhow::Result;
use wengert_nn::{Adam, Layer, Module, Optimizer, Sequential};
use wengert_tensor::{Generator, Reduction, Tensor, no_grad};

/// Two networks; a step updates the discriminator, then the generator on its non-saturating loss.
pub struct Adversarial {
    generator: Sequential,
    discriminator: Sequential,
    generator_adam: Adam,
    discriminator_adam: Adam,
    data: Data,
}

impl Adversarial {
    /// With Adam at 2e-4 and β₁ = 0.5, on images of the given shape with values between −1 and 1.
    pub fn new(generator: Sequential, discriminator: Sequential, shape: &[usize]) -> Self {
        let adam = |network: &Sequential| Adam::new(network.parameters(), 2e-4).betas(0.5, 0.999);
        Self {
            generator_adam: adam(&generator),
            discriminator_adam: adam(&discriminator),
            generator,
            discriminator,
            data: Data::new(shape, -1.0),
        }
    }

    /// The mean binary cross-entropy of the discriminator's verdict on images that all have one label.
    fn judge(&self, images: &Tensor, label: f64) -> Tensor {
        let logits = self.discriminator.forward(images);
        logits.binary_cross_entropy_with_logits(&logits.full_like(label), Reduction::Mean)
    }

    fn codes(&self, rng: &Generator) -> Tensor {
        codes(self.data.images.dims()[0], rng)
    }
}

impl Training for Adversarial {
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        named_pair(&self.generator, &self.discriminator)
    }

    fn data(&self) -> &Data {
        &self.data
    }

    fn noise(&self, rng: &Generator) -> Vec<(&'static str, Tensor)> {
        vec![("z1", self.codes(rng)), ("z2", self.codes(rng))]
    }

    fn step(&mut self, rng: &Generator) -> Result<Vec<Tensor>> {
        let fake = no_grad(|| self.generator.forward(&self.codes(rng)));
        let discriminator_loss = self.judge(&self.data.images, 1.0) + self.judge(&fake, 0.0);
        self.discriminator_adam.zero_grad();
        discriminator_loss.backward()?;
        self.discriminator_adam.step()?;

        // Frozen, the discriminator passes the gradient on and computes none of its own.
        self.discriminator.set_requires_grad(false);
        let generator_loss = self.judge(&self.generator.forward(&self.codes(rng)), 1.0);
        self.generator_adam.zero_grad();
        let walked = generator_loss.backward();
        self.discriminator.set_requires_grad(true);
        walked?;
        self.generator_adam.step()?;
        Ok(vec![discriminator_loss, generator_loss])
    }
}
