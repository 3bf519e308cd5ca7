//! The autoencoder: a picture through a narrow code and back.
//!
//! The loss is that of the reconstruction alone, `reconstruction(x̂(z(x)), x)`, a mean per image; see
//! [`likelihood`](super::likelihood). Codes follow no prior. To draw pictures none the less, a normal distribution is
//! fitted to the codes of the training images at the end of each epoch (see [`deterministic`](super::deterministic)).
//!
//! Hinton, Salakhutdinov: Reducing the Dimensionality of Data with Neural Networks, Science 313, 2006,
//! <https://doi.org/10.1126/science.1127647>. Codes of 16 numbers and a learning rate of 1e-3 are those of Ghosh et al.,
//! 2020, <https://arxiv.org/abs/1903.12436>, on MNIST.

use super::coder::CoderOptions;
use super::deterministic::{Corruption, PointCoder};
use crate::config::Ranges;
use crate::descent::Descent;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_nn::Module;
use wengert_tensor::Generator;

/// The section `[ae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self { coder: CoderOptions { latent: 16, ..CoderOptions::default() } }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "ae";
    const DESCRIPTION: &'static str = "autoencoder: reconstruction from a narrow code";
    const PAPER: &'static str = "Hinton & Salakhutdinov 2006, doi:10.1126/science.1127647";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = PointCoder::new(&self.coder, images.shape, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, Corruption::default(), adam)))
    }
}
