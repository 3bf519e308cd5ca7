//! Encoders and decoders by options: the same pair of networks under every loss.

use super::likelihood::Likelihood;
use crate::Result;
use crate::config::Ranges;
use crate::networks::{Nonlinearity, Normalisation, SLOPE, Trunk, dcgan_maker, dcgan_trunk, mlp, mlp_trunk};
use serde::{Deserialize, Serialize};
use wengert_nn::{Adam, BatchNorm1d, Flatten, LeakyReLU, Linear, Sequential};
use wengert_tensor::{Generator, Tensor};

/// The options that all autoencoders share: put them into a model's section with `#[serde(flatten)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoderOptions {
    /// Numbers in a code.
    pub latent: usize,
    /// `mlp`: fully connected layers; `conv`: the convolutions of DCGAN, with batch normalisation.
    pub network: String,
    /// Width of the hidden layers of `mlp`, and of the fully connected ones of `conv`.
    pub hidden: usize,
    /// Number of hidden layers of `mlp`, in the encoder and in the decoder.
    pub layers: usize,
    /// What follows the hidden layers of `mlp`: `relu`, `leaky-relu` or `tanh`.
    pub nonlinearity: String,
    /// Channels of the layer of `conv` that is nearest to the image; those further away have two and four times as many.
    pub width: usize,
    /// Fully connected layers of `hidden` units, with batch normalisation, between a code and the convolutions of `conv`, in
    /// the encoder and in the decoder.
    pub dense_layers: usize,
    /// What a picture is compared with its reconstruction by: `bernoulli`, `l1`, `l2` or `gaussian`; see
    /// [`likelihood`](super::likelihood).
    pub reconstruction: String,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for CoderOptions {
    /// The networks of [`vae`](super::vae).
    fn default() -> Self {
        Self {
            latent: 20,
            network: "mlp".into(),
            hidden: 400,
            layers: 1,
            nonlinearity: "relu".into(),
            width: 32,
            dense_layers: 0,
            reconstruction: "bernoulli".into(),
            learning_rate: 1e-3,
        }
    }
}

impl CoderOptions {
    /// An error for the first option outside its range.
    pub fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.one_of("network", &self.network, &["mlp", "conv"])?;
        ranges.within("hidden", self.hidden, 1..=8192)?;
        ranges.within("layers", self.layers, 1..=16)?;
        ranges.one_of("nonlinearity", &self.nonlinearity, &["relu", "leaky-relu", "tanh"])?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.within("dense_layers", self.dense_layers, 0..=16)?;
        let detail = format!("is {}; only conv has them, mlp has `layers`", self.dense_layers);
        ranges.takes_effect("dense_layers", self.dense_layers == 0 || self.network == "conv", &detail)?;
        Likelihood::check(&self.reconstruction, ranges)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    /// What follows the hidden layers of a fully connected network.
    pub fn nonlinearity(&self) -> Nonlinearity {
        match self.nonlinearity.as_str() {
            "leaky-relu" => Nonlinearity::LeakyReLU,
            "tanh" => Nonlinearity::Tanh,
            _ => Nonlinearity::ReLU,
        }
    }

    /// Images to features: an encoder without its last layer.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn trunk(&self, image_shape: [usize; 3], rng: &Generator) -> Result<Trunk> {
        match self.network.as_str() {
            "conv" => {
                let Trunk { network, features } =
                    dcgan_trunk(image_shape, self.width, Normalisation::Batch, rng)?;
                let (network, features) = self.dense(network, features, rng);
                Ok(Trunk { network, features })
            }
            _ => Ok(mlp_trunk(
                image_shape,
                &vec![self.hidden; self.layers],
                self.nonlinearity(),
                Normalisation::None,
                rng,
            )),
        }
    }

    /// Images to `outputs` numbers, such as twice [`latent`](Self::latent) for means and log-variances.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn encoder(&self, image_shape: [usize; 3], outputs: usize, rng: &Generator) -> Result<Sequential> {
        Ok(self.trunk(image_shape, rng)?.with_head(outputs, Normalisation::None, rng))
    }

    /// `inputs` numbers, such as [`latent`](Self::latent), to one for each pixel, `[batch, pixels]`: what a
    /// [`Likelihood`] reads.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn decoder(&self, inputs: usize, image_shape: [usize; 3], rng: &Generator) -> Result<Sequential> {
        match self.network.as_str() {
            "conv" => {
                let (network, features) = self.dense(Sequential::new(), inputs, rng);
                let planes = dcgan_maker(features, image_shape, self.width, rng)?;
                Ok(network.add(planes).add(Flatten::new()))
            }
            _ => {
                let mut widths = vec![self.hidden; self.layers + 2];
                (widths[0], widths[self.layers + 1]) = (inputs, image_shape.iter().product());
                Ok(mlp(&widths, self.nonlinearity(), rng))
            }
        }
    }

    /// A network of so many features with the fully connected layers of `conv` behind it, and the features of both.
    fn dense(&self, network: Sequential, features: usize, rng: &Generator) -> (Sequential, usize) {
        (0..self.dense_layers).fold((network, features), |(network, features), _| {
            let network = network
                .add(Linear::builder(features, self.hidden).bias(false).build(rng))
                .add(BatchNorm1d::new(self.hidden))
                .add(LeakyReLU::new(SLOPE));
            (network, self.hidden)
        })
    }

    /// The likelihood of [`reconstruction`](Self::reconstruction).
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn likelihood(&self) -> Result<Likelihood> {
        Likelihood::new(&self.reconstruction)
    }

    /// Adam over these parameters.
    pub fn adam(&self, parameters: Vec<Tensor>) -> Adam {
        Adam::new(parameters, self.learning_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::{Layer, Module};
    use wengert_tensor::DType;

    #[test]
    fn every_pair_fits_the_images() {
        let rng = Generator::new(0);
        for shape in [[1, 28, 28], [3, 32, 32]] {
            for (network, layers, dense_layers) in
                [("mlp", 1, 0), ("mlp", 3, 0), ("conv", 1, 0), ("conv", 1, 2)]
            {
                let options = CoderOptions {
                    network: network.into(),
                    layers,
                    dense_layers,
                    hidden: 16,
                    width: 4,
                    ..CoderOptions::default()
                };
                options.check(&Ranges::new("test")).unwrap();
                let images = Tensor::zeros([2, shape[0], shape[1], shape[2]], DType::F32);
                let codes = options.encoder(shape, 6, &rng).unwrap().forward(&images);
                assert_eq!(codes.dims(), [2, 6]);
                let decoder = options.decoder(6, shape, &rng).unwrap();
                assert_eq!(decoder.forward(&codes).dims(), [2, shape.iter().product()]);
                let parameters = decoder.parameters();
                let dense = parameters.iter().filter(|tensor| tensor.rank() == 2 && tensor.dims()[0] == 16);
                assert_eq!(dense.count(), if network == "mlp" { layers } else { dense_layers });
            }
        }
    }

    #[test]
    fn options_are_checked() {
        let refusal = |options: CoderOptions| options.check(&Ranges::new("ae")).unwrap_err().to_string();
        let options = CoderOptions::default();
        let text = refusal(CoderOptions { network: "lstm".into(), ..options.clone() });
        assert!(text.contains("ae.network is `lstm`; it must be one of mlp, conv"), "{text}");
        let text = refusal(CoderOptions { reconstruction: "l3".into(), ..options.clone() });
        assert!(text.contains("bernoulli, l1, l2, gaussian"), "{text}");
        let text = refusal(CoderOptions { dense_layers: 1, ..options.clone() });
        assert!(text.contains("ae.dense_layers is 1; only conv has them"), "{text}");
        assert!(refusal(CoderOptions { latent: 0, ..options.clone() }).contains("ae.latent is 0"));
        assert!(refusal(CoderOptions { nonlinearity: "x".into(), ..options }).contains("leaky-relu"));
    }
}
