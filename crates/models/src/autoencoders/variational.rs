//! Autoencoders whose codes are normally distributed, and what their losses and bounds are made of.
//!
//! For an image x, an encoder gives q(z | x) = N(μ(x), diag σ²(x)), a decoder p(x | z); the prior p(z) is N(0, 1).

use super::coder::CoderOptions;
use super::gaussian::{DiagonalGaussian, standard_log_density};
use super::likelihood::Likelihood;
use crate::networks::{Normalisation, Trunk, head, mlp};
use crate::registry::ImageSet;
use crate::{Model, Result};
use wengert_data::Batch;
use wengert_nn::{Layer, Sequential, module};
use wengert_tensor::{Generator, Tensor, scope};

/// Rows of a batch that many codes of few images are decoded in.
const ROWS: usize = 1024;

/// What the losses ask of an autoencoder with normally distributed codes. Labels are given where
/// [`Model::classes`] is.
pub trait Variational: Model {
    /// q(z | x) of images `[batch, channels, height, width]`.
    fn posterior(&self, images: &Tensor, labels: Option<&Tensor>) -> DiagonalGaussian;

    /// What the decoder makes of codes `[batch, code size]`: `[batch, pixels]`, to be read by the likelihood.
    fn outputs(&self, codes: &Tensor, labels: Option<&Tensor>) -> Tensor;

    /// p(x | z) by the decoder's outputs.
    fn likelihood(&self) -> &Likelihood;

    /// ln p(z) of codes: `[…]` for codes `[…, code size]`.
    fn log_prior(&self, codes: &Tensor) -> Tensor {
        standard_log_density(codes)
    }

    /// The images that codes mean, `[batch, channels, height, width]`.
    fn images(&self, codes: &Tensor, labels: Option<&Tensor>) -> Tensor {
        let [channels, height, width] = self.image_shape();
        let pixels = self.likelihood().mean(&self.outputs(codes, labels));
        pixels.reshape([codes.dims()[0], channels, height, width])
    }
}

/// [`Model::log_likelihood`].
pub fn log_likelihood(
    network: &impl Variational,
    codes: &Tensor,
    images: &Tensor,
    labels: Option<&Tensor>,
) -> Tensor {
    network.likelihood().log_density(&network.outputs(codes, labels), &images.flatten(1, -1))
}

/// An image's way through the autoencoder and back, for every image of a batch.
#[derive(Debug)]
pub struct Pass {
    /// q(z | x).
    pub posterior: DiagonalGaussian,
    /// A code of each image, `[batch, code size]`.
    pub codes: Tensor,
    /// The loss of the reconstruction, a mean per image.
    pub reconstruction: Tensor,
    /// KL(q(z | x) ‖ p(z)), a mean per image.
    pub kl: Tensor,
}

impl Pass {
    /// Encodes a batch, draws a code for each image and decodes it.
    pub fn new(network: &impl Variational, batch: &Batch, rng: &Generator) -> Pass {
        let labels = network.classes().map(|_| &batch.labels);
        let posterior = network.posterior(&batch.images, labels);
        let codes = {
            let _scope = scope::enter("code");
            posterior.sample(rng)
        };
        let outputs = network.outputs(&codes, labels);
        let _scope = scope::enter("loss");
        let reconstruction = network.likelihood().loss(&outputs, &batch.images.flatten(1, -1));
        let kl = posterior.kl();
        Pass { posterior, codes, reconstruction, kl }
    }
}

/// ln p(x, z) − ln q(z | x) of codes `[samples, batch, code size]` that were drawn from the posterior: `[samples, batch]`,
/// through which gradients flow.
pub fn log_weights_of(
    network: &impl Variational,
    images: &Tensor,
    labels: Option<&Tensor>,
    posterior: &DiagonalGaussian,
    codes: &Tensor,
) -> Tensor {
    let [samples, batch] = [codes.dims()[0], codes.dims()[1]];
    let labels = labels.map(|labels| labels.tile(&[samples]));
    let outputs = network.outputs(&codes.flatten(0, 1), labels.as_ref());
    let outputs = outputs.reshape([samples, batch, outputs.dims()[1]]);
    let _scope = scope::enter("weights");
    network.likelihood().log_density(&outputs, &images.flatten(1, -1)) + network.log_prior(codes)
        - posterior.log_density(codes)
}

/// [`Model::log_weights`], in portions, so that many samples need little memory.
pub fn log_weights(
    network: &impl Variational,
    images: &Tensor,
    labels: Option<&Tensor>,
    samples: usize,
    rng: &Generator,
) -> Tensor {
    let posterior = network.posterior(images, labels);
    let portion = (ROWS / images.dims()[0].max(1)).max(1);
    let parts: Vec<Tensor> = (0..samples)
        .step_by(portion)
        .map(|first| {
            let codes = posterior.samples(portion.min(samples - first), rng);
            log_weights_of(network, images, labels, &posterior, &codes)
        })
        .collect();
    Tensor::cat(&parts.iter().collect::<Vec<_>>(), 0)
}

/// An encoder and a decoder by [`CoderOptions`], conditioned on labels where classes are given: then the class, one-hot,
/// stands beside the features of the image before one more hidden layer, and beside the code.
#[derive(Debug)]
pub struct GaussianCoder {
    image_shape: [usize; 3],
    code_size: usize,
    classes: Option<usize>,
    trunk: Sequential,
    head: Box<dyn Layer>,
    decoder: Sequential,
    likelihood: Likelihood,
}

module!(GaussianCoder { modules: trunk, head, decoder, likelihood });

impl GaussianCoder {
    /// Fresh networks.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(
        options: &CoderOptions,
        images: &ImageSet,
        classes: Option<usize>,
        rng: &Generator,
    ) -> Result<GaussianCoder> {
        let Trunk { network: trunk, features } = options.trunk(images.shape, rng)?;
        let (outputs, extra) = (2 * options.latent, classes.unwrap_or(0));
        let head = match classes {
            None => head(features, outputs, Normalisation::None, rng),
            Some(_) => {
                Box::new(mlp(&[features + extra, options.hidden, outputs], options.nonlinearity(), rng))
            }
        };
        let coder = GaussianCoder {
            image_shape: images.shape,
            code_size: options.latent,
            classes,
            trunk,
            head,
            decoder: options.decoder(options.latent + extra, images.shape, rng)?,
            likelihood: options.likelihood()?,
        };
        wengert_nn::Module::assign_names(&coder);
        Ok(coder)
    }

    /// Parameters of the encoder, which makes q(z | x).
    pub fn encoder_parameters(&self) -> Vec<Tensor> {
        use wengert_nn::Module;
        [self.trunk.parameters(), self.head.parameters()].concat()
    }

    /// Parameters of the decoder and its likelihood, which make p(x | z).
    pub fn decoder_parameters(&self) -> Vec<Tensor> {
        use wengert_nn::Module;
        [self.decoder.parameters(), self.likelihood.parameters()].concat()
    }

    /// A tensor `[batch, size]` with the classes beside it, `[batch, size + classes]`, where the model is conditioned.
    fn conditioned(&self, tensor: Tensor, labels: Option<&Tensor>) -> Tensor {
        match (self.classes, labels) {
            (Some(classes), Some(labels)) => {
                let classes = labels.one_hot(classes).to_dtype(tensor.dtype());
                Tensor::cat(&[&tensor, &classes], 1)
            }
            _ => tensor,
        }
    }
}

impl Variational for GaussianCoder {
    fn posterior(&self, images: &Tensor, labels: Option<&Tensor>) -> DiagonalGaussian {
        let features = self.conditioned(self.trunk.forward(images), labels);
        DiagonalGaussian::from_halves(&self.head.forward(&features))
    }

    fn outputs(&self, codes: &Tensor, labels: Option<&Tensor>) -> Tensor {
        self.decoder.forward(&self.conditioned(codes.clone(), labels))
    }

    fn likelihood(&self) -> &Likelihood {
        &self.likelihood
    }
}

impl Model for GaussianCoder {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.code_size
    }

    fn classes(&self) -> Option<usize> {
        self.classes
    }

    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.images(codes, labels))
    }

    fn encode(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.posterior(images, labels).mean)
    }

    fn log_likelihood(&self, codes: &Tensor, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        Some(log_likelihood(self, codes, images, labels))
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
