//! The conditional variational autoencoder: encoder and decoder are told the class, so the code need not hold it.
//!
//! `λ₁ · reconstruction of x by p(x | z, y) + λ₂ · KL(q(z | x, y) ‖ N(0, 1))`. The prior of the code does not depend on the
//! class, as in the semi-supervised M2 of Kingma et al. (2014, <https://arxiv.org/abs/1406.5298>) with all labels given.
//!
//! Sohn, Lee, Yan: Learning Structured Output Representation using Deep Conditional Generative Models, NeurIPS 2015,
//! <https://papers.nips.cc/paper/5775>. The widths are those of [`vae`](super::vae).

use super::coder::CoderOptions;
use super::elbo::Elbo;
use super::variational::GaussianCoder;
use crate::config::Ranges;
use crate::descent::Descent;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_nn::Module;
use wengert_tensor::Generator;

/// The section `[cvae]` of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The weights of the loss.
    #[serde(flatten)]
    pub objective: Elbo,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Recipe for Options {
    const NAME: &'static str = "cvae";
    const DESCRIPTION: &'static str = "variational autoencoder conditioned on the class";
    const PAPER: &'static str = "Sohn et al. 2015, NeurIPS 28";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.objective.check(ranges)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, Some(images.classes), rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}
