//! What every model of the zoo offers, trained or in training.

use crate::{Error, Result};
use wengert_data::Batch;
use wengert_nn::{Ema, Module, Optimizer};
use wengert_tensor::{DType, Generator, Tensor};

/// A generative model: what can be done with it once it is trained.
///
/// Images are f32 `[batch, channels, height, width]` with values in 0..1, codes are f32 `[batch, code size]`, labels
/// i64 `[batch]`. Its weights and buffers are those of [`Module`], under PyTorch's names.
pub trait Model: Module {
    /// Shape of one image: channels, height, width.
    fn image_shape(&self) -> [usize; 3];

    /// How many numbers make the code of an image.
    fn code_size(&self) -> usize;

    /// How many classes the model is conditioned on; `None` where it takes no labels.
    fn classes(&self) -> Option<usize> {
        None
    }

    /// Codes from the model's prior, `[count, code size]`; a standard normal unless the model says otherwise.
    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        rng.normal([count, self.code_size()], 0.0, 1.0, DType::F32)
    }

    /// Images of codes, conditioned on labels where [`Model::classes`] is given.
    fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Tensor;

    /// The code of each image; `None` for a model without an encoder. Where a code is a distribution, its mean.
    fn encode(&self, _images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        None
    }

    /// Images as the model gives them back; `None` for a model without an encoder.
    fn reconstruct(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.encode(images, labels).map(|codes| self.decode(&codes, labels))
    }
}

/// A model together with what trains it: its optimisers, averages and step rule.
///
/// A step may hold several updates (a critic's, then a generator's). Everything that a step changes must be reachable
/// from here, because a checkpoint stores it by these methods: weights, buffers and generators of [`Training::model`],
/// the optimisers and the averages.
pub trait Training: Send {
    /// The model.
    fn model(&self) -> &dyn Model;

    /// The model, to be changed.
    fn model_mut(&mut self) -> &mut dyn Model;

    /// The losses of one batch as tensors, without an update: what evaluation averages and `wengert graph` prints.
    /// `rng` gives the step's noise.
    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses>;

    /// One training step: losses, gradients, updates. A loss that is not finite must be found before an update, by
    /// [`Losses::check_finite`].
    fn step(&mut self, batch: &Batch, rng: &Generator) -> Result<Losses>;

    /// The optimisers by name, over disjoint sets of parameters.
    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)>;

    /// Averages of weights by name, for models that keep them.
    fn averages(&mut self) -> Vec<(&'static str, &mut Ema)> {
        Vec::new()
    }
}

/// The losses of one batch: scalars, each a mean per image.
#[derive(Debug, Clone)]
pub struct Losses {
    /// The loss that the run reports and chooses its best checkpoint by.
    pub total: Tensor,
    /// Its terms, or the losses of the other players, by name.
    pub terms: Vec<(&'static str, Tensor)>,
}

impl Losses {
    /// An error that names the first loss which is not a finite number.
    pub fn check_finite(&self) -> Result<()> {
        // The total is finite only if every term of it is, so one look is enough when all is well.
        if self.total.item().is_finite() {
            return Ok(());
        }
        let (name, value) = self
            .terms
            .iter()
            .map(|(name, term)| (*name, term.item()))
            .find(|(_, value)| !value.is_finite())
            .unwrap_or(("total", self.total.item()));
        Err(Error::NonFinite(format!("the {name} loss is {value}")))
    }

    /// The values: the total first, then the terms in their order.
    pub fn values(&self) -> Vec<f64> {
        std::iter::once(&self.total)
            .chain(self.terms.iter().map(|(_, term)| term))
            .map(Tensor::item)
            .collect()
    }
}
