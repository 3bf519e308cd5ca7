//! What every model of the zoo offers, trained or in training.

use crate::{Dataset, Error, Result};
use wengert_data::Batch;
use wengert_nn::{Module, Optimizer};
use wengert_tensor::inspect::Graph;
use wengert_tensor::step::is_recorded;
use wengert_tensor::{DType, Generator, Tensor};

/// One part of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePart {
    /// A number that may take any value.
    Number,
    /// One of so many values, written as a one-hot vector of that width.
    Category(usize),
}

impl CodePart {
    /// How many numbers of the code it takes.
    pub fn width(self) -> usize {
        match self {
            CodePart::Number => 1,
            CodePart::Category(values) => values,
        }
    }

    /// How many values it can take.
    pub fn values(self) -> usize {
        match self {
            CodePart::Number => usize::MAX,
            CodePart::Category(values) => values,
        }
    }
}

/// A model: what can be done with it once it is trained. What a model cannot do gives `None`.
///
/// Images are f32 `[batch, channels, height, width]` with values in 0..1, codes are f32 `[batch, code size]`, labels
/// i64 `[batch]`. Its weights and buffers are those of [`Module`], under PyTorch's names.
pub trait Model: Module {
    /// Shape of one image: channels, height, width.
    fn image_shape(&self) -> [usize; 3];

    /// How many numbers make the code of an image; 0 for a model that makes no images.
    fn code_size(&self) -> usize;

    /// How many numbers, the first of a code, are to hold what is shown; the rest hold who or what shows it. All, unless a
    /// model takes the two apart.
    fn content_size(&self) -> usize {
        self.code_size()
    }

    /// How many classes the model is conditioned on; `None` where it takes no labels.
    fn classes(&self) -> Option<usize> {
        None
    }

    /// What a code is made of, in its order: numbers only, unless the model says otherwise.
    fn code_parts(&self) -> Vec<CodePart> {
        vec![CodePart::Number; self.code_size()]
    }

    /// Codes from the model's prior, `[count, code size]`; a standard normal unless the model says otherwise.
    fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
        rng.normal([count, self.code_size()], 0.0, 1.0, DType::F32)
    }

    /// Codes whose images are of the kind of the data set, to be judged beside those: [`Model::draw_codes`], unless the model
    /// makes other kinds as well.
    fn draw_codes_to_judge(&self, count: usize, rng: &Generator) -> Tensor {
        self.draw_codes(count, rng)
    }

    /// Images of codes, conditioned on labels where [`Model::classes`] is given.
    fn decode(&self, _codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        None
    }

    /// The code of each image. Where a code is a distribution, its mean.
    fn encode(&self, _images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        None
    }

    /// What the layer before the codes says of each image, `[batch, features]`: given where a paper measures what was
    /// learned there instead of in the codes.
    fn features(&self, _images: &Tensor) -> Option<Tensor> {
        None
    }

    /// Images as the model gives them back.
    fn reconstruct(&self, images: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
        self.decode(&self.encode(images, labels)?, labels)
    }

    /// Logits of the classes of images, `[batch, classes]`, by a model that was shown labels.
    fn classify(&self, _images: &Tensor) -> Option<Tensor> {
        None
    }

    /// Logits of the groups that a model sorts images into by itself, `[batch, groups]`.
    fn cluster(&self, _images: &Tensor) -> Option<Tensor> {
        None
    }

    /// Logarithms of `samples` importance weights p(x, z) / q(z | x) of each image, `[samples, batch]`, in nats: their
    /// mean is the evidence lower bound, the logarithm of their mean a bound that tightens with their number
    /// (Burda et al., 2016).
    fn log_weights(
        &self,
        _images: &Tensor,
        _labels: Option<&Tensor>,
        _samples: usize,
        _rng: &Generator,
    ) -> Option<Tensor> {
        None
    }

    /// ln p(x | z) in nats of images under codes `[batch, code size]`, with gradients: `[batch]`. Only of models whose
    /// codes have the prior N(0, 1); it lets annealed importance sampling measure their likelihood without their encoder.
    fn log_likelihood(&self, _codes: &Tensor, _images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        None
    }

    /// What a discriminator or critic says of images, `[batch]`: more is more real.
    fn score(&self, _images: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
        None
    }
}

/// A model together with what trains it: its optimisers and step rule.
///
/// A step may hold several updates (a critic's, then a generator's). Everything that a step changes must be reachable
/// from here, because a checkpoint stores it by these methods: weights, buffers and generators of [`Training::model`],
/// and the optimisers. What else a step needs it takes from its number, so that a run which is resumed
/// takes the very steps of one that was not interrupted.
pub trait Training: Send {
    /// The model.
    fn model(&self) -> &dyn Model;

    /// The model, to be changed.
    fn model_mut(&mut self) -> &mut dyn Model;

    /// Shows the data before the first step of a run, new or resumed, to a model that needs more of it than its
    /// batches: a few labelled images, a second domain. Must depend on the data and the options only.
    fn prepare(&mut self, _data: &Dataset) -> Result<()> {
        Ok(())
    }

    /// The losses of one batch as tensors, without an update: what evaluation averages and `wengert graph` prints.
    /// `rng` gives the step's noise. It may be called without gradients, so a penalty on them must be left out then
    /// (see [`is_grad_enabled`](wengert_tensor::autograd::is_grad_enabled)).
    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses>;

    /// Which kind of step this is, where all steps of a kind are the same work on other images: then they can be replayed
    /// on a CUDA device as one launch (see [`wengert_tensor::step`]). `None` where a step depends on its number in other
    /// ways than by [`Training::set_rates`], or reads what it has computed.
    fn phase(&self, _step: u64) -> Option<u64> {
        None
    }

    /// Sets the learning rates of a step that has a [`phase`](Training::phase); [`Training::step`] does so by itself.
    fn set_rates(&mut self, _step: u64) {}

    /// One training step, the `step`-th of the run from 0: losses, gradients, updates. A loss that is not finite must
    /// be found before an update, by [`Losses::check_finite`].
    fn step(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses>;

    /// Ends an epoch, before it is evaluated and saved: for what is fitted to all codes rather than trained by steps,
    /// such as a mixture, and kept in buffers of the model.
    fn end_epoch(&mut self, _data: &Dataset, _rng: &Generator) -> Result<()> {
        Ok(())
    }

    /// Whether a lower test loss means a better model, so that the best checkpoint may be chosen by it. The losses of
    /// players against each other say nothing of the kind; then the last checkpoint stands for the run.
    fn is_ranked_by_loss(&self) -> bool {
        true
    }

    /// The optimisers by name, over disjoint sets of parameters.
    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)>;
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
    /// The name of the total among the others.
    pub const TOTAL: &'static str = "total";

    /// An error that names the first loss which is not a finite number. In a [recorded](is_recorded) step nobody can look;
    /// whoever replays it looks at the losses of each replay.
    pub fn check_finite(&self) -> Result<()> {
        if is_recorded() {
            return Ok(());
        }
        // The total is finite only if every term of it is, so one look is enough when all is well.
        if self.total.item().is_finite() {
            return Ok(());
        }
        let (name, value) = self
            .terms
            .iter()
            .map(|(name, term)| (*name, term.item()))
            .find(|(_, value)| !value.is_finite())
            .unwrap_or((Self::TOTAL, self.total.item()));
        Err(Error::NonFinite(format!("the {name} loss is {value}")))
    }

    /// All of them by name: the total, as [`TOTAL`](Losses::TOTAL), then the terms in their order.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        std::iter::once((Self::TOTAL, &self.total)).chain(self.terms.iter().map(|(name, term)| (*name, term)))
    }

    /// The loss that holds a gradient in its list, as a penalty on one does, with its name. Of several the one with the
    /// shortest list, which has least beside the gradient.
    pub fn of_gradient(&self) -> Option<(&'static str, &Tensor)> {
        let lengths = self.named().filter_map(|(name, loss)| {
            let nodes = Graph::of(loss).nodes;
            nodes.iter().any(|node| node.gradient_of.is_some()).then_some((nodes.len(), name, loss))
        });
        lengths.min_by_key(|(length, ..)| *length).map(|(_, name, loss)| (name, loss))
    }

    /// The values: the total first, then the terms in their order.
    pub fn values(&self) -> Vec<f64> {
        self.named().map(|(_, loss)| loss.item()).collect()
    }
}
