//! The parts of a trained model as ONNX files.

use crate::{Error, Model, Result};
use wengert_tensor::onnx::{self, Exported, Input};
use wengert_tensor::{DType, Tensor, no_grad};

/// What a model can do with codes or images, as one function. `Decoder` and `Generator` are two names of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// [`Model::decode`]: `codes` to `images`.
    Decoder,
    /// The same, as adversarial models call it.
    Generator,
    /// [`Model::encode`]: `images` to `codes`.
    Encoder,
    /// [`Model::classify`]: `images` to `logits`.
    Classifier,
    /// [`Model::score`]: `images` to `scores`.
    Discriminator,
}

impl Part {
    /// All parts, the one that a file is first asked for before the others.
    pub const ALL: [Part; 5] =
        [Part::Decoder, Part::Generator, Part::Encoder, Part::Classifier, Part::Discriminator];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Part::Decoder => "decoder",
            Part::Generator => "generator",
            Part::Encoder => "encoder",
            Part::Classifier => "classifier",
            Part::Discriminator => "discriminator",
        }
    }

    /// What it makes of what.
    fn ports(self) -> [&'static str; 2] {
        match self {
            Part::Decoder | Part::Generator => ["codes", "images"],
            Part::Encoder => ["images", "codes"],
            Part::Classifier => ["images", "logits"],
            Part::Discriminator => ["images", "scores"],
        }
    }

    /// Whether the model has it.
    pub fn is_in(self, model: &dyn Model) -> bool {
        let tensors = self.inputs(model).into_iter().map(|input| {
            let shape = [&[2], &input.axes[..]].concat();
            Tensor::zeros(shape, input.dtype)
        });
        let tensors: Vec<Tensor> = tensors.collect();
        no_grad(|| self.run(model, &tensors)).is_some()
    }

    /// The codes or images, and labels where the model takes some.
    fn inputs(self, model: &dyn Model) -> Vec<Input> {
        let [name, _] = self.ports();
        let axes = if name == "codes" { vec![model.code_size()] } else { model.image_shape().to_vec() };
        let labels = Input { name: "labels", axes: Vec::new(), dtype: DType::I64 };
        let takes_labels = self != Part::Classifier && model.classes().is_some();
        [Input { name, axes, dtype: DType::F32 }].into_iter().chain(takes_labels.then_some(labels)).collect()
    }

    fn run(self, model: &dyn Model, inputs: &[Tensor]) -> Option<Tensor> {
        let (first, labels) = (&inputs[0], inputs.get(1));
        match self {
            Part::Decoder | Part::Generator if model.code_size() == 0 => None,
            Part::Decoder | Part::Generator => model.decode(first, labels),
            Part::Encoder => model.encode(first, labels),
            Part::Classifier => model.classify(first),
            Part::Discriminator => model.score(first, labels),
        }
    }

    /// Writes it as ONNX. The model must be in evaluation mode.
    ///
    /// # Errors
    /// When the model does not have it, or it needs an op that has no form in ONNX.
    pub fn to_onnx(self, model: &dyn Model) -> Result<Exported> {
        if !self.is_in(model) {
            let has: Vec<&str> =
                Part::ALL.into_iter().filter(|part| part.is_in(model)).map(Part::name).collect();
            let has = if has.is_empty() { "nothing of the kind".into() } else { has.join(", ") };
            return Err(Error::setting(format!("the model has no {}; it has {has}", self.name())));
        }
        let weights = [model.named_parameters(), model.named_buffers()].concat();
        let [_, output] = self.ports();
        Ok(onnx::export(&self.inputs(model), output, &weights, |inputs| self.run(model, inputs))?)
    }
}
