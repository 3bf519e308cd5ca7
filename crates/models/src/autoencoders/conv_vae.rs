//! The variational autoencoder with the convolutions of DCGAN, for digits and for CIFAR-10.
//!
//! `λ₁ · reconstruction + λ₂ · KL(q(z | x) ‖ N(0, 1))`, with the reconstruction losses of
//! [`likelihood`](super::likelihood).
//!
//! The loss is Kingma and Welling's, <https://arxiv.org/abs/1312.6114>; the layers are those of Radford, Metz and Chintala,
//! 2015, <https://arxiv.org/abs/1511.06434>, at half their width.

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

/// The section `[conv-vae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The weights of the loss.
    #[serde(flatten)]
    pub objective: Elbo,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        let coder = CoderOptions { latent: 32, network: "conv".into(), ..CoderOptions::default() };
        Self { objective: Elbo::default(), coder }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "conv-vae";
    const DESCRIPTION: &'static str = "variational autoencoder with the convolutions of DCGAN";
    const PAPER: &'static str =
        "Kingma & Welling 2013, arXiv:1312.6114; Radford et al. 2015, arXiv:1511.06434";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.objective.check(ranges)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = GaussianCoder::new(&self.coder, images, None, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.objective, adam)))
    }
}
