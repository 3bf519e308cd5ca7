//! The denoising autoencoder: it sees a spoilt picture and gives back the clean one.
//!
//! `reconstruction(x̂(z(x̃)), x)`, a mean per image, where x̃ is x with normal noise or with pixels made black; see
//! [`Corruption`]. It encodes and reconstructs clean pictures, and draws codes as [`ae`](super::ae) does.
//!
//! Vincent, Larochelle, Bengio, Manzagol: Extracting and Composing Robust Features with Denoising Autoencoders, ICML 2008,
//! <https://doi.org/10.1145/1390156.1390294>, which makes a share of the pixels black and chooses the share by
//! validation; ours is a quarter.

use super::coder::CoderOptions;
use super::deterministic::{Corruption, PointCoder};
use crate::config::Ranges;
use crate::descent::Descent;
use crate::registry::{ImageSet, Recipe};
use crate::{Result, Training};
use serde::{Deserialize, Serialize};
use wengert_nn::Module;
use wengert_tensor::Generator;

/// The section `[dae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// What is done to pictures before they are encoded.
    #[serde(flatten)]
    pub corruption: Corruption,
    /// Networks, reconstruction and learning rate.
    #[serde(flatten)]
    pub coder: CoderOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            corruption: Corruption { noise: 0.0, masking: 0.25 },
            coder: CoderOptions { latent: 16, ..CoderOptions::default() },
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "dae";
    const DESCRIPTION: &'static str = "denoising autoencoder: the clean picture from a spoilt one";
    const PAPER: &'static str = "Vincent et al. 2008, doi:10.1145/1390156.1390294";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("noise", self.corruption.noise, 0.0..=10.0)?;
        ranges.within("masking", self.corruption.masking, 0.0..=1.0)?;
        self.coder.check(ranges)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let network = PointCoder::new(&self.coder, images.shape, rng)?;
        let adam = self.coder.adam(network.parameters());
        Ok(Box::new(Descent::with(network, self.corruption, adam)))
    }
}
