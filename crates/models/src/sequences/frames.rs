//! Images as sequences of rows, read and made by gated recurrent units: a log-mel picture has a row for each frame.

use crate::pictures::in_portions;
use crate::{Dataset, Result};
use wengert_data::Position;
use wengert_nn::{GRU, Layer, Linear, module};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Rows of an image and numbers in a row, all channels side by side.
fn frames([channels, height, width]: [usize; 3]) -> [usize; 2] {
    [height, channels * width]
}

/// Reads the rows of an image one after the other, the last one first, as Sutskever et al. do
/// (<https://arxiv.org/abs/1409.3215>): what the decoder begins with is fresh in the state then, and the silence that
/// fills up a recording lies behind it. The code is a linear map of the last state.
#[derive(Debug)]
pub struct FrameEncoder {
    image_shape: [usize; 3],
    gru: GRU,
    code: Linear,
}

module!(FrameEncoder { modules: gru, code });

impl FrameEncoder {
    /// For images of `[channels, height, width]`, with a state of `hidden` numbers and codes of `latent`.
    pub fn new(image_shape: [usize; 3], hidden: usize, latent: usize, rng: &Generator) -> FrameEncoder {
        let [_, numbers] = frames(image_shape);
        FrameEncoder {
            image_shape,
            gru: GRU::new(numbers, hidden, rng),
            code: Linear::new(hidden, latent, rng),
        }
    }
}

impl Layer for FrameEncoder {
    /// Images in 0..1, `[N, C, H, W]`, to codes `[N, latent]`.
    fn forward(&self, images: &Tensor) -> Tensor {
        let ([rows, numbers], count) = (frames(self.image_shape), images.dims()[0]);
        let sequence = images.permute(&[2, 0, 1, 3]).reshape([rows, count, numbers]);
        let (_, last) = self.gru.forward(&sequence.flip(&[0]), None);
        self.code.forward(&last.select(0, 0))
    }
}

/// Makes the rows of an image one after the other; it starts from the code and hears it again at each row.
#[derive(Debug)]
pub struct FrameDecoder {
    image_shape: [usize; 3],
    start: Linear,
    gru: GRU,
    row: Linear,
}

module!(FrameDecoder { modules: start, gru, row });

impl FrameDecoder {
    /// The counterpart of [`FrameEncoder::new`].
    pub fn new(image_shape: [usize; 3], hidden: usize, latent: usize, rng: &Generator) -> FrameDecoder {
        let [_, numbers] = frames(image_shape);
        FrameDecoder {
            image_shape,
            start: Linear::new(latent, hidden, rng),
            gru: GRU::new(latent, hidden, rng),
            row: Linear::new(hidden, numbers, rng),
        }
    }
}

impl Layer for FrameDecoder {
    /// Codes `[N, latent]` to images in 0..1, `[N, C, H, W]`.
    fn forward(&self, codes: &Tensor) -> Tensor {
        let [channels, height, width] = self.image_shape;
        let (count, latent) = (codes.dims()[0], codes.dims()[1]);
        let start = self.start.forward(codes).tanh().unsqueeze(0);
        let heard = codes.unsqueeze(0).broadcast_to([height, count, latent]);
        let (states, _) = self.gru.forward(&heard, Some(&start));
        let rows = self.row.forward(&states).sigmoid();
        rows.reshape([height, count, channels, width]).permute(&[1, 2, 0, 3]).contiguous()
    }
}

/// Log-mel pictures `[N, 1, frames, bands]` with mean 0 and deviation 1 of each band over the frames that are not silent.
/// Frames of zeros alone fill a recording up, and stay zeros.
pub fn colourless(images: &Tensor) -> Tensor {
    let heard = images.amax(&[3], true).gt_scalar(0.0).to_dtype(DType::F32);
    let count = heard.sum(&[2], true).clamp(Some(1.0), None);
    let mean = (images * &heard).sum(&[2], true) / &count;
    let centred = (images - mean) * &heard;
    let variance = centred.square().sum(&[2], true) / count;
    centred / (variance + 1e-3).sqrt()
}

/// ‖x − x̂‖² of images, a mean over them.
pub fn squared_error(made: &Tensor, images: &Tensor) -> Tensor {
    (made - images).square().sum_all() / images.dims()[0] as f64
}

/// Mean and standard deviation of each number of the codes of the training images, measured after each epoch: codes to
/// make new images of are drawn from this normal distribution, because an autoencoder has no prior of its own.
#[derive(Debug)]
pub struct CodeStatistics {
    mean: Tensor,
    deviation: Tensor,
}

module!(CodeStatistics { buffers: mean, deviation });

impl CodeStatistics {
    /// A standard normal distribution, until codes were measured.
    pub fn new(latent: usize) -> CodeStatistics {
        CodeStatistics {
            mean: Tensor::zeros([latent], DType::F32),
            deviation: Tensor::ones([latent], DType::F32),
        }
    }

    /// Measures the codes of all training images.
    pub fn measure(&self, data: &Dataset, encode: impl Fn(&Tensor) -> Tensor) -> Result<()> {
        let count = data.train.dataset().len();
        let codes = no_grad(|| {
            in_portions(count, |start, length| {
                let indices: Vec<usize> = (start..start + length).collect();
                Some(encode(&data.train.images(&indices, Position::default())))
            })
        });
        if let Some(codes) = codes {
            self.mean.assign(&codes.mean(&[0], false))?;
            self.deviation.assign(&codes.std(&[0], 0.0, false))?;
        }
        Ok(())
    }

    /// Codes of the measured distribution, `[count, latent]`.
    pub fn draw(&self, count: usize, rng: &Generator) -> Tensor {
        let noise = rng.normal([count, self.mean.numel()], 0.0, 1.0, DType::F32);
        noise * &self.deviation + &self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_from_the_last_on_and_made_in_their_places() {
        let rng = Generator::new(1);
        let shape = [2, 5, 3];
        let encoder = FrameEncoder::new(shape, 7, 4, &rng);
        let images = rng.uniform([6, 2, 5, 3], 0.0, 1.0, DType::F32);
        let codes = encoder.forward(&images);
        assert_eq!(codes.dims(), [6, 4]);
        // The same by hand: the last row is the first element of the sequence.
        let first = images.select(0, 2);
        let steps: Vec<Tensor> = (0..5).rev().map(|row| first.select(1, row).reshape([1, 1, 6])).collect();
        let (_, last) = encoder.gru.forward(&Tensor::cat(&steps.iter().collect::<Vec<_>>(), 0), None);
        let by_hand = encoder.code.forward(&last.select(0, 0)).to_vec::<f32>();
        for (a, b) in codes.select(0, 2).to_vec::<f32>().iter().zip(by_hand) {
            assert!((a - b).abs() < 1e-6);
        }
        let made = FrameDecoder::new(shape, 7, 4, &rng).forward(&codes);
        assert_eq!(made.dims(), images.dims());
        assert!(made.to_vec::<f32>().iter().all(|&x| (0.0..=1.0).contains(&x)));
    }

    #[test]
    fn the_colour_of_a_recording_is_not_heard() {
        // Two frames of two bands, then silence; the same, louder in one band and softer in the other.
        let heard = |[low, high]: [f32; 2]| {
            let frames = [0.2 * low, 0.6 * high, 0.4 * low, 0.2 * high, 0.0, 0.0];
            colourless(&Tensor::from_slice(&frames, [1, 1, 3, 2])).to_vec::<f32>()
        };
        let deviations = [0.1f32, 0.2].map(|deviation| deviation / (deviation * deviation + 1e-3).sqrt());
        let expected = [-deviations[0], deviations[1], deviations[0], -deviations[1], 0.0, 0.0];
        for (found, expected) in heard([1.0, 1.0]).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        for (found, same) in heard([2.0, 1.5]).iter().zip(expected) {
            assert!((found - same).abs() < 0.06, "{found} {same}");
        }
    }

    #[test]
    fn codes_are_drawn_as_they_were_measured() {
        let statistics = CodeStatistics::new(2);
        statistics.mean.assign(&Tensor::from_slice(&[3.0f32, -1.0], 2)).unwrap();
        statistics.deviation.assign(&Tensor::from_slice(&[0.5f32, 2.0], 2)).unwrap();
        let codes = statistics.draw(20_000, &Generator::new(4));
        for (value, expected) in codes.mean(&[0], false).to_vec::<f32>().iter().zip([3.0, -1.0]) {
            assert!((value - expected).abs() < 0.05);
        }
        for (value, expected) in codes.std(&[0], 0.0, false).to_vec::<f32>().iter().zip([0.5, 2.0]) {
            assert!((value - expected).abs() < 0.05);
        }
        let error = squared_error(&Tensor::ones([2, 3], DType::F32), &Tensor::zeros([2, 3], DType::F32));
        assert_eq!(error.item(), 3.0);
    }
}
