//! How the bytes of a picture become numbers for a model: binarisation, then normalisation.

use crate::error::{Error, Result};
use crate::random;
use wengert_cpu::rng;

/// How a byte 0..=255 becomes an `f32`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Normalisation {
    /// `x / 255`, from 0 to 1: PyTorch's `ToTensor`.
    #[default]
    Unit,
    /// `2·x / 255 − 1`, from −1 to 1: what a generator that ends in tanh compares with.
    Symmetric,
    /// `(x / 255 − mean) / std` with one mean and one standard deviation for each channel: PyTorch's `Normalize`.
    Standard {
        /// Mean of each channel, of pixels from 0 to 1.
        mean: Vec<f32>,
        /// Standard deviation of each channel.
        std: Vec<f32>,
    },
}

/// Whether and how grey levels are made black (0) and white (255) before normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binarisation {
    /// Grey levels stay.
    #[default]
    None,
    /// White from this level on; 128 is the usual half.
    Threshold(u8),
    /// White with probability `x / 255`, drawn once: the same bits for an image in every epoch, as in the fixed sample
    /// of H. Larochelle and I. Murray, "The Neural Autoregressive Distribution Estimator", AISTATS 2011.
    Static {
        /// Seed of the draw.
        seed: u64,
    },
    /// White with probability `x / 255`, drawn anew at each step, as Y. Burda, R. Grosse and R. Salakhutdinov do in
    /// "Importance Weighted Autoencoders", ICLR 2016.
    Dynamic {
        /// Seed of the draws; the step chooses the stream.
        seed: u64,
    },
}

impl Normalisation {
    /// What each byte becomes in each channel.
    ///
    /// # Errors
    /// When there is not one mean and one positive standard deviation for each channel.
    pub(crate) fn tables(&self, channels: usize) -> Result<Vec<[f32; 256]>> {
        let unit = |byte: usize| byte as f32 / 255.0;
        match self {
            Self::Unit => Ok(vec![std::array::from_fn(unit); channels]),
            Self::Symmetric => Ok(vec![std::array::from_fn(|byte| 2.0 * unit(byte) - 1.0); channels]),
            Self::Standard { mean, std } => {
                if mean.len() != channels || std.len() != channels {
                    let found = format!("{} means and {} standard deviations", mean.len(), std.len());
                    return Err(Error::argument("normalisation", found, format!("{channels} of each")));
                }
                if let Some(wrong) = std.iter().find(|&&std| !(std > 0.0 && std.is_finite())) {
                    return Err(Error::argument("standard deviation", wrong, "a positive number"));
                }
                let channel =
                    |(&mean, &std): (&f32, &f32)| std::array::from_fn(|byte| (unit(byte) - mean) / std);
                Ok(mean.iter().zip(std).map(channel).collect())
            }
        }
    }
}

impl Binarisation {
    /// Binarises image number `index` of the data set in place; it is number `row` of the batch of step `step`.
    pub(crate) fn apply(self, pixels: &mut [u8], index: u64, step: u64, row: usize) {
        match self {
            Self::None => {}
            Self::Threshold(level) => pixels.iter_mut().for_each(|pixel| *pixel = white(*pixel >= level)),
            Self::Static { seed } => sample(pixels, seed, random::STATIC_BINARISATION, index),
            Self::Dynamic { seed } => {
                sample(pixels, seed, random::DYNAMIC_BINARISATION.wrapping_add(step), row as u64);
            }
        }
    }
}

/// Draws each pixel white with probability `pixel / 255`, from words of `stream` that belong to `image` alone.
fn sample(pixels: &mut [u8], seed: u64, stream: u64, image: u64) {
    let blocks_per_image = pixels.len().div_ceil(rng::BLOCK) as u64;
    let position = rng::Position { seed, stream, offset: image.wrapping_mul(blocks_per_image) };
    for (block, pixels) in (0..).zip(pixels.chunks_mut(rng::BLOCK)) {
        for (pixel, word) in pixels.iter_mut().zip(position.block(block)) {
            // word / 2^32 < pixel / 255, in whole numbers: 0 is never drawn white and 255 always.
            *pixel = white(u64::from(word) * 255 < u64::from(*pixel) << 32);
        }
    }
}

fn white(is_white: bool) -> u8 {
    if is_white { 255 } else { 0 }
}
