//! The regularised autoencoder: no noise, no divergence, but small codes and a smooth decoder; what its codes are like is
//! found out afterwards, by fitting a density to them.
//!
//! `‖x − x̂‖² + β·½‖z‖² + λ·R(decoder)`, where R is
//!
//! - `l2`: the sum of the squares of the decoder's parameters,
//! - `gradient`: ‖∂(pixels)/∂z‖², the squared Frobenius norm of the decoder's Jacobian at the codes, RAE-GP. It is
//!   estimated by one random direction v of the pixels, ‖vᵀJ‖², whose mean over v of N(0, 1) it is (Hutchinson, 1990);
//!   an evaluation leaves it out,
//! - `none`.
//!
//! After each epoch a mixture of ten Gaussians is fitted to the codes of all training images and kept in the checkpoint;
//! `--set rae.prior=normal` draws from N(0, 1) instead, which these codes have no reason to follow.
//!
//! Codes of 16 numbers and the mixture are the paper's.
//!
//! Ghosh, Sajjadi, Vergari, Black, Schölkopf 2020: From Variational to Deterministic Autoencoders,
//! <https://arxiv.org/abs/1903.12436>.

use super::plain::{PlainCoder, PriorKind, PriorOptions};
use crate::autoencoders::coder::CoderOptions;
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Losses, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::Module;
use wengert_tensor::autograd::{GradOptions, grad, is_grad_enabled};
use wengert_tensor::{Generator, Tensor, scope};

/// The section `[rae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The networks.
    #[serde(flatten)]
    pub coder: CoderOptions,
    /// What codes are drawn from.
    #[serde(flatten)]
    pub prior: PriorOptions,
    /// The loss.
    #[serde(flatten)]
    pub objective: Regularised,
}

/// What keeps the decoder smooth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Smoothness {
    /// Small weights.
    L2,
    /// A small Jacobian at the codes.
    Gradient,
    /// Nothing.
    None,
}

/// The loss and its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regularised {
    /// β, the weight of the codes.
    pub code_weight: f64,
    /// `l2`, `gradient` or `none`.
    pub regularisation: Smoothness,
    /// λ, the weight of the regularisation.
    pub regularisation_weight: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            coder: CoderOptions {
                latent: 16,
                network: "conv".into(),
                reconstruction: "l2".into(),
                ..CoderOptions::default()
            },
            prior: PriorOptions { prior: PriorKind::Mixture, ..PriorOptions::default() },
            objective: Regularised {
                code_weight: 1e-2,
                regularisation: Smoothness::L2,
                regularisation_weight: 1e-4,
            },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "rae";
    const DESCRIPTION: &'static str =
        "regularised autoencoder: a density fitted to its codes after each epoch";
    const PAPER: &'static str = "Ghosh et al. 2020, arXiv:1903.12436";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.coder.check(ranges)?;
        self.prior.check(ranges)?;
        ranges.within("code_weight", self.objective.code_weight, 0.0..=1e6)?;
        ranges.within("regularisation_weight", self.objective.regularisation_weight, 0.0..=1e6)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = PlainCoder::new(&self.coder, &self.prior, images, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}

impl Regularised {
    /// R of the decoder; `None` where there is none, or none can be had without gradients.
    fn regularisation(&self, network: &PlainCoder, codes: &Tensor, rng: &Generator) -> Option<Tensor> {
        match self.regularisation {
            Smoothness::L2 => Some(sum_of_squares(network.decoder())),
            Smoothness::Gradient if is_grad_enabled() => {
                let pixels = |codes: &Tensor| network.outputs(codes).sigmoid();
                Some(squared_jacobian(pixels, codes, rng))
            }
            Smoothness::Gradient | Smoothness::None => None,
        }
    }
}

/// Σ θ² over the parameters of a module.
fn sum_of_squares(module: &dyn Module) -> Tensor {
    let squares = module.parameters().into_iter().map(|parameter| parameter.square().sum_all());
    squares.reduce(|sum, square| sum + square).expect("a decoder has parameters")
}

/// An estimate, without bias, of ‖∂f/∂z‖² at each of the codes `[batch, d]`, averaged over them. `f` must treat each code
/// by itself. Gradients flow through it.
fn squared_jacobian(f: impl Fn(&Tensor) -> Tensor, codes: &Tensor, rng: &Generator) -> Tensor {
    let outputs = f(codes);
    let projected = (&outputs * &rng.normal_like(&outputs)).sum_all();
    let options = GradOptions { create_graph: true, ..GradOptions::default() };
    let slopes =
        grad(&[&projected], &[codes], options).expect("decoders have gradients everywhere").remove(0);
    slopes.square().sum(&[1], false).mean_all()
}

impl Objective<PlainCoder> for Regularised {
    fn losses(&self, network: &PlainCoder, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let codes = network.codes(&batch.images);
        let reconstruction = network.reconstruction(&codes, &batch.images);
        let _scope = scope::enter("loss");
        let length = codes.square().sum(&[1], false).mean_all() * 0.5;
        let mut total = &reconstruction + &length * self.code_weight;
        let mut terms = vec![("reconstruction", reconstruction), ("code", length)];
        if let Some(regularisation) = self.regularisation(network, &codes, rng) {
            total = total + &regularisation * self.regularisation_weight;
            terms.push(("regularisation", regularisation));
        }
        Losses { total, terms }
    }

    fn end_epoch(&self, network: &mut PlainCoder, data: &Dataset, rng: &Generator) -> Result<()> {
        network.fit_prior(data, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::Linear;
    use wengert_tensor::DType;

    #[test]
    fn the_jacobian_of_a_linear_map_is_its_matrix() {
        let rng = Generator::new(1);
        let matrix = Tensor::from_slice(&[1.0f32, 2.0, -1.0, 0.5, 0.0, 3.0], [2, 3]).requires_grad_(true);
        let codes = rng.normal([20_000, 2], 0.0, 1.0, DType::F32).requires_grad_(true);
        let estimate = squared_jacobian(|codes| codes.matmul(&matrix), &codes, &rng);
        // 15.25 with a standard deviation of at most √2·15.25 for one code.
        assert!((estimate.item() - 15.25).abs() < 5.0 * 21.6 / 20_000f64.sqrt(), "{}", estimate.item());
        // d‖M‖²/dM = 2M.
        estimate.backward().unwrap();
        let slopes = matrix.grad().unwrap().to_vec::<f32>();
        for (slope, value) in slopes.iter().zip(matrix.to_vec::<f32>()) {
            assert!((slope - 2.0 * value).abs() < 0.5, "{slope} {value}");
        }
    }

    #[test]
    fn the_squares_are_those_of_all_parameters() {
        let linear = Linear::new(2, 2, &Generator::new(0));
        linear.weight.assign(&Tensor::from_slice(&[1.0f32, 2.0, 3.0, 0.0], [2, 2])).unwrap();
        linear.bias.as_ref().unwrap().assign(&Tensor::from_slice(&[0.5f32, 0.0], 2)).unwrap();
        assert_eq!(sum_of_squares(&linear).item(), 14.25);
    }
}
