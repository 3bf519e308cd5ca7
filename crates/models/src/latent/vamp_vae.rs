//! The VampPrior: a variational autoencoder whose prior is the mixture of its own posteriors of pictures that it learns.
//!
//! `−ln p(x | z) + ln q(z | x) − ln p(z)`, `p(z) = 1/K Σ q(z | uₖ)`
//!
//! with pseudo-inputs uₖ of pixels between 0 and 1, learned with all else; the divergence is estimated by the code drawn.
//!
//! 500 pseudo-inputs, their start at N(0.05, 0.01²), codes of 40 numbers and two hidden layers of 300 are the paper's for
//! MNIST; its gated layers and its warm-up are not used. The published bound of 85.57 nats (85.79 in the
//! `pythae` reproduction) is on statically binarised images: `--set data.binarisation=static`.
//!
//! Tomczak, Welling 2018: VAE with a VampPrior, <https://arxiv.org/abs/1705.07120>.

use crate::autoencoders::coder::CoderOptions;
use crate::autoencoders::gaussian::DiagonalGaussian;
use crate::autoencoders::likelihood::Likelihood;
use crate::autoencoders::variational::{GaussianCoder, Pass, Variational, log_weights};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use wengert_data::Batch;
use wengert_nn::{Module, module, parameter};
use wengert_tensor::{DType, Generator, Tensor, scope};

/// The section `[vamp-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// K, the pictures that the prior is made of.
    pub pseudo_inputs: usize,
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pseudo_inputs: 500,
            coder: CoderOptions {
                latent: 40,
                hidden: 300,
                layers: 2,
                learning_rate: 5e-4,
                ..CoderOptions::default()
            },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "vamp-vae";
    const DESCRIPTION: &'static str = "VAE whose prior is a mixture of posteriors of learned pictures";
    const PAPER: &'static str = "Tomczak & Welling 2018, arXiv:1705.07120";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("pseudo_inputs", self.pseudo_inputs, 1..=100_000)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = VampCoder::new(&self, images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, Bound, adam)))
    }
}

/// An autoencoder and the pictures that its prior is made of.
#[derive(Debug)]
pub struct VampCoder {
    coder: GaussianCoder,
    /// `[K, pixels]`, before they are held to 0..1.
    pseudo_inputs: Tensor,
}

module!(VampCoder { parameters: pseudo_inputs; modules: coder });

impl VampCoder {
    /// Fresh networks and nearly black pseudo-inputs.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(options: &Options, images: &ImageSet, rng: &Generator) -> Result<VampCoder> {
        let pixels: usize = images.shape.iter().product();
        let start = rng.normal([options.pseudo_inputs, pixels], 0.05, 0.01, DType::F32);
        let coder = GaussianCoder::new(&options.coder, images, None, rng)?;
        let vamp = VampCoder { coder, pseudo_inputs: parameter(start) };
        vamp.assign_names();
        Ok(vamp)
    }

    /// The components of the prior.
    fn components(&self) -> DiagonalGaussian {
        let [channels, height, width] = self.image_shape();
        let count = self.pseudo_inputs.dims()[0];
        let pictures = self.pseudo_inputs.hardtanh(0.0, 1.0).reshape([count, channels, height, width]);
        self.coder.posterior(&pictures, None)
    }
}

/// ln 1/K Σ N(z; μₖ, σₖ²) of codes `[n, d]` under components `[K, d]`: `[n]`.
fn log_mixture(components: &DiagonalGaussian, codes: &Tensor) -> Tensor {
    let DiagonalGaussian { mean, log_variance } = components;
    let precision = (-log_variance).exp();
    // Σ (z − μ)²/σ², multiplied out, so that it takes two matrix products rather than [n, K, d] numbers.
    let distances = codes.square().matmul(&precision.t()) - codes.matmul(&(mean * &precision).t()) * 2.0
        + (mean.square() * &precision + log_variance + (2.0 * PI).ln()).sum(&[1], false);
    (distances * -0.5).logsumexp(&[1], false) - (mean.dims()[0] as f64).ln()
}

impl Variational for VampCoder {
    fn posterior(&self, images: &Tensor, labels: Option<&Tensor>) -> DiagonalGaussian {
        self.coder.posterior(images, labels)
    }

    fn outputs(&self, codes: &Tensor, labels: Option<&Tensor>) -> Tensor {
        self.coder.outputs(codes, labels)
    }

    fn likelihood(&self) -> &Likelihood {
        self.coder.likelihood()
    }

    fn log_prior(&self, codes: &Tensor) -> Tensor {
        let (last, leading) = codes.dims().split_last().expect("codes have an axis");
        let rows = codes.reshape([codes.numel() / last, *last]);
        log_mixture(&self.components(), &rows).reshape(leading.to_vec())
    }
}

/// The evidence lower bound by codes drawn.
#[derive(Debug)]
struct Bound;

impl Objective<VampCoder> for Bound {
    fn losses(&self, network: &VampCoder, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let Pass { posterior, codes, reconstruction, .. } = Pass::new(network, batch, rng);
        let _scope = scope::enter("loss");
        let kl = (posterior.log_density(&codes) - network.log_prior(&codes)).mean_all();
        Losses { total: &reconstruction + &kl, terms: vec![("reconstruction", reconstruction), ("kl", kl)] }
    }
}

impl Model for VampCoder {
    fn image_shape(&self) -> [usize; 3] {
        self.coder.image_shape()
    }

    fn code_size(&self) -> usize {
        self.coder.code_size()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let DiagonalGaussian { mean, log_variance } = self.components();
        let choices = rng.randint(0, mean.dims()[0] as i64, count);
        let chosen = |tensor: Tensor| tensor.index_select(0, &choices);
        DiagonalGaussian { mean: chosen(mean), log_variance: chosen(log_variance) }.sample(rng)
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.coder.decode(codes, labels)
    }

    fn encode(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.coder.encode(images, labels)
    }

    fn log_weights(
        &self,
        images: &Tensor,
        labels: Option<&Tensor>,
        samples: usize,
        rng: &Generator,
    ) -> Option<Tensor> {
        Some(log_weights(self, images, labels, samples, rng))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::gaussian::standard_log_density;

    #[test]
    fn the_mixture_is_the_mean_of_its_components() {
        let rng = Generator::new(1);
        let draw = |rows, columns| rng.normal([rows, columns], 0.0, 1.0, DType::F64);
        let components = DiagonalGaussian { mean: draw(4, 3), log_variance: draw(4, 3) };
        let codes = draw(6, 3);
        let each = components.log_density(&codes.unsqueeze(1)).exp();
        let expected = each.mean(&[1], false).log().to_vec::<f64>();
        let found = log_mixture(&components, &codes).to_vec::<f64>();
        assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-10), "{found:?} {expected:?}");
        // One component N(0, 1).
        let standard = DiagonalGaussian {
            mean: Tensor::zeros([1, 3], DType::F64),
            log_variance: Tensor::zeros([1, 3], DType::F64),
        };
        let apart = log_mixture(&standard, &codes) - standard_log_density(&codes);
        assert!(apart.abs().max_all().item() < 1e-12);
    }

    #[test]
    fn the_prior_trains_its_pictures_and_the_loss_is_the_bound() {
        let options = Options {
            pseudo_inputs: 5,
            coder: CoderOptions { latent: 2, hidden: 8, ..CoderOptions::default() },
        };
        let (rng, images) = (Generator::new(1), ImageSet { shape: [1, 4, 4], classes: 10 });
        let network = VampCoder::new(&options, &images, &rng).unwrap();
        let batch = Batch {
            images: rng.uniform([3, 1, 4, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([3], DType::I64),
            indices: vec![0, 1, 2],
            position: wengert_data::Position::default(),
        };
        let losses = Bound.losses(&network, &batch, &Generator::new(2), None);
        losses.total.backward().unwrap();
        assert!(network.pseudo_inputs.grad().unwrap().abs().max_all().item() > 0.0);
        // The same single code: minus the mean of the weights.
        let weights = network.log_weights(&batch.images, None, 4000, &rng).unwrap().mean_all().item();
        let draws = (0..400).map(|_| Bound.losses(&network, &batch, &rng, None).total.item());
        let loss = draws.sum::<f64>() / 400.0;
        assert!((weights + loss).abs() < 0.05, "{weights} {loss}");
        assert_eq!(network.draw_codes(7, &rng).dims(), [7, 2]);
    }
}
