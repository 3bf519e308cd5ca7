//! Options and networks that the hybrids share with each other and, so that they can be compared, with the GANs.

use crate::Result;
use crate::config::Ranges;
use crate::gans;
use crate::gans::networks::{Discriminator, ImageMaker};
use crate::gans::objective;
use crate::networks::{
    Nonlinearity, Normalisation, dcgan_maker, dcgan_trunk, mlp, mlp_maker, mlp_trunk, start_as_dcgan,
};
use serde::{Deserialize, Serialize};
use wengert_nn::{Adam, Layer, Module, Optimizer, Sequential};
use wengert_tensor::{Generator, Tensor};

/// Widths of the hidden layers of a fully connected encoder, the generator's in reverse.
const MLP_ENCODER: [usize; 3] = [1024, 512, 256];
/// Widths of the hidden layers of a fully connected decoder, the generator's.
const MLP_DECODER: [usize; 3] = [256, 512, 1024];
/// Widths of the hidden layers of a discriminator of codes (Rosca et al., 2017, appendix).
const CODE_DISCRIMINATOR: [usize; 2] = [750, 750];

/// Options of the networks and of Adam; flattened into each model's own options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkOptions {
    /// `dcgan` or `mlp`.
    pub network: String,
    /// Channels of the first layer of a DCGAN's discriminator; the others have a multiple.
    pub width: usize,
    /// Numbers in a code.
    pub latent: usize,
    /// Learning rate of all players.
    pub learning_rate: f64,
    /// Adam's β₁.
    pub beta1: f64,
}

impl Default for NetworkOptions {
    /// Those of DCGAN (Radford et al., 2015, arXiv:1511.06434), with a smaller code.
    fn default() -> Self {
        Self { network: "dcgan".into(), width: 64, latent: 50, learning_rate: 2e-4, beta1: 0.5 }
    }
}

impl NetworkOptions {
    /// An error for the first option outside its range.
    pub fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.one_of("network", &self.network, &["dcgan", "mlp"])?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.within("beta1", self.beta1, 0.0..=0.9999)
    }

    /// The same options in the words of the GANs.
    fn game(&self) -> gans::options::Options {
        gans::options::Options {
            network: self.network.clone(),
            width: self.width,
            latent: self.latent,
            ..gans::options::Options::default()
        }
    }

    /// A generator: codes `[N, code_size]` to images in −1..1.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn maker(&self, code_size: usize, image_shape: [usize; 3], rng: &Generator) -> Result<ImageMaker> {
        ImageMaker::new(code_size, image_shape, &self.game(), rng)
    }

    /// The decoder of a likelihood: codes `[N, code_size]` to one number for each pixel, `[N, C, H, W]`.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn logit_maker(
        &self,
        code_size: usize,
        image_shape: [usize; 3],
        rng: &Generator,
    ) -> Result<Sequential> {
        match self.network.as_str() {
            "mlp" => Ok(mlp_maker(code_size, image_shape, &MLP_DECODER, true, rng)),
            _ => dcgan_maker(code_size, image_shape, self.width, rng),
        }
    }

    /// A discriminator: images in −1..1 to so many outputs.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn discriminator(
        &self,
        image_shape: [usize; 3],
        outputs: usize,
        rng: &Generator,
    ) -> Result<Discriminator> {
        Discriminator::new(image_shape, outputs, &self.game(), rng)
    }

    /// An encoder: images in −1..1 to so many outputs, with batch normalisation between.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn encoder(&self, image_shape: [usize; 3], outputs: usize, rng: &Generator) -> Result<Sequential> {
        let batch = Normalisation::Batch;
        if self.network == "mlp" {
            let trunk = mlp_trunk(image_shape, &MLP_ENCODER, Nonlinearity::LeakyReLU, batch, rng);
            return Ok(trunk.with_head(outputs, Normalisation::None, rng));
        }
        let trunk = dcgan_trunk(image_shape, self.width, batch, rng)?;
        start_as_dcgan(&trunk.network, rng);
        Ok(trunk.with_head(outputs, Normalisation::None, rng))
    }

    /// A discriminator of codes: `[N, latent]` to logits `[N, 1]`.
    pub fn code_discriminator(&self, rng: &Generator) -> Sequential {
        let [first, second] = CODE_DISCRIMINATOR;
        mlp(&[self.latent, first, second, 1], Nonlinearity::LeakyReLU, rng)
    }

    /// Adam over the parameters of these modules.
    pub fn adam(&self, modules: &[&dyn Module]) -> Box<dyn Optimizer> {
        let parameters = modules.iter().flat_map(|module| module.parameters()).collect();
        Box::new(Adam::new(parameters, self.learning_rate).betas(self.beta1, 0.999))
    }
}

/// The logits `[N]` of a network with one output.
pub fn logits(network: &impl Layer, input: &Tensor) -> Tensor {
    network.forward(input).flatten(0, -1)
}

/// The terms of the shares of real and of made images that logits `[N]` sort rightly.
pub fn accuracies(real: &Tensor, fake: &Tensor) -> [(&'static str, Tensor); 2] {
    objective::accuracies(real, fake, 0.0)
}

/// Images in 0..1 as the networks read them, in −1..1.
pub fn centred(images: &Tensor) -> Tensor {
    images * 2.0 - 1.0
}

/// Images in −1..1 in 0..1 again.
pub fn uncentred(images: &Tensor) -> Tensor {
    (images + 1.0) * 0.5
}
