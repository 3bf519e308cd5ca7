//! A sequence-to-sequence autoencoder: gated recurrent units read the rows of an image, the frames of speech, into a code
//! of fixed length, and others make the rows out of it.
//!
//! Loss per image: `‖x − x̂‖²`, over pixels from 0 to 1.
//!
//! Chung, Wu, Shen, Lee, Lee: Audio Word2Vec: Unsupervised Learning of Audio Segment Representations using
//! Sequence-to-sequence Autoencoder, 2016, <https://arxiv.org/abs/1603.00982>. As in the unconditioned decoder of
//! Srivastava et al. (<https://arxiv.org/abs/1502.04681>) the decoder does not hear the row before, which would let it do
//! without the code; it hears the code instead. The sizes are ours. New images are made of codes drawn from a normal
//! distribution with the mean and deviation that the training codes have.

use super::frames::{CodeStatistics, FrameDecoder, FrameEncoder, squared_error};
use crate::config::Ranges;
use crate::registry::{ImageSet, Recipe};
use crate::{Dataset, Losses, Model, Result, Training};
use serde::{Deserialize, Serialize};
use wengert_data::Batch;
use wengert_nn::{Adam, Layer, Module, Optimizer, clip_grad_norm_, module};
use wengert_tensor::{Generator, Tensor};

/// Bound of the norm of all gradients together: those of long sequences may burst.
pub(crate) const LARGEST_GRADIENT: f64 = 5.0;

/// The section `[seq2seq-ae]` of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Numbers in a code.
    pub latent: usize,
    /// Numbers in the state of the recurrent units.
    pub hidden: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { latent: 32, hidden: 128, learning_rate: 2e-3 }
    }
}

impl Recipe for Options {
    const NAME: &'static str = "seq2seq-ae";
    const DESCRIPTION: &'static str = "sequence-to-sequence autoencoder of speech: gated recurrent units";
    const PAPER: &'static str = "Chung et al. 2016, arXiv:1603.00982";
    const DATA: &'static str = "fsdd-mel";

    fn check(&self, ranges: &Ranges) -> Result<()> {
        ranges.within("latent", self.latent, 1..=4096)?;
        ranges.within("hidden", self.hidden, 1..=4096)?;
        ranges.learning_rate("learning_rate", self.learning_rate)
    }

    fn build(self, images: &ImageSet, rng: &Generator) -> Result<Box<dyn Training>> {
        let model = Seq2SeqAe {
            image_shape: images.shape,
            latent: self.latent,
            encoder: FrameEncoder::new(images.shape, self.hidden, self.latent, rng),
            decoder: FrameDecoder::new(images.shape, self.hidden, self.latent, rng),
            codes: CodeStatistics::new(self.latent),
        };
        model.assign_names();
        let adam = Adam::new(model.parameters(), self.learning_rate);
        Ok(Box::new(Seq2SeqAeTraining { model, adam }))
    }
}

/// The network.
#[derive(Debug)]
pub struct Seq2SeqAe {
    image_shape: [usize; 3],
    latent: usize,
    encoder: FrameEncoder,
    decoder: FrameDecoder,
    codes: CodeStatistics,
}

module!(Seq2SeqAe { modules: encoder, decoder, codes });

impl Model for Seq2SeqAe {
    fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    fn code_size(&self) -> usize {
        self.latent
    }

    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        self.codes.draw(count, rng)
    }

    fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.decoder.forward(codes))
    }

    fn encode(&self, images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        Some(self.encoder.forward(images))
    }
}

/// The network with its optimiser.
#[derive(Debug)]
pub struct Seq2SeqAeTraining {
    model: Seq2SeqAe,
    adam: Adam,
}

impl Training for Seq2SeqAeTraining {
    fn model(&self) -> &dyn Model {
        &self.model
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.model
    }

    fn losses(&self, batch: &Batch, _rng: &Generator) -> Result<Losses> {
        let made = self.model.decoder.forward(&self.model.encoder.forward(&batch.images));
        let reconstruction = squared_error(&made, &batch.images);
        Ok(Losses { total: reconstruction.clone(), terms: vec![("reconstruction", reconstruction)] })
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, _step: u64) -> Result<Losses> {
        let losses = self.losses(batch, rng)?;
        losses.check_finite()?;
        self.adam.zero_grad();
        losses.total.backward()?;
        clip_grad_norm_(&self.adam.parameters(), LARGEST_GRADIENT);
        self.adam.step()?;
        Ok(losses)
    }

    fn end_epoch(&mut self, data: &Dataset, _rng: &Generator) -> Result<()> {
        self.model.codes.measure(data, |images| self.model.encoder.forward(images))
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        vec![("adam", &mut self.adam)]
    }
}
