//! Speech taken apart into what is said and who says it: a phonetic code and a speaker code, each of its own encoder, and
//! a decoder that needs both.
//!
//! The speaker code is pulled together within a speaker and pushed apart between two. From the phonetic code a
//! discriminator D tells the speaker, and the phonetic encoder learns to leave it in doubt. With phonetic codes p, speaker
//! codes s and K speakers:
//!
//! - D descends the cross-entropy of D(p) to the speaker, on draws of the latest codes: on those of one batch it would learn
//!   the recordings by heart, and fall behind an encoder that moves,
//! - encoders, decoder and a linear classifier C of words descend
//!   `‖x − x̂‖² + w·(mean ‖sᵢ − sⱼ‖² over one speaker + mean (m − ‖sᵢ − sⱼ‖²)⁺ over two) + λ·confusion + μ·CE(C(p))`,
//!   where the confusion is the cross-entropy of D(p) to even shares of all speakers, and λ grows as in domain-adversarial
//!   training; the last term is of a few recordings whose words are known (`--set speaker-disentangle.labels=0`: none).
//!
//! What keeps the speaker out:
//!
//! - Phonetic codes are signs, −1 or 1, with the gradient of tanh (the straight-through estimator of Bengio et al. 2013,
//!   <https://arxiv.org/abs/1308.3432>). A code of real numbers can hide a speaker from D in digits that D does not
//!   resolve and a fresh classifier does; that a bottleneck of discrete codes leaves the speaker to the decoder was seen by
//!   Chorowski et al. 2019, <https://arxiv.org/abs/1901.08810>.
//! - The phonetic encoder hears each mel band of a recording with mean 0 and deviation 1, so without the colour of a voice
//!   and a microphone (instance normalisation, as Chou et al. 2019, <https://arxiv.org/abs/1904.05742>), and in training
//!   with all its frequencies raised or lowered, as by another length of the vocal tract (Jaitly & Hinton: Vocal Tract Length
//!   Perturbation improves speech recognition, 2013), and spoken faster or slower (Ko et al.: Audio augmentation for speech
//!   recognition, 2015).
//! - In training the decoder hears the mean of the speaker codes of all recordings of a speaker in the batch, so that what
//!   is said cannot pass by that way.
//!
//! A few bits are not enough to make a recording, and nothing else in the loss asks that they be spent on the word. A few
//! labels do, as Locatello et al. 2020 propose for factors in general, <https://arxiv.org/abs/1905.01258>.
//!
//! Speakers are the second sorting of the images ([`ImageDataset::groups`](wengert_data::ImageDataset::groups)). The first
//! numbers of a code are the phonetic ones, the rest the speaker's.
//!
//! The two codes and the contrast are those of the first stage of Chen, Huang, Shen, Lee, Lee: Phonetic-and-Semantic
//! Embedding of Spoken Words with Applications in Spoken Content Retrieval, 2018, <https://arxiv.org/abs/1807.08089>. Its
//! discriminator sees pairs of codes; a classifier of the speakers, as in Chou et al. 2018
//! (<https://arxiv.org/abs/1804.02812>), is harder to deceive. The confusion is that of Tzeng et al. 2015
//! (<https://arxiv.org/abs/1510.02192>), which has a minimum; signs, labels, sizes and weights are ours.

use super::frames::{CodeStatistics, FrameDecoder, FrameEncoder, colourless, squared_error};
use super::latest::LatestCodes;
use super::pairs::Pairs;
use super::seq2seq_ae::LARGEST_GRADIENT;
use crate::augmentation::stretched;
use crate::config::Ranges;
use crate::descent::decay;
use crate::domains::dann::ramp;
use crate::domains::targets::accuracy;
use crate::few_labels::FewLabels;
use crate::networks::{Nonlinearity, mlp};
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Error, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::{Batch, Loader};
use wengert_nn::{Adam, BatchNorm1d, Layer, Linear, Module, Optimizer, Sequential, clip_grad_norm_, module};
use wengert_tensor::autograd::straight_through;
use wengert_tensor::{DType, Generator, Reduction, Tensor};

/// Codes in an update of the discriminator.
const DISCRIMINATOR_BATCH: usize = 256;

/// The section `[speaker-disentangle]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Signs in a phonetic code.
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
    /// Recordings whose word is known, the same number of each word; 0 for none.
    pub labels: usize,
    /// μ, the weight of the words of these.
    pub label_weight: f64,
    /// By what share at most the phonetic encoder hears the frequencies of a recording raised or lowered in training.
    pub vocal_tract: f64,
    /// By what share at most it hears a recording faster or slower.
    pub tempo: f64,
    /// Steps in which the learning rate of encoders and decoder falls to 0 along half a cosine; 0 for a constant one.
    pub decay_steps: u64,
    /// Adam's learning rate, of encoders and decoder.
    pub learning_rate: f64,
    /// Adam's learning rate, of the discriminator, which has to keep up with codes that change.
    pub discriminator_learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            phonetic: 12,
            speaker: 16,
            hidden: 128,
            speakers: 6,
            discriminator_width: 128,
            discriminator_steps: 10,
            memory: 2048,
            speaker_weight: 1.0,
            margin: 4.0,
            confusion_weight: 300.0,
            ramp_steps: 400,
            labels: 600,
            label_weight: 300.0,
            vocal_tract: 0.15,
            tempo: 0.2,
            decay_steps: 0,
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
        ranges.within("labels", self.labels, 0..=1_000_000)?;
        ranges.within("label_weight", self.label_weight, 0.0..=1e6)?;
        ranges.within("vocal_tract", self.vocal_tract, 0.0..=0.9)?;
        ranges.within("tempo", self.tempo, 0.0..=0.9)?;
        ranges.within("decay_steps", self.decay_steps, 0..=1_000_000_000)?;
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
    /// Whether labels teach the words.
    knows_words: bool,
    phonetic: FrameEncoder,
    normalise: BatchNorm1d,
    speaker: FrameEncoder,
    decoder: FrameDecoder,
    discriminator: Sequential,
    /// Logits of the words.
    words: Linear,
    speaker_codes: CodeStatistics,
    latest: LatestCodes,
}

module!(SpeakerDisentangle {
    modules: phonetic, normalise, speaker, decoder, discriminator, words, speaker_codes, latest;
});

impl SpeakerDisentangle {
    /// Signs `[N, phonetic]`; the gradient goes past the choice to the encoder.
    fn phonetic_code(&self, images: &Tensor) -> Tensor {
        let numbers = self.normalise.forward(&self.phonetic.forward(&colourless(images))).tanh();
        let signs = numbers.gt_scalar(0.0).to_dtype(DType::F32) * 2.0 - 1.0;
        straight_through(&numbers, &signs)
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

    /// What was said of late in training, by new speakers.
    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        let (phonetic, _) = self.latest.draw(count, rng);
        Tensor::cat(&[&phonetic, &self.speaker_codes.draw(count, rng)], 1)
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.decoder.forward(codes))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(Tensor::cat(&[&self.phonetic_code(images), &self.speaker.forward(images)], 1))
    }

    fn classify(&self, images: &Tensor) -> Option<Tensor> {
        self.knows_words.then(|| self.words.forward(&self.phonetic_code(images)))
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
    /// The recordings whose words are known.
    labelled: Option<FewLabels>,
}

/// The codes of a batch, and who speaks.
struct Heard {
    phonetic: Tensor,
    speaker: Tensor,
    /// i64 `[N]`.
    speakers: Tensor,
    /// Phonetic codes of recordings whose words are known, and the words, i64 `[M]`.
    words: Option<(Tensor, Tensor)>,
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
            knows_words: options.labels > 0,
            phonetic: FrameEncoder::new(images.shape, hidden, phonetic, rng),
            normalise: BatchNorm1d::new(phonetic).affine(false),
            speaker: FrameEncoder::new(images.shape, hidden, speaker, rng),
            decoder: FrameDecoder::new(images.shape, hidden, phonetic + speaker, rng),
            discriminator: mlp(&[phonetic, width, width, options.speakers], Nonlinearity::LeakyReLU, rng),
            words: Linear::new(phonetic, images.classes, rng),
            speaker_codes: CodeStatistics::new(speaker),
            latest: LatestCodes::new(options.memory, phonetic),
        };
        model.assign_names();
        let parts: [&dyn Module; 4] = [&model.phonetic, &model.speaker, &model.decoder, &model.words];
        let parameters = parts.iter().flat_map(|part| part.parameters()).collect();
        let adam = Adam::new(parameters, options.learning_rate);
        let discriminator = Adam::new(model.discriminator.parameters(), options.discriminator_learning_rate);
        SpeakerTraining { model, options, adam, discriminator, data: None, labelled: None }
    }

    /// The codes of a batch of training (0) or test images (1). Before the data was shown, as when the graph is printed, one
    /// voice speaks and no word is known.
    fn hear(&self, batch: &Batch, which: usize, rng: &Generator) -> Heard {
        let count = batch.indices.len();
        let groups = self.data.as_ref().and_then(|data| data[which].groups(&batch.indices));
        // All stretched, and in one batch: batch normalisation is to see one.
        let few = self.labelled.as_ref().map(|labelled| labelled.draw(count, rng));
        let shown = match &few {
            Some(few) => Tensor::cat(&[&batch.images, &few.images], 0),
            None => batch.images.clone(),
        };
        let Options { vocal_tract, tempo, .. } = self.options;
        let shown = if which == 0 { stretched(&shown, vocal_tract, tempo, rng) } else { shown };
        let phonetic = self.model.phonetic_code(&shown);
        Heard {
            words: few.map(|few| (phonetic.narrow(0, count, few.labels.numel()), few.labels)),
            phonetic: phonetic.narrow(0, 0, count),
            speaker: self.model.speaker.forward(&batch.images),
            speakers: groups.unwrap_or_else(|| Tensor::zeros([count], DType::I64)),
        }
    }

    /// All losses, the confusion with this weight.
    fn weigh(&self, batch: &Batch, heard: &Heard, weight: f64) -> Losses {
        let pairs = Pairs::new(&heard.speakers);
        let code = Tensor::cat(&[&heard.phonetic, &pairs.mean_of_speaker(&heard.speaker)], 1);
        let made = self.model.decoder.forward(&code);
        let reconstruction = squared_error(&made, &batch.images);
        let speaker = pairs.contrast(&heard.speaker, self.options.margin);
        let logits = self.model.discriminator.forward(&heard.phonetic);
        let confusion = confusion(&logits);
        let mut total = &reconstruction + &speaker * self.options.speaker_weight + &confusion * weight;
        let mut terms = vec![
            ("reconstruction", reconstruction),
            ("speaker", speaker),
            ("confusion", confusion),
            ("discriminator", logits.detach().cross_entropy(&heard.speakers, Reduction::Mean)),
            ("accuracy_speaker", accuracy(&logits, &heard.speakers)),
        ];
        if let Some((codes, words)) = &heard.words {
            let loss = self.model.words.forward(codes).cross_entropy(words, Reduction::Mean);
            total = total + &loss * self.options.label_weight;
            terms.push(("words", loss));
        }
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
        if self.options.labels > 0 {
            let few =
                FewLabels::first_of_each_class(data, self.options.labels, "speaker-disentangle.labels")?;
            self.labelled = Some(few);
        }
        Ok(())
    }

    /// On test images, whose speakers are those of the test set.
    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses> {
        Ok(self.weigh(batch, &self.hear(batch, 1, rng), self.options.confusion_weight))
    }

    fn set_rates(&mut self, step: u64) {
        self.adam.scale_learning_rate(decay(self.options.decay_steps).factor(step));
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses> {
        self.set_rates(step);
        let heard = self.hear(batch, 0, rng);
        self.model.latest.add(&heard.phonetic.detach(), &heard.speakers)?;
        for _ in 0..self.options.discriminator_steps {
            let (codes, speakers) = self.model.latest.draw(DISCRIMINATOR_BATCH, rng);
            let loss = self.model.discriminator.forward(&codes).cross_entropy(&speakers, Reduction::Mean);
            self.discriminator.zero_grad();
            loss.backward()?;
            self.discriminator.step()?;
        }
        self.model.discriminator.set_requires_grad(false);
        let progress = (step as f64 / self.options.ramp_steps as f64).min(1.0);
        let losses = self.weigh(batch, &heard, self.options.confusion_weight * ramp(progress));
        losses.check_finite()?;
        self.adam.zero_grad();
        losses.total.backward()?;
        self.model.discriminator.set_requires_grad(true);
        // Each by itself: the large gradients of the phonetic encoder are not to take their share from the others.
        let SpeakerDisentangle { phonetic, speaker, decoder, .. } = &self.model;
        for part in [phonetic.parameters(), speaker.parameters(), decoder.parameters()] {
            clip_grad_norm_(&part, LARGEST_GRADIENT);
        }
        self.adam.step()?;
        Ok(losses)
    }

    fn end_epoch(&mut self, data: &Dataset, _rng: &Generator) -> Result<()> {
        self.model.speaker_codes.measure(data, |images| self.model.speaker.forward(images))
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
    fn players_move_their_own_weights() {
        let rng = Generator::new(1);
        let images = ImageSet { shape: [1, 6, 4], classes: 2 };
        let options = Options { phonetic: 3, speaker: 2, hidden: 5, label_weight: 7.0, ..Options::default() };
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
        let heard = training.hear(&batch, 0, &rng);
        training.model.discriminator.set_requires_grad(false);
        training.weigh(&batch, &heard, 5.0).total.backward().unwrap();
        assert_eq!(training.model.discriminator.parameters()[0].grad().unwrap().to_vec::<f32>(), own);
        training.labelled = Some(FewLabels::of_batch(&batch));
        let losses = training.losses(&batch, &rng).unwrap();
        let term = |name| losses.terms.iter().find(|(term, _)| *term == name).unwrap().1.item();
        let expected =
            term("reconstruction") + term("speaker") + 300.0 * term("confusion") + 7.0 * term("words");
        assert!((losses.total.item() - expected).abs() < 1e-2, "{expected}");
    }

    #[test]
    fn phonetic_codes_are_signs_and_pass_their_gradient() {
        let rng = Generator::new(2);
        let images = ImageSet { shape: [1, 6, 4], classes: 2 };
        let options = Options { phonetic: 3, speaker: 2, hidden: 5, labels: 0, ..Options::default() };
        let training = SpeakerTraining::new(options, &images, &rng);
        let pictures = rng.uniform([8, 1, 6, 4], 0.0, 1.0, DType::F32);
        let codes = training.model.phonetic_code(&pictures);
        assert!(codes.to_vec::<f32>().iter().all(|sign| sign.abs() == 1.0));
        (codes * rng.normal([8, 3], 0.0, 1.0, DType::F32)).sum_all().backward().unwrap();
        let gradient = training.model.phonetic.parameters()[0].grad().expect("a gradient").to_vec::<f32>();
        assert!(gradient.iter().any(|&value| value != 0.0));
        assert!(training.model.classify(&pictures).is_none(), "no word was taught");
        assert_eq!(training.model.draw_codes(4, &rng).dims(), [4, 5]);
    }
}
