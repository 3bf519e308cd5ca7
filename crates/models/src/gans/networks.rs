//! The two networks of a game, built from its options.

use crate::Result;
use crate::gans::options::Options;
use crate::gans::techniques::{MinibatchDiscrimination, VirtualBatchNorm};
use crate::networks::{
    MakerNormalisation, Nonlinearity, Normalisation, SLOPE, Trunk, dcgan_maker_with, dcgan_trunk, head,
    mlp_maker_with, mlp_trunk, start_as_dcgan,
};
use std::fmt::Debug;
use wengert_nn::{
    BatchNorm1d, BatchNorm2d, Layer, LayerNorm, LeakyReLU, Linear, Module, ReLU, Scope, Sequential, module,
};
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
        let virtually = |channels| Box::new(VirtualBatchNorm::new(channels, references)) as Box<dyn Layer>;
        let of_vectors = |channels: usize| -> Option<Box<dyn Layer>> {
            Some(if references > 0 { virtually(channels) } else { Box::new(BatchNorm1d::new(channels)) })
        };
        let of_planes = |channels: usize| -> Option<Box<dyn Layer>> {
            Some(if references > 0 { virtually(channels) } else { Box::new(BatchNorm2d::new(channels)) })
        };
        let network = if options.network == "mlp" {
            mlp_maker_with(code_size, image_shape, &MLP_GENERATOR, &of_vectors, rng)
        } else {
            let network = convolutional_maker(code_size, image_shape, options, &of_vectors, &of_planes, rng)?;
            start_as_dcgan(&network, rng);
            network
        };
        let reference = (references > 0).then(|| rng.normal([references, code_size], 0.0, 1.0, DType::F32));
        Ok(Self { network, reference, scope: Scope::new() })
    }

    /// The same with a reference batch of codes that `draw` makes, so many of them: for codes that are not N(0, 1).
    pub fn referring_to(self, draw: impl FnOnce(usize) -> Tensor) -> Self {
        Self { reference: self.reference.map(|codes| draw(codes.dims()[0])), ..self }
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

/// The generator of a DCGAN with the hidden layer of the options, and with layers that normalise vectors and planes.
pub(super) fn convolutional_maker(
    code_size: usize,
    image_shape: [usize; 3],
    options: &Options,
    of_vectors: MakerNormalisation<'_>,
    of_planes: MakerNormalisation<'_>,
    rng: &Generator,
) -> Result<Sequential> {
    let (width, hidden) = (options.width, options.hidden);
    let of_units = options.normalise_units.then_some(of_vectors);
    if hidden == 0 {
        return dcgan_maker_with(code_size, image_shape, width, of_units, of_planes, rng);
    }
    let planes = dcgan_maker_with(hidden, image_shape, width, of_units, of_planes, rng)?;
    let mut network = Sequential::new();
    for inputs in std::iter::once(code_size).chain(std::iter::repeat_n(hidden, options.mapping_layers - 1)) {
        let normalised = of_vectors(hidden);
        network = network.add(Linear::builder(inputs, hidden).bias(normalised.is_none()).build(rng));
        network = normalised.into_iter().fold(network, Sequential::add_boxed).add(ReLU::new());
    }
    Ok(network.add(planes))
}

/// The discriminator of a DCGAN up to its features, with the hidden layer of the options.
pub(super) fn convolutional_trunk(
    image_shape: [usize; 3],
    options: &Options,
    rng: &Generator,
) -> Result<Trunk> {
    let (normalisation, hidden) = (options.normalisation(), options.hidden);
    let trunk = dcgan_trunk(image_shape, options.width, normalisation, rng)?;
    if hidden == 0 {
        return Ok(trunk);
    }
    let network = trunk.network.add_boxed(head(trunk.features, hidden, normalisation, rng));
    let network = match normalisation {
        Normalisation::Batch => network.add(BatchNorm1d::new(hidden)),
        Normalisation::Layer => network.add(LayerNorm::new([hidden])),
        Normalisation::None | Normalisation::Spectral => network,
    };
    Ok(Trunk { network: network.add(LeakyReLU::new(SLOPE)), features: hidden })
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
            _ => convolutional_trunk(image_shape, options, rng)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_layer_stands_between_convolutions_and_codes_or_scores() {
        let rng = Generator::new(0);
        let shape = [1, 8, 8];
        let codes = rng.normal([3, 5], 0.0, 1.0, DType::F32);
        for normalisation in ["none", "batch", "layer", "spectral"] {
            for (hidden, features) in [(0, 4 * 4), (7, 7)] {
                let options =
                    Options { width: 4, hidden, normalisation: normalisation.into(), ..Options::default() };
                let maker = ImageMaker::new(5, shape, &options, &rng).unwrap();
                let first = maker.parameters()[0].dims().to_vec();
                assert_eq!(first, if hidden == 0 { [16, 5] } else { [7, 5] });
                let images = maker.forward(&codes);
                assert_eq!(images.dims(), [3, 1, 8, 8]);
                let verdict = Discriminator::new(shape, 1, &options, &rng).unwrap().judge(&images);
                assert_eq!((verdict.scores.dims(), verdict.features.dims()), (&[3][..], &[3, features][..]));
            }
        }
    }

    #[test]
    fn units_keep_nothing_that_all_codes_share() {
        let rng = Generator::new(0);
        let codes = rng.normal([6, 5], 0.0, 1.0, DType::F32);
        let difference = |normalise_units| {
            let options = Options { width: 4, normalise_units, ..Options::default() };
            let maker = ImageMaker::new(5, [1, 12, 12], &options, &rng).unwrap();
            let [own, shifted] = [0.0, 3.0].map(|shift| maker.forward(&(&codes + shift)));
            let same = (&own - &shifted).square().mean_all().item();
            same / (&own - own.mean(&[0], true)).square().mean_all().item()
        };
        assert!(difference(true) < 1e-6, "{}", difference(true));
        assert!(difference(false) > 0.1, "{}", difference(false));
    }
}
