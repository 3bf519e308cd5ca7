//! The two networks of a game, built from its options.

use crate::Result;
use crate::gans::options::Options;
use crate::gans::techniques::{MinibatchDiscrimination, VirtualBatchNorm};
use crate::networks::{
    Nonlinearity, Normalisation, dcgan_maker_with, dcgan_trunk, head, mlp_maker_with, mlp_trunk,
    start_as_dcgan,
};
use std::fmt::Debug;
use wengert_nn::{BatchNorm1d, BatchNorm2d, Layer, Module, Scope, Sequential, module};
use wengert_tensor::{DType, Generator, Tensor};

/// Widths of the hidden layers of the fully connected generator, and of its discriminator.
const MLP_GENERATOR: [usize; 3] = [256, 512, 1024];
pub(super) const MLP_DISCRIMINATOR: [usize; 2] = [512, 256];

/// A generator: codes `[N, code size]` to images `[N, C, H, W]` in −1..1.
#[derive(Debug)]
pub struct ImageMaker {
    network: Sequential,
    /// Codes of the reference batch of virtual batch normalisation, `[R, code size]`.
    reference: Option<Tensor>,
    scope: Scope,
}

module!(ImageMaker { modules: network; buffers: reference; scope: scope });

impl ImageMaker {
    /// The generator of the options with fresh weights, for codes of this size.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(
        code_size: usize,
        image_shape: [usize; 3],
        options: &Options,
        rng: &Generator,
    ) -> Result<Self> {
        let references = options.virtual_batch_norm;
        let is_mlp = options.network == "mlp";
        let normalisation = |channels: usize| -> Option<Box<dyn Layer>> {
            Some(match (references, is_mlp) {
                (0, true) => Box::new(BatchNorm1d::new(channels)),
                (0, false) => Box::new(BatchNorm2d::new(channels)),
                _ => Box::new(VirtualBatchNorm::new(channels, references)),
            })
        };
        let network = match is_mlp {
            true => mlp_maker_with(code_size, image_shape, &MLP_GENERATOR, &normalisation, rng),
            false => {
                let network = dcgan_maker_with(code_size, image_shape, options.width, &normalisation, rng)?;
                start_as_dcgan(&network, rng);
                network
            }
        };
        let reference = (references > 0).then(|| rng.normal([references, code_size], 0.0, 1.0, DType::F32));
        Ok(Self { network, reference, scope: Scope::new() })
    }
}

impl Layer for ImageMaker {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        let Some(reference) = &self.reference else { return self.network.forward(input).tanh() };
        let images = self.network.forward(&Tensor::cat(&[reference, input], 0));
        images.narrow(0, reference.dims()[0], input.dims()[0]).tanh()
    }
}

/// What a discriminator says of the images of one batch.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// One number an image, `[N]`: more is more real.
    pub scores: Tensor,
    /// What it is drawn from, `[N, features]`.
    pub features: Tensor,
}

/// A network that judges images `[N, C, H, W]` in −1..1.
pub trait Judge: Module {
    /// What it says of them.
    fn judge(&self, images: &Tensor) -> Verdict;
}

/// A discriminator: features of images, and a linear layer that makes one number, or several, of them.
#[derive(Debug)]
pub struct Discriminator {
    trunk: Sequential,
    minibatch: Option<MinibatchDiscrimination>,
    head: Box<dyn Layer>,
    scope: Scope,
}

module!(Discriminator { modules: trunk, minibatch, head; scope: scope });

impl Discriminator {
    /// The discriminator of the options with fresh weights and so many outputs.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(image_shape: [usize; 3], outputs: usize, options: &Options, rng: &Generator) -> Result<Self> {
        let normalisation = options.normalisation();
        let trunk = match options.network.as_str() {
            "mlp" => mlp_trunk(image_shape, &MLP_DISCRIMINATOR, Nonlinearity::LeakyReLU, normalisation, rng),
            _ => dcgan_trunk(image_shape, options.width, normalisation, rng)?,
        };
        let kernels = options.minibatch_discrimination;
        let minibatch = (kernels > 0).then(|| MinibatchDiscrimination::new(trunk.features, kernels, rng));
        let head = head(trunk.features + kernels, outputs, normalisation, rng);
        let this = Self { trunk: trunk.network, minibatch, head, scope: Scope::new() };
        // DCGAN's small weights are made for batch normalisation, which undoes their scale. Spectral normalisation does
        // so too, but has already measured the weights as they are.
        if options.network == "dcgan" && normalisation == Normalisation::Batch {
            start_as_dcgan(&this.trunk, rng);
            start_as_dcgan(&this.head, rng);
        }
        Ok(this)
    }

    /// Features of images in −1..1, `[N, features]`.
    pub fn features(&self, images: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        let features = self.trunk.forward(images);
        match &self.minibatch {
            Some(minibatch) => minibatch.forward(&features),
            None => features,
        }
    }

    /// What the head makes of features, `[N, outputs]`.
    pub fn outputs(&self, features: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        self.head.forward(features)
    }
}

impl Judge for Discriminator {
    fn judge(&self, images: &Tensor) -> Verdict {
        let features = self.features(images);
        Verdict { scores: self.outputs(&features).flatten(0, -1), features }
    }
}
