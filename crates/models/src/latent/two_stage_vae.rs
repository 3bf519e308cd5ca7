//! The two-stage VAE: a second variational autoencoder learns how the codes of the first are really distributed, and new
//! codes are drawn from it.
//!
//! First `−ln p(x | z) + KL(q(z | x) ‖ N(0, 1))` with a learned variance of the pixels, then the same of codes,
//! `−ln p(z | u) + KL(q(u | z) ‖ N(0, 1))`, where u has as many numbers as z. Both are trained in the same steps, the
//! second on codes through which no gradient flows; the paper trains them one after the other.
//!
//! Codes of 64 numbers, of which the first stage leaves unused what it does not need, and second-stage layers of 1024 are
//! the paper's.
//!
//! Dai, Wipf 2019: Diagnosing and Enhancing VAE Models, <https://arxiv.org/abs/1903.05789>.

use crate::autoencoders::coder::CoderOptions;
use crate::autoencoders::gaussian::{DiagonalGaussian, standard_log_density};
use crate::autoencoders::variational::{GaussianCoder, Pass, Variational};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::networks::{Nonlinearity, mlp};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Layer, Module, Sequential, module, parameter};
use wengert_tensor::{DType, Generator, Tensor, scope};

/// The section `[two-stage-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Width of the two hidden layers of the encoder and of the decoder of the second stage.
    pub second_hidden: usize,
    /// The networks of the first stage.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            second_hidden: 1024,
            coder: CoderOptions {
                latent: 64,
                network: "conv".into(),
                reconstruction: "gaussian".into(),
                ..CoderOptions::default()
            },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "two-stage-vae";
    const DESCRIPTION: &'static str = "VAE with a second VAE that its codes are drawn from";
    const PAPER: &'static str = "Dai & Wipf 2019, arXiv:1903.05789";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("second_hidden", self.second_hidden, 1..=8192)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = TwoStages::new(&self, images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, BothBounds, adam)))
    }
}

/// A variational autoencoder of vectors, with one learned variance for all their numbers.
#[derive(Debug)]
struct VectorVae {
    encoder: Sequential,
    decoder: Sequential,
    log_variance: Tensor,
}

module!(VectorVae { parameters: log_variance; modules: encoder, decoder });

impl VectorVae {
    fn new(size: usize, hidden: usize, rng: &Generator) -> VectorVae {
        let network = |outputs| mlp(&[size, hidden, hidden, outputs], Nonlinearity::ReLU, rng);
        VectorVae {
            encoder: network(2 * size),
            decoder: network(size),
            log_variance: parameter(Tensor::zeros((), DType::F32)),
        }
    }

    /// q(u | z).
    fn posterior(&self, vectors: &Tensor) -> DiagonalGaussian {
        DiagonalGaussian::from_halves(&self.encoder.forward(vectors))
    }

    /// p(z | u).
    fn likelihood(&self, codes: &Tensor) -> DiagonalGaussian {
        let mean = self.decoder.forward(codes);
        let log_variance = self.log_variance.broadcast_to(mean.shape());
        DiagonalGaussian { mean, log_variance }
    }
}

/// Both stages.
#[derive(Debug)]
pub struct TwoStages {
    first: GaussianCoder,
    second: VectorVae,
}

module!(TwoStages { modules: first, second });

impl TwoStages {
    /// Fresh networks.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(options: &Options, images: &ImageSet, rng: &Generator) -> Result<TwoStages> {
        let stages = TwoStages {
            first: GaussianCoder::new(&options.coder, images, None, rng)?,
            second: VectorVae::new(options.coder.latent, options.second_hidden, rng),
        };
        stages.assign_names();
        Ok(stages)
    }
}

/// The bounds of both stages.
#[derive(Debug)]
struct BothBounds;

impl Objective<TwoStages> for BothBounds {
    fn losses(&self, network: &TwoStages, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let Pass { codes, reconstruction, kl, .. } = Pass::new(&network.first, batch, rng);
        let vectors = codes.detach();
        let posterior = network.second.posterior(&vectors);
        let likelihood = network.second.likelihood(&posterior.sample(rng));
        let _scope = scope::enter("loss");
        let (second_reconstruction, second_kl) =
            (-likelihood.log_density(&vectors).mean_all(), posterior.kl());
        let total = &reconstruction + &kl + &second_reconstruction + &second_kl;
        let terms = vec![
            ("reconstruction", reconstruction),
            ("kl", kl),
            ("second_reconstruction", second_reconstruction),
            ("second_kl", second_kl),
        ];
        Losses { total, terms }
    }
}

impl Model for TwoStages {
    fn image_shape(&self) -> [usize; 3] {
        self.first.image_shape()
    }

    fn code_size(&self) -> usize {
        self.first.code_size()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let u = rng.normal([count, self.code_size()], 0.0, 1.0, DType::F32);
        self.second.likelihood(&u).sample(rng)
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.first.decode(codes, labels)
    }

    fn encode(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.first.encode(images, labels)
    }

    /// ln p(x | z) p(z | u) p(u) − ln q(z | x) q(u | z): the weights of both stages as one model.
    fn log_weights(
        &self,
        images: &Tensor,
        labels: Option<&Tensor>,
        samples: usize,
        rng: &Generator,
    ) -> Option<Tensor> {
        let first = self.first.posterior(images, labels);
        let pixels = images.flatten(1, -1);
        let weights: Vec<Tensor> = (0..samples)
            .map(|_| {
                let codes = first.sample(rng);
                let second = self.second.posterior(&codes);
                let u = second.sample(rng);
                self.first.likelihood().log_density(&self.first.outputs(&codes, labels), &pixels)
                    + self.second.likelihood(&u).log_density(&codes)
                    + standard_log_density(&u)
                    - first.log_density(&codes)
                    - second.log_density(&u)
            })
            .collect();
        Some(Tensor::stack(&weights.iter().collect::<Vec<_>>(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;
    use wengert_nn::{Adam, Optimizer};

    #[test]
    fn the_second_stage_does_not_move_the_first() {
        let options = Options {
            second_hidden: 8,
            coder: CoderOptions { latent: 3, hidden: 8, ..CoderOptions::default() },
        };
        let (rng, images) = (Generator::new(1), ImageSet { shape: [1, 4, 4], classes: 10 });
        let network = TwoStages::new(&options, &images, &rng).unwrap();
        let batch = Batch {
            images: rng.uniform([3, 1, 4, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([3], DType::I64),
            indices: vec![0, 1, 2],
            position: Position::default(),
        };
        let losses = BothBounds.losses(&network, &batch, &rng, None);
        let values = losses.values();
        assert!((values[0] - values[1..].iter().sum::<f64>()).abs() < 1e-3, "{values:?}");
        (&losses.terms[2].1 + &losses.terms[3].1).backward().unwrap();
        assert!(network.first.parameters().iter().all(|parameter| parameter.grad().is_none()));
        assert!(network.second.parameters().iter().all(|parameter| parameter.grad().is_some()));
    }

    #[test]
    fn the_second_stage_learns_what_vectors_are_like() {
        let rng = Generator::new(1);
        let vae = VectorVae::new(2, 32, &rng);
        let mut adam = Adam::new(vae.parameters(), 3e-3);
        // Points near (±2, 0): far from normal.
        let draw = || {
            let side = rng.bernoulli(&Tensor::full([128, 1], 0.5, DType::F32)) * 4.0 - 2.0;
            let axis = Tensor::from_slice(&[1.0f32, 0.0], [1, 2]);
            side * axis + rng.normal([128, 2], 0.0, 0.2, DType::F32)
        };
        for _ in 0..1500 {
            let vectors = draw();
            let posterior = vae.posterior(&vectors);
            let likelihood = vae.likelihood(&posterior.sample(&rng));
            let loss = posterior.kl() - likelihood.log_density(&vectors).mean_all();
            adam.zero_grad();
            loss.backward().unwrap();
            adam.step().unwrap();
        }
        let made = vae.likelihood(&rng.normal([400, 2], 0.0, 1.0, DType::F32)).sample(&rng);
        let rows = made.to_vec::<f32>();
        let near = rows.chunks(2).filter(|p| (p[0].abs() - 2.0).abs() < 0.7 && p[1].abs() < 0.8).count();
        assert!(near > 320, "{near} of 400 near a centre");
    }
}
