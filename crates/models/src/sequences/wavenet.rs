//! WaveNet: a sound is as probable as its samples, each given those before it.
//!
//! `p(x) = Πₜ p(xₜ | x₁ … xₜ₋₁)` over µ-law bytes, so the loss per sound is exact, in nats:
//!
//! `−ln p(x) = Σₜ −ln softmax(logitsₜ)[xₜ]`
//!
//! Causal convolutions of two taps whose distances double from layer to layer see 2ᴸ samples back with L layers; each is
//! gated, tanh ∘ σ, added to its input, and sends a part to the output. Values are read by an embedding, which is what a
//! convolution of one-hot vectors is. Any image is read as its pixels in reading order, channel after channel.
//!
//! A code is the D even numbers that ancestral sampling consumes, one a sample: the same code gives the same sound.
//!
//! van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior, Kavukcuoglu: WaveNet: A Generative Model
//! for Raw Audio, 2016, <https://arxiv.org/abs/1609.03499>. One stack of small layers, for a processor; a batch of 128 of
//! 4096 samples needs some gigabytes, so `--batch 8` is a sensible one. `wengert sample RUN --out sounds.wav` lets hear
//! what it says.

use super::ancestral::{bits_per_dimension, choose, log_likelihood, pixels, quantise};
use super::gated::gate;
use crate::config::Ranges;
use crate::descent::{Descent, Objective};
use crate::registry::{ImageSet, Recipe};
use crate::{Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use wengert_data::Batch;
use wengert_nn::{Adam, Conv1d, Embedding, Layer, Module, module};
use wengert_tensor::ops::conv::Conv1dOptions;
use wengert_tensor::{DType, Generator, Tensor, scope};

/// The section `[wavenet]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Values that a sample may have: 256 keeps bytes.
    pub levels: usize,
    /// Channels of a layer.
    pub width: usize,
    /// Channels of what the layers send to the output.
    pub skip: usize,
    /// Layers, of distances 1, 2, 4, …
    pub layers: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { levels: 256, width: 32, skip: 64, layers: 9, learning_rate: 2e-3 }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "wavenet";
    const DESCRIPTION: &'static str =
        "WaveNet: each sample of speech given those before it, exact likelihood";
    const PAPER: &'static str = "van den Oord et al. 2016, arXiv:1609.03499";
    const DATA: &'static str = "fsdd-mulaw";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("levels", self.levels, 2..=256)?;
        ranges.within("width", self.width, 1..=1024)?;
        ranges.within("skip", self.skip, 1..=1024)?;
        ranges.within("layers", self.layers, 1..=16)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let model = WaveNet::new(&self, images.shape, rng);
        let adam = Adam::new(model.parameters(), self.learning_rate);
        Ok(Box::new(Descent::with(model, NegativeLogLikelihood, adam)))
    }
}

/// A gated layer: `[N, width, T]` to the next layer's input and to what the output hears, `[N, skip, T]`.
#[derive(Debug)]
struct DilatedLayer {
    conv: Conv1d,
    out: Conv1d,
    width: usize,
    dilation: usize,
}

module!(DilatedLayer { modules: conv, out });

impl DilatedLayer {
    fn new(width: usize, skip: usize, dilation: usize, rng: &Generator) -> DilatedLayer {
        DilatedLayer {
            conv: Conv1d::new(width, 2 * width, 2, rng),
            out: Conv1d::new(width, width + skip, 1, rng),
            width,
            dilation,
        }
    }

    fn forward(&self, input: &Tensor) -> (Tensor, Tensor) {
        let options = Conv1dOptions::causal(2, self.dilation);
        self.finish(&input.conv1d(&self.conv.weight, self.conv.bias.as_ref(), options), input)
    }

    /// One time step, from the input `dilation` steps ago and that of now, `[N, width, 1]` each.
    fn step(&self, past: &Tensor, now: &Tensor) -> (Tensor, Tensor) {
        self.finish(&self.conv.forward(&Tensor::cat(&[past, now], 2)), now)
    }

    fn finish(&self, seen: &Tensor, input: &Tensor) -> (Tensor, Tensor) {
        let out = self.out.forward(&gate(seen));
        let skip = out.dims()[1] - self.width;
        (out.narrow(1, 0, self.width) + input, out.narrow(1, self.width, skip))
    }
}

/// The network.
#[derive(Debug)]
pub struct WaveNet {
    image_shape: [usize; 3],
    levels: usize,
    embedding: Embedding,
    layers: Vec<DilatedLayer>,
    hidden: Conv1d,
    head: Conv1d,
}

module!(WaveNet { modules: embedding, layers, hidden, head });

impl WaveNet {
    /// A network for sounds, as images of `[channels, height, width]`.
    pub fn new(options: &Options, image_shape: [usize; 3], rng: &Generator) -> WaveNet {
        let &Options { levels, width, skip, layers, .. } = options;
        let model = WaveNet {
            image_shape,
            levels,
            embedding: Embedding::new(levels, width, rng),
            layers: (0..layers).map(|layer| DilatedLayer::new(width, skip, 1 << layer, rng)).collect(),
            hidden: Conv1d::new(skip, skip, 1, rng),
            head: Conv1d::new(skip, levels, 1, rng),
        };
        model.assign_names();
        model
    }

    /// What the first sample hears before it: silence, the middle of the levels.
    fn silence(&self, count: usize) -> Tensor {
        Tensor::full([count, 1], (self.levels / 2) as f64, DType::I64)
    }

    /// Values i64 `[N, T]` to the first layer's input `[N, width, T]`.
    fn embed(&self, values: &Tensor) -> Tensor {
        self.embedding.forward(values).transpose(1, 2)
    }

    fn read(&self, skips: &Tensor) -> Tensor {
        self.head.forward(&self.hidden.forward(&skips.relu()).relu())
    }

    /// Logits `[N, levels, T]` of values i64 `[N, T]`, each by those before it alone.
    pub fn logits(&self, values: &Tensor) -> Tensor {
        let (count, length) = (values.dims()[0], values.dims()[1]);
        let before = Tensor::cat(&[&self.silence(count), &values.narrow(1, 0, length - 1)], 1);
        let (mut input, skip) = self.layers[0].forward(&self.embed(&before));
        let mut skips = skip;
        for layer in &self.layers[1..] {
            let (next, skip) = layer.forward(&input);
            (input, skips) = (next, skips + skip);
        }
        self.read(&skips)
    }

    /// Logarithm of the probability of values i64 `[N, T]`, `[N]`, in nats.
    pub fn log_likelihood(&self, values: &Tensor) -> Tensor {
        let logits = self.logits(values);
        let _scope = scope::enter("loss");
        log_likelihood(&logits, values)
    }
}

impl Model for WaveNet {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.image_shape.iter().product()
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        rng.uniform([count, self.code_size()], 0.0, 1.0, DType::F32)
    }

    /// Sample by sample, each the level that its number of the code stands for. Every layer keeps the inputs that it will
    /// hear again, so that a sample costs the same wherever it stands.
    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        let (count, length) = (codes.dims()[0], self.code_size());
        let quiet = |layer: &DilatedLayer| {
            let zeros = Tensor::zeros([count, layer.width, 1], DType::F32);
            VecDeque::from(vec![zeros; layer.dilation])
        };
        let mut past: Vec<VecDeque<Tensor>> = self.layers.iter().map(quiet).collect();
        let mut values = vec![self.silence(count)];
        for time in 0..length {
            let mut input = self.embed(&values[time]);
            let mut skips: Option<Tensor> = None;
            for (layer, past) in self.layers.iter().zip(&mut past) {
                let before = past.pop_front()?;
                let (next, skip) = layer.step(&before, &input);
                past.push_back(input);
                skips = Some(match skips {
                    Some(skips) => skips + skip,
                    None => skip,
                });
                input = next;
            }
            let logits = self.read(&skips?).squeeze(2);
            values.push(choose(&logits, &codes.select(1, time as isize)).unsqueeze(1));
        }
        let values = Tensor::cat(&values[1..].iter().collect::<Vec<_>>(), 1);
        let [channels, height, width] = self.image_shape;
        Some(pixels(&values, self.levels).reshape([count, channels, height, width]))
    }
}

/// The negative log-likelihood, in nats an image.
#[derive(Debug)]
struct NegativeLogLikelihood;

impl Objective<WaveNet> for NegativeLogLikelihood {
    fn losses(&self, network: &WaveNet, batch: &Batch, rng: &Generator, _step: Option<u64>) -> Losses {
        let values = quantise(&batch.images.flatten(1, -1), network.levels, rng);
        let total = -network.log_likelihood(&values).mean_all();
        let bits = bits_per_dimension(&total.detach(), network.code_size());
        Losses { total, terms: vec![("bits_per_dimension", bits)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::no_grad;

    fn model(shape: [usize; 3], levels: usize, layers: usize) -> WaveNet {
        let options = Options { levels, width: 4, skip: 5, layers, ..Options::default() };
        WaveNet::new(&options, shape, &Generator::new(1))
    }

    #[test]
    fn a_sample_is_told_by_the_window_before_it_and_by_nothing_else() {
        // Three layers see 2³ = 8 samples back.
        let model = model([1, 1, 20], 3, 3);
        let values = Generator::new(2).randint(0, 3, [1, 20]);
        let logits = model.logits(&values).to_vec::<f32>();
        for changed in 0..20 {
            let mut other = values.to_vec::<i64>();
            other[changed] = (other[changed] + 1) % 3;
            let new = model.logits(&Tensor::from_vec(other, [1, 20])).to_vec::<f32>();
            for time in 0..20 {
                let differs = (0..3).any(|level| logits[level * 20 + time] != new[level * 20 + time]);
                let expected = time > changed && time <= changed + 8;
                assert_eq!(differs, expected, "sample {changed} and logits of sample {time}");
            }
        }
    }

    #[test]
    fn probabilities_of_all_sounds_add_up_to_1() {
        let model = model([1, 1, 4], 3, 2);
        let digits = |sound: i64| [sound / 27, sound / 9 % 3, sound / 3 % 3, sound % 3];
        let values = Tensor::from_vec((0..81).flat_map(digits).collect(), [81, 4]);
        let total = model.log_likelihood(&values).exp().sum_all().item();
        assert!((total - 1.0).abs() < 1e-5, "{total}");
    }

    #[test]
    fn a_sound_made_sample_by_sample_is_what_the_whole_network_would_choose() {
        let model = model([1, 3, 5], 7, 3);
        let rng = Generator::new(3);
        let codes = model.draw_codes(6, &rng);
        let sounds = no_grad(|| model.decode(&codes, None)).unwrap();
        assert_eq!(sounds.dims(), [6, 1, 3, 5]);
        let values = quantise(&sounds.flatten(1, -1), 7, &rng);
        let logits = model.logits(&values);
        for time in 0..15 {
            let chosen = choose(&logits.select(2, time), &codes.select(1, time));
            assert_eq!(chosen.to_vec::<i64>(), values.select(1, time).to_vec::<i64>(), "sample {time}");
        }
    }
}
