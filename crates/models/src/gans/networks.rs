//! The two networks of a game, built from its options.

use crate::Result;
use crate::gans::options::Options;
use crate::gans::techniques::MinibatchDiscrimination;
use crate::networks::{
    Nonlinearity, Normalisation, dcgan_maker, dcgan_trunk, head, mlp_maker, mlp_trunk, start_as_dcgan,
};
use std::fmt::Debug;
use wengert_nn::{Layer, Module, Scope, Sequential, module};
use wengert_tensor::{Generator, Tensor};

/// Widths of the hidden layers of the fully connected generator, and of its discriminator.
const MLP_GENERATOR: [usize; 3] = [256, 512, 1024];
const MLP_DISCRIMINATOR: [usize; 2] = [512, 256];

/// A generator: codes `[N, code size]` to images `[N, C, H, W]` in −1..1.
#[derive(Debug)]
pub struct ImageMaker {
    network: Sequential,
    scope: Scope,
}

module!(ImageMaker { modules: network; scope: scope });

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
        let network = match options.network.as_str() {
            "mlp" => mlp_maker(code_size, image_shape, &MLP_GENERATOR, true, rng),
            _ => {
                let network = dcgan_maker(code_size, image_shape, options.width, rng)?;
                start_as_dcgan(&network, rng);
                network
            }
        };
        Ok(Self { network, scope: Scope::new() })
    }
}

impl Layer for ImageMaker {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        self.network.forward(input).tanh()
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
