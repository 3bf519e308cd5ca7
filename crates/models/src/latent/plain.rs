//! Autoencoders whose code is a point rather than a distribution, and what their codes are drawn from.

use super::mixture::Mixture;
use crate::autoencoders::coder::CoderOptions;
use crate::autoencoders::likelihood::Likelihood;
use crate::config::Ranges;
use crate::pictures::in_portions;
use crate::registry::ImageSet;
use crate::{Dataset, Model, Result};
use serde::{Deserialize, Serialize};
use wengert_data::Position;
use wengert_nn::{Layer, Module, Sequential, module};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// What codes are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PriorKind {
    /// The standard normal distribution.
    Normal,
    /// One Gaussian with full covariance, fitted to the codes of the training images after each epoch.
    Gaussian,
    /// A mixture of such Gaussians.
    Mixture,
}

/// The options of the prior: put them into a model's section with `#[serde(flatten)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriorOptions {
    /// What codes are drawn from: `normal`, or what is fitted to the codes after each epoch, one `gaussian` or a
    /// `mixture` of them.
    pub prior: PriorKind,
    /// Gaussians of the mixture.
    pub components: usize,
}

impl Default for PriorOptions {
    /// The standard normal, and ten Gaussians where a mixture is asked for, as in Ghosh et al. (2020).
    fn default() -> Self {
        Self { prior: PriorKind::Normal, components: 10 }
    }
}

impl PriorOptions {
    /// An error for the first option outside its range.
    pub fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("components", self.components, 1..=1000)
    }

    fn mixture(&self, size: usize) -> Option<Mixture> {
        match self.prior {
            PriorKind::Normal => None,
            PriorKind::Gaussian => Some(Mixture::new(1, size)),
            PriorKind::Mixture => Some(Mixture::new(self.components, size)),
        }
    }
}

/// An encoder that gives one code for an image, a decoder, and the distribution that new codes come from.
#[derive(Debug)]
pub struct PlainCoder {
    image_shape: [usize; 3],
    code_size: usize,
    encoder: Sequential,
    decoder: Sequential,
    likelihood: Likelihood,
    prior: Option<Mixture>,
}

module!(PlainCoder { modules: encoder, decoder, likelihood, prior });

impl PlainCoder {
    /// Fresh networks.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(
        options: &CoderOptions,
        prior: &PriorOptions,
        images: &ImageSet,
        rng: &Generator,
    ) -> Result<PlainCoder> {
        let coder = PlainCoder {
            image_shape: images.shape,
            code_size: options.latent,
            encoder: options.encoder(images.shape, options.latent, rng)?,
            decoder: options.decoder(options.latent, images.shape, rng)?,
            likelihood: options.likelihood()?,
            prior: prior.mixture(options.latent),
        };
        coder.assign_names();
        Ok(coder)
    }

    /// The codes of images, `[batch, code size]`.
    pub fn codes(&self, images: &Tensor) -> Tensor {
        self.encoder.forward(images)
    }

    /// What the decoder makes of codes, `[batch, pixels]`.
    pub fn outputs(&self, codes: &Tensor) -> Tensor {
        self.decoder.forward(codes)
    }

    /// The loss of the images made of these codes, a mean per image.
    pub fn reconstruction(&self, codes: &Tensor, images: &Tensor) -> Tensor {
        self.likelihood.loss(&self.outputs(codes), &images.flatten(1, -1))
    }

    /// The decoder.
    pub fn decoder(&self) -> &Sequential {
        &self.decoder
    }

    /// Fits the prior, where one is fitted, to the codes of all training images, as they are in evaluation mode.
    ///
    /// # Errors
    /// Those of the fit.
    pub fn fit_prior(&self, data: &Dataset, rng: &Generator) -> Result<()> {
        let Some(mixture) = &self.prior else { return Ok(()) };
        self.eval();
        let codes = no_grad(|| {
            in_portions(data.train.dataset().len(), |start, length| {
                let indices: Vec<usize> = (start..start + length).collect();
                Some(self.codes(&data.train.images(&indices, Position::default())))
            })
        });
        codes.map_or(Ok(()), |codes| mixture.fit(&codes, rng))
    }
}

impl Model for PlainCoder {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.code_size
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        match &self.prior {
            Some(mixture) => mixture.draw(count, rng),
            None => rng.normal([count, self.code_size], 0.0, 1.0, DType::F32),
        }
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let [channels, height, width] = self.image_shape;
        let pixels = self.likelihood.mean(&self.outputs(codes));
        Some(pixels.reshape([codes.dims()[0], channels, height, width]))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.codes(images))
    }
}
