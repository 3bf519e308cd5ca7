//! The code whose image is nearest to a given one, by gradient on the code.
//!
//! min over z of the mean square of G(z) − x, by Adam; the weights stay. Creswell and Bharath: Inverting the Generator of a
//! Generative Adversarial Network, 2016, <https://arxiv.org/abs/1611.05644>.

use crate::answer::Refusal;
use crate::latent::images::{from_bytes, to_bytes};
use crate::latent::jobs::Progress;
use crate::latent::opened::Opened;
use crate::latent::questions::numbers;
use serde::Deserialize;
use serde_json::{Value, json as object};
use wengert_models::code_space::saved;
use wengert_models::{CodePart, Model, pictures};
use wengert_nn::{Adam, Optimizer};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Adam's step; codes are about 1 in size.
const LEARNING_RATE: f64 = 0.05;
/// Codes drawn to find where to begin.
const STARTS: usize = 64;
/// Steps from one picture of the way to the next.
const EVERY: usize = 5;

/// An image to find the code of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    image: Vec<u8>,
    label: Option<usize>,
    steps: usize,
    seed: u64,
}

/// `{"code", "image", "distance", "step", "way"}`; `way` has the distance every few steps. Begins at the encoder's code or at
/// a drawn one, whichever is nearer. Choices of a code stay as they begin.
pub fn invert(opened: &Opened, wanted: Wanted, progress: &Progress) -> Result<Value, Refusal> {
    if !(1..=2000).contains(&wanted.steps) {
        return Err(Refusal::wrong(format!("the steps are {}; they must be from 1 to 2000", wanted.steps)));
    }
    let training = opened.copy()?;
    let model = training.model();
    let image = from_bytes(&wanted.image, model.image_shape())?;
    let label = saved::label(model, wanted.label).map_err(Refusal::wrong)?;
    progress.say("looking for a code to begin at", 0, wanted.steps)?;
    let start = begin(model, &image, label.as_ref(), wanted.seed)?;
    let moves = moving(model);
    let change = Tensor::zeros([1, model.code_size()], DType::F32).requires_grad_(true);
    let mut adam = Adam::new(vec![change.clone()], LEARNING_RATE);
    let mut way = Vec::new();
    let mut best = Value::Null;
    let mut least = f64::INFINITY;
    for step in 0..=wanted.steps {
        let code = &start + &change * &moves;
        let made = model
            .decode(&code, label.as_ref())
            .ok_or_else(|| Refusal::wrong("the model makes no images of codes"))?;
        let distance = (&made - &image).square().mean_all();
        let value = distance.item();
        if !value.is_finite() {
            return Err(Refusal::wrong(format!("the distance became {value} after {step} steps")));
        }
        if step % EVERY == 0 || step == wanted.steps {
            way.push(value);
            if value < least {
                least = value;
                best = object!({ "code": numbers(&code.detach()), "image": to_bytes(&made.detach()), "distance": value, "step": step });
            }
            let mut shown = best.clone();
            shown["way"] = way.clone().into();
            progress.show(shown);
            progress.say("descending on the code", step, wanted.steps)?;
        }
        adam.zero_grad();
        // The mean over so many pixels is small; Adam does not mind.
        distance
            .backward()
            .map_err(|error| Refusal::wrong(format!("the model has no gradient on its code: {error}")))?;
        adam.step().map_err(Refusal::broken)?;
    }
    best["way"] = way.into();
    Ok(best)
}

/// The encoder's code or one of some drawn, whichever is nearest to the image.
fn begin(model: &dyn Model, image: &Tensor, label: Option<&Tensor>, seed: u64) -> Result<Tensor, Refusal> {
    no_grad(|| {
        let mut codes = model.draw_codes(STARTS, &Generator::new(seed));
        let own = label.cloned().unwrap_or_else(|| Tensor::zeros([1], DType::I64));
        if let Some(code) = pictures::encode(model, image, &own) {
            codes = Tensor::cat(&[&code, &codes], 0);
        }
        let count = codes.dims()[0];
        let labels = label.map(|label| label.expand([count]).contiguous());
        let images = pictures::decode(model, &codes, labels.as_ref())
            .ok_or_else(|| Refusal::wrong("the model makes no images of codes"))?;
        let distances = (&images - image).square().flatten(1, -1).mean(&[1], false).to_vec::<f32>();
        let nearest =
            distances.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(index, _)| index);
        Ok(codes.narrow(0, nearest, 1).contiguous())
    })
}

/// 1 for the numbers of a code, 0 for its choices.
fn moving(model: &dyn Model) -> Tensor {
    let of = |part: CodePart| vec![f32::from(u8::from(part == CodePart::Number)); part.width()];
    let moves: Vec<f32> = model.code_parts().into_iter().flat_map(of).collect();
    Tensor::from_vec(moves, [1, model.code_size()])
}
