//! A discriminator that is an autoencoder.

use crate::Result;
use crate::gans::networks::{Judge, MLP_DISCRIMINATOR, Verdict, convolutional_maker, convolutional_trunk};
use crate::gans::options::Options;
use crate::gans::techniques::MinibatchDiscrimination;
use crate::networks::{Nonlinearity, Normalisation, head, mlp_maker_with, mlp_trunk};
use wengert_nn::{BatchNorm1d, BatchNorm2d, Layer, Scope, Sequential, module};
use wengert_tensor::{Generator, Tensor};

/// How an image and what is given back of it are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// The mean over the pixels of the squared difference.
    Squared,
    /// The mean over the pixels of the absolute difference.
    Absolute,
}

/// Images are scored by the negative of their distance from what the autoencoder gives back of them. The features of
/// its verdict are the codes.
#[derive(Debug)]
pub struct Autoencoder {
    trunk: Sequential,
    minibatch: Option<MinibatchDiscrimination>,
    bottleneck: Box<dyn Layer>,
    decoder: Sequential,
    distance: Distance,
    scope: Scope,
}

module!(Autoencoder { modules: trunk, minibatch, bottleneck, decoder; scope: scope });

impl Autoencoder {
    /// The discriminator of the options up to a code of this size, and the mirror of it. Where the options ask for batch
    /// normalisation the decoder has it too.
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn new(
        image_shape: [usize; 3],
        code_size: usize,
        distance: Distance,
        options: &Options,
        rng: &Generator,
    ) -> Result<Self> {
        let normalisation = options.normalisation();
        let is_normalised = normalisation == Normalisation::Batch;
        let of_vectors =
            |channels| is_normalised.then(|| Box::new(BatchNorm1d::new(channels)) as Box<dyn Layer>);
        let of_planes =
            |channels| is_normalised.then(|| Box::new(BatchNorm2d::new(channels)) as Box<dyn Layer>);
        let (trunk, decoder) = if options.network == "mlp" {
            let mut widths = MLP_DISCRIMINATOR;
            let trunk = mlp_trunk(image_shape, &widths, Nonlinearity::LeakyReLU, normalisation, rng);
            widths.reverse();
            (trunk, mlp_maker_with(code_size, image_shape, &widths, &of_vectors, rng))
        } else {
            (
                convolutional_trunk(image_shape, options, rng)?,
                convolutional_maker(code_size, image_shape, options, &of_vectors, &of_planes, rng)?,
            )
        };
        let kernels = options.minibatch_discrimination;
        let minibatch = (kernels > 0).then(|| MinibatchDiscrimination::new(trunk.features, kernels, rng));
        let bottleneck = head(trunk.features + kernels, code_size, normalisation, rng);
        Ok(Self { trunk: trunk.network, minibatch, bottleneck, decoder, distance, scope: Scope::new() })
    }
}

impl Judge for Autoencoder {
    fn judge(&self, images: &Tensor) -> Verdict {
        let _scope = self.scope.enter();
        let features = self.trunk.forward(images);
        let features = self.minibatch.iter().fold(features, |features, layer| layer.forward(&features));
        let codes = self.bottleneck.forward(&features);
        let difference = (self.decoder.forward(&codes).tanh() - images).flatten(1, -1);
        let energies = match self.distance {
            Distance::Squared => difference.square(),
            Distance::Absolute => difference.abs(),
        };
        Verdict { scores: -energies.mean(&[1], false), features: codes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn scores_are_negative_energies_of_each_image() {
        let rng = Generator::new(0);
        let images = rng.uniform([3, 1, 8, 8], -1.0, 1.0, DType::F32);
        for network in ["dcgan", "mlp"] {
            let options = Options {
                network: network.into(),
                width: 4,
                minibatch_discrimination: 3,
                ..Options::default()
            };
            for distance in [Distance::Squared, Distance::Absolute] {
                let judge = Autoencoder::new([1, 8, 8], 5, distance, &options, &rng).unwrap();
                let verdict = judge.judge(&images);
                assert_eq!((verdict.scores.dims(), verdict.features.dims()), (&[3][..], &[3, 5][..]));
                let back = judge.decoder.forward(&verdict.features).tanh();
                let energy = |image: usize| {
                    let [a, b] = [&back, &images].map(|all| all.narrow(0, image, 1).to_vec::<f32>());
                    let differences = a.iter().zip(&b).map(|(a, b)| f64::from(a - b));
                    let sum: f64 = match distance {
                        Distance::Squared => differences.map(|difference| difference * difference).sum(),
                        Distance::Absolute => differences.map(f64::abs).sum(),
                    };
                    sum / 64.0
                };
                for (image, score) in verdict.scores.to_vec::<f32>().iter().enumerate() {
                    assert!((f64::from(*score) + energy(image)).abs() < 1e-4, "{network} {distance:?}");
                }
            }
        }
    }
}
