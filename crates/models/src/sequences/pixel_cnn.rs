//! The gated PixelCNN: an image is as probable as its pixels, each given those before it.
//!
//! `p(x) = Πᵢ p(xᵢ | x₁ … xᵢ₋₁)` in reading order, so the loss per image is exact, in nats:
//!
//! `−ln p(x) = Σᵢ −ln softmax(logitsᵢ)[xᵢ]`
//!
//! A vertical stack sees the rows above and a horizontal one the pixels to the left, so that nothing before a pixel is
//! out of sight; each layer is gated, tanh ∘ σ. The colours of a pixel follow one another like pixels of a row.
//!
//! A code is the D even numbers that ancestral sampling consumes, one a pixel: the same code gives the same image.
//!
//! van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves, Kavukcuoglu: Conditional Image Generation with PixelCNN
//! Decoders, 2016, <https://arxiv.org/abs/1606.05328>. The 7×7 of the first layer and the 3×3 of the others are those of
//! PixelCNN (<https://arxiv.org/abs/1601.06759>, which reports 81.30 nats on statically binarised MNIST); the width and
//! depth are ours, for a processor.

use super::ancestral::{bits_per_dimension, choose, log_likelihood, pixels, quantise};
use super::gated::{GatedLayer, Progress};
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Conv2d, Layer, Module, module};
use wengert_tensor::{DType, Generator, Tensor, scope};

/// How far the first layer looks: 7×7.
const FIRST_RADIUS: usize = 3;

/// The section `[pixel-cnn]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Values that a pixel may have: 2 draws black or white by its brightness, 256 keeps bytes.
    pub levels: usize,
    /// Channels of a layer.
    pub width: usize,
    /// Gated layers.
    pub layers: usize,
    /// How many rows and pixels a layer after the first looks back.
    pub radius: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { levels: 2, width: 32, layers: 6, radius: 1, learning_rate: 1e-3 }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "pixel-cnn";
    const DESCRIPTION: &'static str = "gated PixelCNN: each pixel given those before it, exact likelihood";
    const PAPER: &'static str = "van den Oord et al. 2016, arXiv:1606.05328";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("levels", self.levels, 2..=256)?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.within("layers", self.layers, 1..=64)?;
        ranges.within("radius", self.radius, 1..=16)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let model = PixelCnn::new(&self, images.shape, rng);
        let adam = Adam::new(model.parameters(), self.learning_rate);
        Ok(Box::new(Descent::with(model, NegativeLogLikelihood, adam)))
    }
}

/// The network.
#[derive(Debug)]
pub struct PixelCnn {
    image_shape: [usize; 3],
    levels: usize,
    width: usize,
    layers: Vec<GatedLayer>,
    hidden: Conv2d,
    head: Conv2d,
}

module!(PixelCnn { modules: layers, hidden, head });

impl PixelCnn {
    /// A network for images of `[channels, height, width]`.
    pub fn new(options: &Options, image_shape: [usize; 3], rng: &Generator) -> PixelCnn {
        let &Options { levels, width, layers, radius, .. } = options;
        let layer = |index| match index {
            0 => GatedLayer::new(width, FIRST_RADIUS, true, rng),
            _ => GatedLayer::new(width, radius, false, rng),
        };
        let model = PixelCnn {
            image_shape,
            levels,
            width,
            layers: (0..layers).map(layer).collect(),
            hidden: Conv2d::new(width, width, 1, rng),
            head: Conv2d::new(width, levels, 1, rng),
        };
        model.assign_names();
        model
    }

    /// Rows and columns of the plane that the network reads: a pixel's colours side by side.
    fn plane(&self) -> [usize; 2] {
        let [channels, height, width] = self.image_shape;
        [height, width * channels]
    }

    /// Images `[N, C, H, W]` as planes `[N, 1, H, W·C]`.
    fn to_plane(&self, images: &Tensor) -> Tensor {
        let [height, width] = self.plane();
        images.permute(&[0, 2, 3, 1]).reshape([images.dims()[0], 1, height, width])
    }

    /// Logits `[N, levels, H, W·C]` of the pixels of planes, each by those before it alone.
    pub fn logits(&self, planes: &Tensor) -> Tensor {
        let (mut vertical, mut horizontal) = (planes.clone(), planes.clone());
        for layer in &self.layers {
            (vertical, horizontal) = layer.forward(&vertical, &horizontal);
        }
        self.read(&horizontal)
    }

    fn read(&self, features: &Tensor) -> Tensor {
        self.head.forward(&self.hidden.forward(&features.relu()).relu())
    }

    /// Logarithm of the probability of images in levels, `[N]`, in nats.
    pub fn log_likelihood(&self, values: &Tensor) -> Tensor {
        let planes = self.to_plane(values);
        let logits = self.logits(&pixels(&planes, self.levels));
        let _scope = scope::enter("loss");
        log_likelihood(&logits.flatten(2, -1), &planes.flatten(1, -1))
    }
}

impl Model for PixelCnn {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.image_shape.iter().product()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        rng.uniform([count, self.code_size()], 0.0, 1.0, DType::F32)
    }

    /// Pixel by pixel in reading order, each the level that its number of the code stands for.
    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let (count, [height, width]) = (codes.dims()[0], self.plane());
        let [channels, ..] = self.image_shape;
        let mut progress = Progress::new(&self.layers, count, self.width, width);
        let mut rows: Vec<Tensor> = Vec::with_capacity(height);
        for row in 0..height {
            progress.begin_row(rows.last().cloned());
            let mut values: Vec<Tensor> = Vec::with_capacity(width);
            for column in 0..width {
                let features = progress.features(column, values.last().cloned());
                let logits = self.read(&features).flatten(1, -1);
                let level = choose(&logits, &codes.select(1, (row * width + column) as isize));
                values.push(pixels(&level, self.levels).reshape([count, 1, 1, 1]));
            }
            rows.push(Tensor::cat(&values.iter().collect::<Vec<_>>(), 3));
        }
        let planes = Tensor::cat(&rows.iter().collect::<Vec<_>>(), 2);
        Some(planes.reshape([count, height, width / channels, channels]).permute(&[0, 3, 1, 2]).contiguous())
    }

    /// The likelihood is exact and needs no codes, so every sample has the same weight.
    fn log_weights(
        &self,
        images: &Tensor,
        _labels: Option<&Tensor>,
        samples: usize,
        rng: &Generator,
    ) -> Option<Tensor> {
        let weights = self.log_likelihood(&quantise(images, self.levels, rng));
        Some(weights.unsqueeze(0).repeat(&[samples, 1]))
    }
}

/// The negative log-likelihood, in nats an image.
#[derive(Debug)]
struct NegativeLogLikelihood;

impl Objective<PixelCnn> for NegativeLogLikelihood {
    fn losses(&self, network: &PixelCnn, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let values = quantise(&batch.images, network.levels, rng);
        let total = -network.log_likelihood(&values).mean_all();
        let bits = bits_per_dimension(&total.detach(), network.code_size());
        Losses { total, terms: vec![("bits_per_dimension", bits)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::no_grad;

    fn model(shape: [usize; 3], levels: usize) -> PixelCnn {
        let options = Options { levels, width: 4, layers: 3, ..Options::default() };
        PixelCnn::new(&options, shape, &Generator::new(1))
    }

    #[test]
    fn a_pixel_is_told_by_those_before_it_and_by_all_of_them() {
        let model = model([1, 5, 6], 3);
        for at in [0, 1, 9, 15, 29] {
            let planes = Generator::new(2).uniform([1, 1, 5, 6], 0.0, 1.0, DType::F32).requires_grad_(true);
            let logits = model.logits(&planes).flatten(2, -1);
            logits.narrow(2, at, 1).square().sum_all().backward().unwrap();
            let gradient = planes.grad().unwrap().to_vec::<f32>();
            for (pixel, slope) in gradient.iter().enumerate() {
                assert_eq!(*slope != 0.0, pixel < at, "pixel {at} and pixel {pixel}: {slope}");
            }
        }
    }

    #[test]
    fn probabilities_of_all_images_add_up_to_1() {
        let model = model([1, 2, 3], 2);
        let bits = |image: i64| (0..6).map(move |pixel| image >> pixel & 1);
        let values = Tensor::from_vec((0..64).flat_map(bits).collect(), [64, 1, 2, 3]);
        let total = model.log_likelihood(&values).exp().sum_all().item();
        assert!((total - 1.0).abs() < 1e-5, "{total}");
    }

    #[test]
    fn an_image_grown_pixel_by_pixel_is_what_the_whole_network_would_choose() {
        for (shape, levels) in [([1, 6, 5], 4), ([3, 4, 3], 2)] {
            let model = model(shape, levels);
            let rng = Generator::new(3);
            let codes = model.draw_codes(7, &rng);
            let images = no_grad(|| model.decode(&codes, None)).unwrap();
            assert_eq!(images.dims()[1..], shape);
            let planes = model.to_plane(&images);
            let logits = model.logits(&planes).flatten(2, -1);
            let values = quantise(&planes.flatten(1, -1), levels, &rng);
            for pixel in 0..model.code_size() {
                let at = pixel as isize;
                let chosen = choose(&logits.select(2, at), &codes.select(1, at));
                assert_eq!(chosen.to_vec::<i64>(), values.select(1, at).to_vec::<i64>(), "pixel {pixel}");
            }
        }
    }

    #[test]
    fn steps_lower_the_loss() {
        let rng = Generator::new(5);
        let images = ImageSet { shape: [1, 4, 4], classes: 10 };
        let options = Options { width: 8, layers: 2, learning_rate: 0.01, ..Options::default() };
        let mut training = options.build(&images, &rng).unwrap();
        let batch = Batch {
            images: Tensor::from_vec((0..64).map(|i| (i / 2 % 2) as f32).collect(), [4, 1, 4, 4]),
            labels: Tensor::zeros([4], DType::I64),
            indices: vec![0, 1, 2, 3],
            position: wengert_data::Position::default(),
        };
        let losses: Vec<f64> =
            (0..60).map(|step| training.step(&batch, &rng, step).unwrap().values()[0]).collect();
        assert!(losses[59] < 0.5 * losses[0], "{losses:?}");
    }
}
