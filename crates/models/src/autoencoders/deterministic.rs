//! Autoencoders whose codes are points.

use super::coder::CoderOptions;
use super::likelihood::Likelihood;
use crate::descent::Objective;
use crate::{Dataset, Losses, Model, Result};
use serde::{Deserialize, Serialize};
use wengert_data::{Batch, Position};
use wengert_nn::{Layer, Module, Sequential, module};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// An encoder and a decoder by [`CoderOptions`], and the normal distribution of the codes of training images, which
/// stands in for the prior that such an autoencoder lacks: codes are drawn from it.
#[derive(Debug)]
pub struct PointCoder {
    image_shape: [usize; 3],
    encoder: Sequential,
    decoder: Sequential,
    likelihood: Likelihood,
    /// Mean of the codes, `[code size]`.
    code_mean: Tensor,
    /// A root R of their covariance: R Rᵀ, `[code size, code size]`, lower triangular.
    code_root: Tensor,
}

module!(PointCoder { modules: encoder, decoder, likelihood; buffers: code_mean, code_root });

impl PointCoder {
    /// Fresh networks, and a standard normal distribution of codes.
    ///
    /// # Errors
    /// When convolutions do not fit the sides of the images.
    pub fn new(options: &CoderOptions, image_shape: [usize; 3], rng: &Generator) -> Result<PointCoder> {
        let coder = PointCoder {
            image_shape,
            encoder: options.encoder(image_shape, options.latent, rng)?,
            decoder: options.decoder(options.latent, image_shape, rng)?,
            likelihood: options.likelihood()?,
            code_mean: Tensor::zeros([options.latent], DType::F32),
            code_root: Tensor::eye(options.latent, DType::F32),
        };
        coder.assign_names();
        Ok(coder)
    }

    /// Codes `[batch, code size]` of images.
    pub fn codes(&self, images: &Tensor) -> Tensor {
        self.encoder.forward(images)
    }

    /// The loss of the reconstructions of `images` from codes, a mean per image.
    pub fn reconstruction(&self, codes: &Tensor, images: &Tensor) -> Tensor {
        self.likelihood.loss(&self.decoder.forward(codes), &images.flatten(1, -1))
    }

    /// Fits the distribution of codes to the codes of these images, given in batches.
    ///
    /// # Errors
    /// When a buffer cannot be replaced.
    pub fn fit_codes(&mut self, batches: impl Iterator<Item = Tensor>) -> Result<()> {
        let size = self.code_size();
        let (mut count, mut sums, mut products) = (0.0, vec![0.0; size], vec![0.0; size * size]);
        for images in batches {
            let codes = no_grad(|| self.codes(&images)).to_dtype(DType::F64);
            count += codes.dims()[0] as f64;
            let add = |into: &mut [f64], values: Vec<f64>| {
                into.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            };
            add(&mut sums, codes.sum(&[0], false).to_vec());
            add(&mut products, codes.t().matmul(&codes).to_vec());
        }
        let mean: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        let covariance: Vec<f64> = (0..size * size)
            .map(|index| products[index] / count - mean[index / size] * mean[index % size])
            .collect();
        let root = cholesky(&covariance, size);
        self.code_mean.assign(&Tensor::from_vec(mean, [size]).to_dtype(DType::F32))?;
        self.code_root.assign(&Tensor::from_vec(root, [size, size]).to_dtype(DType::F32))?;
        Ok(())
    }
}

/// Reconstruction of images from what is left of them: the loss of an autoencoder that sees a picture with normal noise of
/// a deviation added, and then with a share of its pixels made black, and is to give back the clean one. Nothing of both
/// is the loss of a plain autoencoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Corruption {
    /// Standard deviation of the noise, of pixels from 0 to 1.
    pub noise: f64,
    /// Probability that a pixel is made black, in all its channels.
    pub masking: f64,
}

impl Corruption {
    /// What the encoder is shown of images `[batch, channels, height, width]`. Noisy pixels may lie outside 0..1.
    pub fn corrupt(&self, images: &Tensor, rng: &Generator) -> Tensor {
        let mut corrupted = images.clone();
        if self.noise > 0.0 {
            corrupted = corrupted + rng.normal_like(images) * self.noise;
        }
        if self.masking > 0.0 {
            let [batch, height, width] = [images.dims()[0], images.dims()[2], images.dims()[3]];
            let kept = Tensor::full([batch, 1, height, width], 1.0 - self.masking, images.dtype());
            corrupted = corrupted * rng.bernoulli(&kept);
        }
        corrupted
    }
}

impl Objective<PointCoder> for Corruption {
    fn losses(&self, network: &PointCoder, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let codes = network.codes(&self.corrupt(&batch.images, rng));
        let reconstruction = network.reconstruction(&codes, &batch.images);
        Losses { total: reconstruction.clone(), terms: vec![("reconstruction", reconstruction)] }
    }

    fn end_epoch(&self, network: &mut PointCoder, data: &Dataset, _rng: &Generator) -> Result<()> {
        network.eval();
        network.fit_codes(data.train.epoch(Position::default()).map(|batch| batch.images))
    }
}

/// The lower triangular root of a covariance matrix. An axis without variance of its own, such as a code that is always
/// the same, gets none, where the textbook's division would fail.
fn cholesky(covariance: &[f64], size: usize) -> Vec<f64> {
    let mut root = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..=row {
            let known: f64 = (0..column).map(|k| root[row * size + k] * root[column * size + k]).sum();
            let rest = covariance[row * size + column] - known;
            root[row * size + column] = if row == column {
                rest.max(0.0).sqrt()
            } else if root[column * size + column] > 1e-6 * covariance[column * size + column].sqrt() {
                rest / root[column * size + column]
            } else {
                0.0
            };
        }
    }
    root
}

impl Model for PointCoder {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.code_mean.numel()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let noise = rng.normal([count, self.code_size()], 0.0, 1.0, DType::F32);
        noise.matmul(&self.code_root.t()) + &self.code_mean
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let [channels, height, width] = self.image_shape;
        let pixels = self.likelihood.mean(&self.decoder.forward(codes));
        Some(pixels.reshape([codes.dims()[0], channels, height, width]))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.codes(images))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_covariance_gives_it_back() {
        let covariance = [4.0, 2.0, 0.0, 2.0, 5.0, 1.0, 0.0, 1.0, 3.0];
        let root = Tensor::from_slice(&cholesky(&covariance, 3), [3, 3]);
        for (found, expected) in root.matmul(&root.t()).to_vec::<f64>().iter().zip(covariance) {
            assert!((found - expected).abs() < 1e-12);
        }
        // Two axes that are one, and a third that never moves.
        let singular = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let root = Tensor::from_slice(&cholesky(&singular, 3), [3, 3]);
        assert_eq!(root.matmul(&root.t()).to_vec::<f64>(), singular);
    }

    #[test]
    fn corruption_is_noise_and_darkness_in_the_right_measure() {
        let (rng, images) = (Generator::new(5), Tensor::full([100, 3, 16, 16], 0.5, DType::F32));
        assert_eq!(Corruption::default().corrupt(&images, &rng).to_vec::<f32>(), images.to_vec::<f32>());
        let noise = Corruption { noise: 0.25, masking: 0.0 }.corrupt(&images, &rng) - &images;
        assert!((noise.square().mean_all().sqrt().item() - 0.25).abs() < 2e-3);
        let masked = Corruption { noise: 0.0, masking: 0.3 }.corrupt(&images, &rng);
        assert!((masked.mean_all().item() - 0.5 * 0.7).abs() < 5e-3);
        // A pixel goes dark as a whole, or stays as it was.
        let pixels = masked.mean(&[1], false).to_vec::<f32>();
        assert!(pixels.iter().all(|&pixel| pixel == 0.0 || pixel == 0.5));
    }

    #[test]
    fn codes_are_drawn_as_training_codes_lie() {
        let (rng, options) =
            (Generator::new(2), CoderOptions { latent: 2, hidden: 8, ..CoderOptions::default() });
        let mut coder = PointCoder::new(&options, [1, 4, 4], &rng).unwrap();
        let images = rng.uniform([500, 1, 4, 4], 0.0, 1.0, DType::F32);
        // In two batches of unequal size.
        coder.fit_codes([images.narrow(0, 0, 100), images.narrow(0, 100, 400)].into_iter()).unwrap();
        let moments = |codes: &Tensor| {
            let codes = codes.to_dtype(DType::F64);
            let mean = codes.mean(&[0], true);
            let centred = &codes - &mean;
            let covariance = centred.t().matmul(&centred) / codes.dims()[0] as f64;
            [mean.to_vec::<f64>(), covariance.to_vec::<f64>()].concat()
        };
        let wanted = moments(&coder.codes(&images));
        let drawn = moments(&coder.draw_codes(200_000, &rng));
        let scale = wanted[2].max(wanted[5]);
        for (index, (found, wanted)) in drawn.iter().zip(&wanted).enumerate() {
            let tolerance = if index < 2 { 0.02 * scale.sqrt() } else { 0.02 * scale };
            assert!((found - wanted).abs() < tolerance, "{index}: {found} {wanted}");
        }
    }
}
