//! Speech taken apart into what is said and who says it: a phonetic code and a speaker code, each of its own encoder, and
//! a decoder that needs both.
//!
//! The speaker code is pulled together within a speaker and pushed apart between two. From the phonetic code a
//! discriminator D tells the speaker, and the phonetic encoder learns to leave it in doubt. With phonetic codes p, speaker
//! codes s and K speakers:
//!
//! - D descends the cross-entropy of D(p) to the speaker, on draws of the latest codes: on those of one batch it would learn
//!   the recordings by heart, and fall behind an encoder that moves,
//! - encoders and decoder descend
//!   `‖x − x̂‖² + w·(mean ‖sᵢ − sⱼ‖² over one speaker + mean (m − ‖sᵢ − sⱼ‖²)⁺ over two) + λ·confusion`, where the
//!   confusion is the cross-entropy of D(p) to even shares of all speakers; λ grows as in domain-adversarial training.
//!
//! The phonetic encoder hears each mel band of a recording with mean 0 and deviation 1, so without the colour of a voice
//! and a microphone (instance normalisation, as Chou et al. 2019, <https://arxiv.org/abs/1904.05742>). In training the
//! decoder hears the mean of the speaker codes of all recordings of a speaker in the batch, so that what is
//! said cannot pass by that way; and phonetic codes are normalised, so that nothing hides from D by being small.
//!
//! Speakers are the second sorting of the images ([`ImageDataset::groups`](wengert_data::ImageDataset::groups)). The first
//! numbers of a code are the phonetic ones, the rest the speaker's.
//!
//! The two codes and the contrast are those of the first stage of Chen, Huang, Shen, Lee, Lee: Phonetic-and-Semantic
//! Embedding of Spoken Words with Applications in Spoken Content Retrieval, 2018, <https://arxiv.org/abs/1807.08089>. Its
//! discriminator sees pairs of codes; a classifier of the speakers, as in Chou et al. 2018
//! (<https://arxiv.org/abs/1804.02812>), is harder to deceive. The confusion is that of Tzeng et al. 2015
//! (<https://arxiv.org/abs/1510.02192>), which has a minimum; sizes and weights are ours.

use super::frames::{CodeStatistics, FrameDecoder, FrameEncoder, squared_error};
use super::pairs::Pairs;
use super::seq2seq_ae::LARGEST_GRADIENT;
use crate::config::Ranges;
use crate::domains::dann::ramp;
use crate::domains::targets::accuracy;
use crate::networks::{Nonlinearity, mlp};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Error, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::{Batch, Loader};
use wengert_nn::{Adam, Layer, LayerNorm, Module, Optimizer, Sequential, clip_grad_norm_, module};
use wengert_tensor::{DType, Generator, Reduction, Tensor};

/// Codes in an update of the discriminator.
const DISCRIMINATOR_BATCH: usize = 256;

/// The section `[speaker-disentangle]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Numbers in a phonetic code.
    pub phonetic: usize,
    /// Numbers in a speaker code.
    pub speaker: usize,
    /// Numbers in the state of the recurrent units.
    pub hidden: usize,
    /// K, how many speakers there are.
    pub speakers: usize,
    /// Width of the discriminator's two hidden layers.
    pub discriminator_width: usize,
    /// Updates of the discriminator in a step, each on another draw of the latest codes.
    pub discriminator_steps: usize,
    /// How many of the latest codes these are.
    pub memory: usize,
    /// w, the weight of the speaker codes' contrast.
    pub speaker_weight: f64,
    /// m, the squared distance that codes of two speakers should have.
    pub margin: f64,
    /// What λ grows to; 0 leaves the speaker in the phonetic code.
    pub confusion_weight: f64,
    /// Steps in which λ grows.
    pub ramp_steps: u64,
    /// Adam's learning rate, of encoders and decoder.
    pub learning_rate: f64,
    /// Adam's learning rate, of the discriminator, which has to keep up with codes that change.
    pub discriminator_learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            phonetic: 32,
            speaker: 16,
            hidden: 128,
            speakers: 6,
            discriminator_width: 128,
            discriminator_steps: 10,
            memory: 2048,
            speaker_weight: 1.0,
            margin: 4.0,
            confusion_weight: 5.0,
            ramp_steps: 400,
            learning_rate: 1e-3,
            discriminator_learning_rate: 2e-3,
        }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "speaker-disentangle";
    const DESCRIPTION: &'static str = "speech as a phonetic code without the speaker, and a speaker code";
    const PAPER: &'static str = "Chen et al. 2018, arXiv:1807.08089";
    const DATA: &'static str = "fsdd-mel";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("phonetic", self.phonetic, 1..=4096)?;
        ranges.within("speaker", self.speaker, 1..=4096)?;
        ranges.within("hidden", self.hidden, 1..=4096)?;
        ranges.within("speakers", self.speakers, 2..=255)?;
        ranges.within("discriminator_width", self.discriminator_width, 1..=4096)?;
        ranges.within("discriminator_steps", self.discriminator_steps, 1..=100)?;
        ranges.within("memory", self.memory, 1..=1_000_000)?;
        ranges.within("speaker_weight", self.speaker_weight, 0.0..=1e6)?;
        ranges.within("margin", self.margin, 0.0..=1e6)?;
        ranges.within("confusion_weight", self.confusion_weight, 0.0..=1e6)?;
        ranges.within("ramp_steps", self.ramp_steps, 1..=1_000_000_000)?;
        ranges.learning_rate("learning_rate", self.learning_rate)?;
        ranges.learning_rate("discriminator_learning_rate", self.discriminator_learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        Ok(Box::new(SpeakerTraining::new(self, images, rng)))
    }
}

/// The networks.
#[derive(Debug)]
pub struct SpeakerDisentangle {
    image_shape: [usize; 3],
    phonetic_size: usize,
    speaker_size: usize,
    phonetic: FrameEncoder,
    normalise: LayerNorm,
    speaker: FrameEncoder,
    decoder: FrameDecoder,
    discriminator: Sequential,
    codes: CodeStatistics,
    memory: Memory,
}

module!(SpeakerDisentangle { modules: phonetic, normalise, speaker, decoder, discriminator, codes, memory });

impl SpeakerDisentangle {
    fn code(&self, images: &Tensor) -> Tensor {
        let phonetic = self.normalise.forward(&self.phonetic.forward(&colourless(images)));
        Tensor::cat(&[&phonetic, &self.speaker.forward(images)], 1)
    }
}

/// Log-mel pictures `[N, 1, frames, bands]` with mean 0 and deviation 1 of each band over the frames that are not silent.
/// Frames of zeros alone fill a recording up, and stay zeros.
fn colourless(images: &Tensor) -> Tensor {
    let heard = images.amax(&[3], true).gt_scalar(0.0).to_dtype(DType::F32);
    let count = heard.sum(&[2], true).clamp(Some(1.0), None);
    let mean = (images * &heard).sum(&[2], true) / &count;
    let centred = (images - mean) * &heard;
    let variance = centred.square().sum(&[2], true) / count;
    centred / (variance + 1e-3).sqrt()
}

/// The latest phonetic codes of the training, newest first, and who speaks.
#[derive(Debug)]
struct Memory {
    /// `[memory, phonetic]`.
    codes: Tensor,
    /// i64 `[memory]`.
    speakers: Tensor,
    /// i64 `[1]`, how many have come in.
    count: Tensor,
}

module!(Memory { buffers: codes, speakers, count });

impl Memory {
    fn new(length: usize, size: usize) -> Memory {
        Memory {
            codes: Tensor::zeros([length, size], DType::F32),
            speakers: Tensor::zeros([length], DType::I64),
            count: Tensor::zeros([1], DType::I64),
        }
    }

    /// Takes in the codes `[N, phonetic]` of speakers `[N]`, in the place of the oldest.
    fn add(&self, codes: &Tensor, speakers: &Tensor) -> Result<()> {
        let length = self.speakers.numel();
        self.codes.assign(&Tensor::cat(&[codes, &self.codes], 0).narrow(0, 0, length))?;
        self.speakers.assign(&Tensor::cat(&[speakers, &self.speakers], 0).narrow(0, 0, length))?;
        Ok(self.count.assign(&(&self.count + speakers.numel() as f64))?)
    }

    /// So many codes, drawn from all there are, with their speakers.
    fn draw(&self, count: usize, rng: &Generator) -> (Tensor, Tensor) {
        let known = self.count.to_vec::<i64>()[0].min(self.speakers.numel() as i64);
        let chosen = rng.randint(0, known, [count]);
        (self.codes.index_select(0, &chosen), self.speakers.index_select(0, &chosen))
    }
}

impl Model for SpeakerDisentangle {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.phonetic_size + self.speaker_size
    }

    fn content_size(&self) -> usize {
        self.phonetic_size
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        self.codes.draw(count, rng)
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.decoder.forward(codes))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.code(images))
    }
}

/// The networks with their optimisers.
#[derive(Debug)]
pub struct SpeakerTraining {
    model: SpeakerDisentangle,
    options: Options,
    /// Of encoders and decoder.
    adam: Adam,
    discriminator: Adam,
    /// Training and test images, which know their speakers, once they were shown.
    data: Option<[Loader; 2]>,
}

/// The codes of a batch, and who speaks.
struct Seen {
    phonetic: Tensor,
    speaker: Tensor,
    /// i64 `[N]`.
    speakers: Tensor,
}

/// What an encoder descends that wants a classifier of K classes not to know: the cross-entropy of logits `[N, K]` to
/// even shares, a mean over the rows. Least where all logits of a row are equal; it is ln K there.
pub fn confusion(logits: &Tensor) -> Tensor {
    -logits.log_softmax(1).mean_all()
}

impl SpeakerTraining {
    /// Fresh networks.
    pub fn new(options: Options, images: &ImageSet, rng: &Generator) -> SpeakerTraining {
        let Options { phonetic, speaker, hidden, discriminator_width: width, .. } = options;
        let model = SpeakerDisentangle {
            image_shape: images.shape,
            phonetic_size: phonetic,
            speaker_size: speaker,
            phonetic: FrameEncoder::new(images.shape, hidden, phonetic, rng),
            normalise: LayerNorm::new([phonetic]).affine(false),
            speaker: FrameEncoder::new(images.shape, hidden, speaker, rng),
            decoder: FrameDecoder::new(images.shape, hidden, phonetic + speaker, rng),
            discriminator: mlp(&[phonetic, width, width, options.speakers], Nonlinearity::LeakyReLU, rng),
            codes: CodeStatistics::new(phonetic + speaker),
            memory: Memory::new(options.memory, phonetic),
        };
        model.assign_names();
        let parts: [&dyn Module; 3] = [&model.phonetic, &model.speaker, &model.decoder];
        let parameters = parts.iter().flat_map(|part| part.parameters()).collect();
        let adam = Adam::new(parameters, options.learning_rate);
        let discriminator = Adam::new(model.discriminator.parameters(), options.discriminator_learning_rate);
        SpeakerTraining { model, options, adam, discriminator, data: None }
    }

    /// The codes of a batch of training (0) or test images (1). Before the data was shown, as when the graph is printed,
    /// one voice speaks.
    fn see(&self, batch: &Batch, which: usize) -> Seen {
        let codes = self.model.code(&batch.images);
        let Options { phonetic, speaker, .. } = self.options;
        let groups = self.data.as_ref().and_then(|data| data[which].groups(&batch.indices));
        Seen {
            phonetic: codes.narrow(1, 0, phonetic),
            speaker: codes.narrow(1, phonetic, speaker),
            speakers: groups.unwrap_or_else(|| Tensor::zeros([batch.indices.len()], DType::I64)),
        }
    }

    /// All losses, the confusion with this weight.
    fn weigh(&self, batch: &Batch, seen: &Seen, weight: f64) -> Losses {
        let pairs = Pairs::new(&seen.speakers);
        let heard = Tensor::cat(&[&seen.phonetic, &pairs.mean_of_speaker(&seen.speaker)], 1);
        let made = self.model.decoder.forward(&heard);
        let reconstruction = squared_error(&made, &batch.images);
        let speaker = pairs.contrast(&seen.speaker, self.options.margin);
        let logits = self.model.discriminator.forward(&seen.phonetic);
        let confusion = confusion(&logits);
        let total = &reconstruction + &speaker * self.options.speaker_weight + &confusion * weight;
        let terms = vec![
            ("reconstruction", reconstruction),
            ("speaker", speaker),
            ("confusion", confusion),
            ("discriminator", logits.detach().cross_entropy(&seen.speakers, Reduction::Mean)),
            ("accuracy_speaker", accuracy(&logits, &seen.speakers)),
        ];
        Losses { total, terms }
    }
}

impl Training for SpeakerTraining {
    fn model(&self) -> &dyn Model {
        &self.model
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.model
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        let loaders = [data.train.clone(), data.test.clone()];
        for loader in &loaders {
            let (name, known) = (loader.dataset().name(), self.options.speakers);
            match loader.dataset().groups().map(|groups| groups.names.len()) {
                Some(count) if count <= known => (),
                Some(count) => {
                    return Err(Error::setting(format!(
                        "{name} has {count} speakers, and speaker-disentangle.speakers is {known}"
                    )));
                }
                None => {
                    return Err(Error::setting(format!(
                        "{name} does not say who speaks; this model needs recordings, as --data fsdd-mel"
                    )));
                }
            }
        }
        self.data = Some(loaders);
        Ok(())
    }

    /// On test images, whose speakers are those of the test set.
    fn losses(&self, batch: &Batch, _rng: &Generator) -> Result<Losses> {
        Ok(self.weigh(batch, &self.see(batch, 1), self.options.confusion_weight))
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses> {
        let seen = self.see(batch, 0);
        self.model.memory.add(&seen.phonetic.detach(), &seen.speakers)?;
        for _ in 0..self.options.discriminator_steps {
            let (codes, speakers) = self.model.memory.draw(DISCRIMINATOR_BATCH, rng);
            let loss = self.model.discriminator.forward(&codes).cross_entropy(&speakers, Reduction::Mean);
            self.discriminator.zero_grad();
            loss.backward()?;
            self.discriminator.step()?;
        }
        self.model.discriminator.set_requires_grad(false);
        let progress = (step as f64 / self.options.ramp_steps as f64).min(1.0);
        let losses = self.weigh(batch, &seen, self.options.confusion_weight * ramp(progress));
        losses.check_finite()?;
        self.adam.zero_grad();
        losses.total.backward()?;
        self.model.discriminator.set_requires_grad(true);
        clip_grad_norm_(&self.adam.parameters(), LARGEST_GRADIENT);
        self.adam.step()?;
        Ok(losses)
    }

    fn end_epoch(&mut self, data: &Dataset, _rng: &Generator) -> Result<()> {
        self.model.codes.measure(data, |images| self.model.code(images))
    }

    fn is_ranked_by_loss(&self) -> bool {
        false
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        vec![("adam", &mut self.adam), ("discriminator", &mut self.discriminator)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Position;

    #[test]
    fn confusion_is_least_where_nothing_is_known() {
        let even = Tensor::full([3, 4], 0.7, DType::F32);
        assert!((confusion(&even).item() - 4f64.ln()).abs() < 1e-6);
        // Shares 1/2, 1/4, 1/4: −(ln 1/2 + 2 ln 1/4)/3 = 5/3 ln 2.
        let shares = Tensor::from_slice(&[2f32.ln(), 0.0, 0.0], [1, 3]);
        assert!((confusion(&shares).item() - 5.0 / 3.0 * 2f64.ln()).abs() < 1e-6);
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
    fn the_latest_codes_are_remembered() {
        let memory = Memory::new(4, 1);
        let add = |codes: [f32; 3]| {
            let speakers = Tensor::from_slice(&codes.map(|code| code as i64), 3);
            memory.add(&Tensor::from_slice(&codes, [3, 1]), &speakers).unwrap();
        };
        add([1.0, 2.0, 3.0]);
        let (codes, speakers) = memory.draw(200, &Generator::new(0));
        assert!(
            codes.to_vec::<f32>().iter().all(|code| (1.0..=3.0).contains(code)),
            "nothing that never came in"
        );
        assert_eq!(codes.squeeze(1).to_dtype(DType::I64).to_vec::<i64>(), speakers.to_vec::<i64>());
        add([4.0, 5.0, 6.0]);
        assert_eq!(memory.codes.to_vec::<f32>(), [4.0, 5.0, 6.0, 1.0]);
        assert_eq!(memory.speakers.to_vec::<i64>(), [4, 5, 6, 1]);
    }

    #[test]
    fn players_move_their_own_weights() {
        let rng = Generator::new(1);
        let images = ImageSet { shape: [1, 6, 4], classes: 2 };
        let options = Options { phonetic: 3, speaker: 2, hidden: 5, ..Options::default() };
        let mut training = SpeakerTraining::new(options, &images, &rng);
        let batch = Batch {
            images: rng.uniform([6, 1, 6, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::from_slice(&[0i64, 1, 0, 1, 0, 1], 6),
            indices: (0..6).collect(),
            position: Position::default(),
        };
        let of = |module: &dyn Module| -> Vec<f32> {
            module.parameters().iter().flat_map(|parameter| parameter.to_vec::<f32>()).collect()
        };
        let before = (of(&training.model.phonetic), of(&training.model.discriminator));
        training.step(&batch, &rng, 10).unwrap();
        assert_ne!(before.0, of(&training.model.phonetic));
        assert_ne!(before.1, of(&training.model.discriminator));
        // What the encoders descend leaves no gradient in the discriminator but that of its own last update.
        let own = training.model.discriminator.parameters()[0].grad().unwrap().to_vec::<f32>();
        let seen = training.see(&batch, 0);
        training.model.discriminator.set_requires_grad(false);
        training.weigh(&batch, &seen, 5.0).total.backward().unwrap();
        assert_eq!(training.model.discriminator.parameters()[0].grad().unwrap().to_vec::<f32>(), own);
        let losses = training.losses(&batch, &rng).unwrap().values();
        let expected = losses[1] + losses[2] + 5.0 * losses[3];
        assert!((losses[0] - expected).abs() < 1e-3, "{losses:?}");
    }
}
