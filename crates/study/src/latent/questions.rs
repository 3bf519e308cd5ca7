//! What is answered at once. Each question is a JSON object; codes, labels and images in it are checked before anything is
//! computed.

use super::images::{all_to_bytes, from_bytes, to_bytes};
use super::opened::Opened;
use crate::answer::Refusal;
use serde::Deserialize;
use serde_json::{Value, json as object};
use wengert_data::Position;
use wengert_models::code_space::interpolation::{Path, between};
use wengert_models::code_space::saved;
use wengert_models::code_space::truncation::draw_truncated;
use wengert_models::run::{Picture, encode_there_and_back};
use wengert_models::{Model, pictures};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Codes in one question at most.
const MOST_CODES: usize = 512;
/// Least height of an animation, in pixels.
const ANIMATED: usize = 196;

/// A code from the prior.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    seed: u64,
    /// Standard deviations within which each number is drawn.
    truncation: Option<f64>,
}

/// A code, and a label for a conditional model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfCode {
    code: Vec<f64>,
    label: Option<usize>,
}

/// Codes under one label.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfCodes {
    codes: Vec<Vec<f64>>,
    label: Option<usize>,
}

/// An image.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfImage {
    image: Vec<u8>,
    label: Option<usize>,
}

/// A test image by its number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfTest {
    index: usize,
}

/// Two ends of a way.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    from: Vec<f64>,
    to: Vec<f64>,
    steps: usize,
    label: Option<usize>,
}

/// `{"code"}`: a code drawn by a seed.
pub fn draw(opened: &Opened, wanted: Draw) -> Result<Value, Refusal> {
    opened.with(|model| {
        if model.code_size() == 0 {
            return Err(Refusal::wrong("the model makes no images of codes"));
        }
        let codes = draw_codes(model, 1, wanted.truncation, &Generator::new(wanted.seed))?;
        Ok(object!({ "code": numbers(&codes) }))
    })
}

/// `{"image", "score", "reading"}`: the image of a code, what a discriminator says of it, and the probabilities of the classes that
/// LeNet sees, where there is one.
pub fn decode(opened: &Opened, wanted: OfCode) -> Result<Value, Refusal> {
    opened.with(|model| {
        let (image, label) = image_of(model, &wanted)?;
        let mut value = seen(opened, model, &image, label.as_ref());
        value["image"] = to_bytes(&image).into();
        Ok(value)
    })
}

/// `{"score", "reading"}` of an image, as of [`decode`].
pub fn look(opened: &Opened, wanted: OfImage) -> Result<Value, Refusal> {
    opened.with(|model| {
        let image = from_bytes(&wanted.image, model.image_shape())?;
        let label = saved::label(model, wanted.label).map_err(Refusal::wrong)?;
        Ok(seen(opened, model, &image, label.as_ref()))
    })
}

/// `{"code", "image", "distance", "score", "reading"}`: the code of an image, its reconstruction, the mean square between the
/// two, and what is seen in the image itself.
pub fn encode(opened: &Opened, wanted: OfImage) -> Result<Value, Refusal> {
    opened.with(|model| {
        let image = from_bytes(&wanted.image, model.image_shape())?;
        let label = saved::label(model, wanted.label).map_err(Refusal::wrong)?;
        let given = label.clone().unwrap_or_else(|| Tensor::zeros([1], DType::I64));
        let (Some(code), Some(again)) =
            (pictures::encode(model, &image, &given), pictures::reconstruct(model, &image, &given))
        else {
            return Err(Refusal::wrong(
                "the model has no encoder; the code of an image can be found by gradient",
            ));
        };
        let mut value = seen(opened, model, &image, label.as_ref());
        value["code"] = numbers(&code);
        value["image"] = to_bytes(&again).into();
        value["distance"] = no_grad(|| (&again - &image).square().mean_all().item()).into();
        Ok(value)
    })
}

/// `{"image", "label", "name", "count"}`: a test image, its class, and how many there are.
pub fn test_image(opened: &Opened, wanted: OfTest) -> Result<Value, Refusal> {
    let data = opened.data()?;
    let images = data.test.dataset();
    if wanted.index >= images.len() {
        let last = images.len().saturating_sub(1);
        return Err(Refusal::wrong(format!(
            "there is no test image {}; the last one is {last}",
            wanted.index
        )));
    }
    let label = usize::from(images.labels()[wanted.index]);
    Ok(object!({
        "image": to_bytes(&data.test.images(&[wanted.index], Position::default())),
        "label": label,
        "name": images.classes()[label],
        "count": images.len(),
    }))
}

/// `{"straight", "circle"}`, each `{"codes", "images"}`: the straight line between two codes, and the great circle.
pub fn way(opened: &Opened, wanted: Way) -> Result<Value, Refusal> {
    if !(2..=32).contains(&wanted.steps) {
        return Err(Refusal::wrong(format!("a way has 2 to 32 steps, not {}", wanted.steps)));
    }
    opened.with(|model| {
        let [from, to] = [&wanted.from, &wanted.to].map(|code| saved::code(model, code));
        let (from, to) =
            (from.map_err(Refusal::wrong)?.to_vec::<f32>(), to.map_err(Refusal::wrong)?.to_vec::<f32>());
        let along = |path| -> Result<Value, Refusal> {
            let codes = between(&from, &to, wanted.steps, path, &model.code_parts());
            let images = decode_all(model, &codes, wanted.label)?;
            Ok(object!({ "codes": rows(&codes), "images": all_to_bytes(&images) }))
        };
        Ok(object!({ "straight": along(Path::Straight)?, "circle": along(Path::GreatCircle)? }))
    })
}

/// The image of a code as a PNG file: the bytes that `wengert sample --code` writes.
pub fn picture(opened: &Opened, wanted: OfCode) -> Result<Vec<u8>, Refusal> {
    opened.with(|model| Ok(pictures::grid(&image_of(model, &wanted)?.0).to_png()))
}

/// The images of codes one after another and back again, as a GIF file.
pub fn animation(opened: &Opened, wanted: OfCodes) -> Result<Vec<u8>, Refusal> {
    if !(2..=MOST_CODES).contains(&wanted.codes.len()) {
        let found = wanted.codes.len();
        return Err(Refusal::wrong(format!("an animation has 2 to {MOST_CODES} codes, not {found}")));
    }
    opened.with(|model| {
        let codes: Result<Vec<Tensor>, _> =
            wanted.codes.iter().map(|code| saved::code(model, code)).collect();
        let codes = Tensor::cat(&codes.map_err(Refusal::wrong)?.iter().collect::<Vec<_>>(), 0);
        let images = decode_all(model, &codes, wanted.label)?;
        let shape = model.image_shape();
        let factor = ANIMATED.div_ceil(shape[1].max(1));
        let frame =
            |index| Picture::grid(&images.narrow(0, index, 1).to_vec::<f32>(), shape, 1).enlarged(factor);
        let frames: Vec<Picture> = (0..images.dims()[0]).map(frame).collect();
        encode_there_and_back(&frames).map_err(Refusal::wrong)
    })
}

/// Codes from the prior, within so many standard deviations.
pub fn draw_codes(
    model: &dyn Model,
    count: usize,
    truncation: Option<f64>,
    rng: &Generator,
) -> Result<Tensor, Refusal> {
    match truncation {
        None => Ok(no_grad(|| model.draw_codes(count, rng))),
        Some(limit) if !(0.05..=10.0).contains(&limit) => Err(Refusal::wrong(format!(
            "the truncation is {limit}; it must be from 0.05 to 10 standard deviations"
        ))),
        Some(limit) => draw_truncated(model, count, limit, rng)
            .ok_or_else(|| Refusal::wrong("only codes with a prior N(0, σ²) can be truncated")),
    }
}

/// The images of codes under one label.
pub fn decode_all(model: &dyn Model, codes: &Tensor, label: Option<usize>) -> Result<Tensor, Refusal> {
    let label = saved::label(model, label).map_err(Refusal::wrong)?;
    let labels = label.map(|label| label.expand([codes.dims()[0]]).contiguous());
    pictures::decode(model, codes, labels.as_ref())
        .ok_or_else(|| Refusal::wrong("the model makes no images of codes"))
}

/// The numbers of one code.
pub fn numbers(code: &Tensor) -> Value {
    code.to_vec::<f32>().into()
}

/// The numbers of several codes.
pub fn rows(codes: &Tensor) -> Value {
    let size = codes.dims()[1].max(1);
    codes.to_vec::<f32>().chunks_exact(size).map(<[f32]>::to_vec).collect()
}

/// The image of a code, by itself and not among others, so that its bits are those of `wengert sample --code`.
fn image_of(model: &dyn Model, wanted: &OfCode) -> Result<(Tensor, Option<Tensor>), Refusal> {
    let code = saved::code(model, &wanted.code).map_err(Refusal::wrong)?;
    let label = saved::label(model, wanted.label).map_err(Refusal::wrong)?;
    let image = pictures::decode(model, &code, label.as_ref());
    Ok((image.ok_or_else(|| Refusal::wrong("the model makes no images of codes"))?, label))
}

fn seen(opened: &Opened, model: &dyn Model, image: &Tensor, label: Option<&Tensor>) -> Value {
    let score = no_grad(|| model.score(image, label)).map(|score| score.to_vec::<f32>()[0]);
    let reading = opened.reader().map(|reader| reader.judge(image).logits.softmax(1).to_vec::<f32>());
    object!({ "score": score, "reading": reading })
}
