//! Encoders and decoders by options: the same pair of networks under every loss.

use super::likelihood::Likelihood;
use crate::Result;
use crate::config::Ranges;
use crate::networks::{Nonlinearity, Normalisation, Trunk, dcgan_maker, dcgan_trunk, mlp, mlp_trunk};
use serde::{Deserialize, Serialize};
use wengert_nn::{Adam, Flatten, Sequential};
use wengert_tensor::{Generator, Tensor};

/// The options that all autoencoders share: put them into a model's section with `#[serde(flatten)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoderOptions {
    /// Numbers in a code.
    pub latent: usize,
    /// `mlp`: fully connected layers; `conv`: the convolutions of DCGAN, with batch normalisation.
    pub network: String,
    /// Width of the hidden layers of `mlp`.
    pub hidden: usize,
    /// Number of hidden layers of `mlp`, in the encoder and in the decoder.
    pub layers: usize,
    /// What follows the hidden layers of `mlp`: `relu`, `leaky-relu` or `tanh`.
    pub nonlinearity: String,
    /// Channels of the layer of `conv` that is nearest to the image; those further away have two and four times as many.
    pub width: usize,
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
            "conv" => dcgan_trunk(image_shape, self.width, Normalisation::Batch, rng),
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
            "conv" => Ok(dcgan_maker(inputs, image_shape, self.width, rng)?.add(Flatten::new())),
            _ => {
                let mut widths = vec![self.hidden; self.layers + 2];
                (widths[0], widths[self.layers + 1]) = (inputs, image_shape.iter().product());
                Ok(mlp(&widths, self.nonlinearity(), rng))
            }
        }
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
    use wengert_nn::Layer;
    use wengert_tensor::DType;

    #[test]
    fn every_pair_fits_the_images() {
        let rng = Generator::new(0);
        for shape in [[1, 28, 28], [3, 32, 32]] {
            for (network, layers) in [("mlp", 1), ("mlp", 3), ("conv", 1)] {
                let options = CoderOptions {
                    network: network.into(),
                    layers,
                    hidden: 16,
                    width: 4,
                    ..CoderOptions::default()
                };
                options.check(&Ranges::new("test")).unwrap();
                let images = Tensor::zeros([2, shape[0], shape[1], shape[2]], DType::F32);
                let codes = options.encoder(shape, 6, &rng).unwrap().forward(&images);
                assert_eq!(codes.dims(), [2, 6]);
                let outputs = options.decoder(6, shape, &rng).unwrap().forward(&codes);
                assert_eq!(outputs.dims(), [2, shape.iter().product()]);
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
        assert!(refusal(CoderOptions { latent: 0, ..options.clone() }).contains("ae.latent is 0"));
        assert!(refusal(CoderOptions { nonlinearity: "x".into(), ..options }).contains("leaky-relu"));
    }
}
