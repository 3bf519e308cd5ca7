//! The tape of a training step of a model, with fresh weights and a small batch.

use crate::answer::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use wengert_models::settings::Settings;
use wengert_models::suggest::did_you_mean;
use wengert_models::{FAMILIES, Losses, find, fresh};
use wengert_tensor::inspect::History;
use wengert_tensor::{Generator, Tensor};

/// Images in a batch: normalisation over a batch needs two, and a tape of many shows no more than one of few.
const IMAGES: RangeInclusive<usize> = 2..=16;

/// Which tape is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// A model of the registry.
    model: String,
    /// Images in the batch.
    #[serde(default = "two")]
    batch: usize,
    /// The loss whose list it is.
    #[serde(default = "total")]
    loss: String,
}

fn two() -> usize {
    2
}

fn total() -> String {
    Losses::TOTAL.to_owned()
}

/// A tape, and what else there is of the model.
pub struct Recorded {
    pub history: History,
    pub title: String,
    pub name: String,
    /// The names of its losses, and the one that holds a gradient.
    pub losses: Value,
}

/// The models by family.
pub fn families() -> Value {
    let families = FAMILIES.iter().map(|family| {
        let models: Vec<&str> = family.models.iter().map(|entry| entry.name).collect();
        json!({ "family": family.title, "models": models })
    });
    families.collect()
}

/// Runs a step forward and backward.
pub fn record(wanted: &Wanted) -> Result<Recorded, Refusal> {
    if !IMAGES.contains(&wanted.batch) {
        let message =
            format!("the batch is {}; it must be from {} to {}", wanted.batch, IMAGES.start(), IMAGES.end());
        return Err(Refusal::wrong(message));
    }
    let entry = find(&wanted.model).map_err(Refusal::wrong)?;
    let config = Settings::new(entry).resolve().map_err(Refusal::broken)?;
    let (training, batch) = fresh(&config, wanted.batch).map_err(Refusal::broken)?;
    let mut names = Value::Null;
    let history = History::record(|| -> Result<Tensor, Refusal> {
        let losses = training.losses(&batch, &Generator::new(0)).map_err(Refusal::broken)?;
        let all: Vec<&str> = losses.named().map(|(name, _)| name).collect();
        let found = losses.named().find(|(name, _)| *name == wanted.loss);
        let (_, loss) = found.ok_or_else(|| {
            let hint = did_you_mean(&wanted.loss, all.iter().copied());
            Refusal::wrong(format!(
                "the losses of {} are {}, not {}{hint}",
                wanted.model,
                all.join(", "),
                wanted.loss
            ))
        })?;
        names = json!({ "all": all, "of_gradient": losses.of_gradient().map(|(name, _)| name) });
        Ok(loss.clone())
    })?;
    if history.is_empty() {
        let message = format!(
            "the list is empty: nothing of the {} loss of {} needs a gradient",
            wanted.loss, wanted.model
        );
        return Err(Refusal::wrong(message));
    }
    let title = format!("{} loss of {}", wanted.loss, wanted.model);
    Ok(Recorded { history, title, name: format!("{}-{}", entry.name, wanted.loss), losses: names })
}

impl From<wengert_tensor::Error> for Refusal {
    fn from(error: wengert_tensor::Error) -> Self {
        Refusal::broken(error)
    }
}
