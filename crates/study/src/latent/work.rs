//! What takes longer than a page waits.

mod invert;
mod map;
mod neighbours;

pub use invert::invert;
pub use map::{difference, directions, map};
pub use neighbours::neighbours;

use super::jobs::Progress;
use super::opened::Opened;
use super::questions::{decode_all, draw_codes};
use crate::answer::Refusal;
use serde::Deserialize;
use serde_json::{Value, json as object};
use std::sync::Arc;
use wengert_data::Position;
use wengert_models::metrics::{Classifier, Manifold};
use wengert_tensor::{Generator, Tensor};

/// Test images, and samples, that precision and recall are measured on.
const COMPARED: usize = 1000;
/// Neighbours that span a ball.
const NEIGHBOURS: usize = 5;

/// Whether a LeNet may be trained, where none is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeWanted {
    train: bool,
}

/// Which codes precision and recall are measured of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionWanted {
    truncation: Option<f64>,
    seed: u64,
    label: Option<usize>,
}

/// `{"kept", "names"}`: whether there is a LeNet that reads such images, and the names of their classes.
pub fn judge(opened: &Opened, wanted: JudgeWanted, progress: &Progress) -> Result<Value, Refusal> {
    progress.say("looking for the LeNet of these images", 0, 0)?;
    let mut train = |step: u64, steps: u64| {
        // Once begun it is finished and kept, whoever still looks.
        let _ = progress.say("training the LeNet that reads these images", step as usize, steps as usize);
    };
    let found = opened.find_reader(wanted.train.then_some(&mut train))?;
    let data = opened.data()?;
    Ok(object!({ "kept": found.is_some(), "names": data.test.dataset().classes() }))
}

/// `{"precision", "recall", "samples"}` of samples among test images, on LeNet's features; shown for more and more samples.
pub fn precision(opened: &Opened, wanted: PrecisionWanted, progress: &Progress) -> Result<Value, Refusal> {
    let reader = reader(opened)?;
    let training = opened.copy()?;
    let model = training.model();
    let rng = Generator::new(wanted.seed);
    let codes = draw_codes(model, COMPARED, wanted.truncation, &rng)?;
    let data = opened.data()?;
    let count = data.test.dataset().len().min(COMPARED);
    let indices: Vec<usize> = (0..count).collect();
    progress.say("reading test images", 0, COMPARED)?;
    let real = reader.judge(&data.test.images(&indices, Position::default())).features;
    if count <= NEIGHBOURS {
        return Err(Refusal::wrong(format!("{count} test images are too few to compare samples with")));
    }
    let mut features: Option<Tensor> = None;
    let mut value = Value::Null;
    for start in (0..COMPARED).step_by(PORTION) {
        progress.say("comparing samples with test images", start, COMPARED)?;
        let images = decode_all(model, &codes.narrow(0, start, PORTION), wanted.label)?;
        let more = reader.judge(&images).features;
        let all = features.map_or_else(|| more.clone(), |before| Tensor::cat(&[&before, &more], 0));
        let compared = Manifold::compare(&real, &all, NEIGHBOURS);
        value = object!({
            "precision": compared.precision,
            "recall": compared.recall,
            "samples": start + PORTION,
            "images": count,
        });
        progress.show(value.clone());
        features = Some(all);
    }
    Ok(value)
}

/// Samples after which precision and recall are shown anew.
const PORTION: usize = 250;

/// The LeNet, or a refusal that says how to have one.
fn reader(opened: &Opened) -> Result<Arc<Classifier>, Refusal> {
    opened.reader().ok_or_else(|| {
        Refusal::wrong("this needs the LeNet that reads such images; train it once, by the button or by `wengert eval RUN`")
    })
}
