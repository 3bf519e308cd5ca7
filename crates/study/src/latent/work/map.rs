//! Maps of codes and directions among them, by codes whose classes are known.

use super::reader;
use crate::answer::Refusal;
use crate::latent::images::all_to_bytes;
use crate::latent::jobs::Progress;
use crate::latent::opened::{Gathered, Opened, has_encoder};
use crate::latent::questions::{decode_all, numbers, rows};
use serde::Deserialize;
use serde_json::{Value, json as object};
use std::sync::Arc;
use wengert_data::Position;
use wengert_models::code_space::arithmetic::direction;
use wengert_models::code_space::directions::{LONGEST, closed_form};
use wengert_models::code_space::plane::Plane;
use wengert_models::code_space::t_sne::{TsneOptions, t_sne};
use wengert_models::metrics::{Gaussian, PrincipalComponents, predictions};
use wengert_models::{Model, pictures};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Codes on a map.
const MAPPED: usize = 1000;
/// Images along each side of the manifold.
const SIDE: usize = 15;
/// Directions of a kind that are offered.
const OFFERED: usize = 8;
/// Steps of t-SNE from one picture of it to the next.
const EVERY: usize = 10;

/// Which map.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapWanted {
    kind: Kind,
    label: Option<usize>,
}

/// The kinds of maps.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Images of a grid on a plane.
    Manifold,
    /// The first two principal components.
    Pca,
    /// Neighbours beside each other.
    TSne,
}

/// No more is needed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Two classes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DifferenceWanted {
    from: usize,
    to: usize,
}

/// A map. Of a plane it has `frame`, the code of its middle and its two axes, so that any place on it is a code, and `share`, the
/// part of the variance that it holds. A manifold has `horizontal`, `vertical` and the `images` of the grid; the others have
/// `points`, `labels`, `names` and `source`, and t-SNE the `codes` of the points.
pub fn map(opened: &Opened, wanted: MapWanted, progress: &Progress) -> Result<Value, Refusal> {
    let training = opened.copy()?;
    let model = training.model();
    let size = model.code_size();
    if !(2..=LONGEST).contains(&size) {
        return Err(Refusal::wrong(format!(
            "codes of 2 to {LONGEST} numbers can be mapped; these have {size}"
        )));
    }
    if wanted.kind == Kind::Manifold {
        progress.say("decoding a grid of codes", 0, 0)?;
        let plane = match Plane::of_prior(model, SIDE, &Generator::new(0)) {
            Some(plane) => plane,
            None => plane_of(&gather(opened, model, progress)?.codes)?,
        };
        let images = decode_all(model, &plane.codes(), wanted.label)?;
        return Ok(object!({
            "frame": plane.frame(), "share": plane.share, "horizontal": plane.horizontal, "vertical": plane.vertical,
            "images": all_to_bytes(&images),
        }));
    }
    let gathered = gather(opened, model, progress)?;
    let plane = plane_of(&gathered.codes)?;
    let start = plane.project(&gathered.codes);
    let about = object!({ "labels": gathered.labels, "names": gathered.names, "source": gathered.source });
    let mut value = match wanted.kind {
        Kind::TSne => {
            let options = TsneOptions::default();
            let mut observer = |step: usize, places: &[[f64; 2]]| {
                if step.is_multiple_of(EVERY) {
                    let mut partial = about.clone();
                    partial["points"] = object!(places);
                    progress.show(partial);
                }
                progress.say("t-SNE", step, options.steps).is_ok()
            };
            let places = t_sne(&gathered.codes, &start, &options, &mut observer);
            let places = places.ok_or_else(|| Refusal::wrong("the map was ended"))?;
            object!({ "points": places, "codes": rows(&gathered.codes) })
        }
        _ => object!({ "points": start, "frame": plane.frame(), "share": plane.share }),
    };
    for name in ["labels", "names", "source"] {
        value[name] = about[name].clone();
    }
    Ok(value)
}

/// `{"principal", "closed_form"}`: directions with their deviations. Principal ones are those in which the codes of test images
/// differ most, closed-form ones those that change most what the first layer of the decoder gives.
pub fn directions(opened: &Opened, _wanted: Nothing, progress: &Progress) -> Result<Value, Refusal> {
    let training = opened.copy()?;
    let model = training.model();
    let size = model.code_size();
    if !(1..=LONGEST).contains(&size) {
        return Err(Refusal::wrong(format!(
            "directions are known of codes of 1 to {LONGEST} numbers; these have {size}"
        )));
    }
    progress.say("looking at the weights", 0, 0)?;
    let closed = closed_form(model, OFFERED);
    let principal = match has_encoder(model) {
        true => {
            let codes = &gather(opened, model, progress)?.codes;
            (codes.dims()[0] > 1).then(|| Gaussian::fit(codes).principal_components(OFFERED.min(size)))
        }
        // Codes that are drawn have the directions of the prior, which say nothing of the model.
        false => None,
    };
    let told = |components: PrincipalComponents| {
        let deviations: Vec<f64> =
            components.variances.iter().map(|variance| variance.max(0.0).sqrt()).collect();
        let directions = components.directions.contiguous().to_vec::<f64>();
        let directions: Vec<&[f64]> = directions.chunks_exact(size).collect();
        object!({ "directions": directions, "deviations": deviations })
    };
    Ok(object!({ "principal": principal.map(told), "closed_form": closed.map(told) }))
}

/// `{"direction", "source"}`: what leads from the mean code of one class to that of another.
pub fn difference(opened: &Opened, wanted: DifferenceWanted, progress: &Progress) -> Result<Value, Refusal> {
    let training = opened.copy()?;
    let model = training.model();
    if model.classes().is_some() {
        return Err(Refusal::wrong(
            "the model is told the class; choose another label in place of a direction",
        ));
    }
    let gathered = gather(opened, model, progress)?;
    let gathered = match gathered.names.is_empty() {
        true => return Err(reader(opened).err().unwrap_or_else(|| Refusal::wrong("no classes are known"))),
        false => gathered,
    };
    let (from, to) = (wanted.from as i64, wanted.to as i64);
    match direction(&gathered.codes, &gathered.labels, from, to) {
        Some(direction) => Ok(object!({ "direction": numbers(&direction), "source": gathered.source })),
        None => {
            let shown =
                |class: usize| gathered.names.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
            let (from, to) = (shown(wanted.from), shown(wanted.to));
            Err(Refusal::wrong(format!(
                "among {} there is no code of {from} or none of {to}",
                gathered.source
            )))
        }
    }
}

fn plane_of(codes: &Tensor) -> Result<Plane, Refusal> {
    Plane::of_codes(codes, SIDE).ok_or_else(|| Refusal::wrong("there are too few codes to find a plane by"))
}

/// Codes with their classes: of test images where there is an encoder, else drawn ones with the class that they were drawn for or
/// that LeNet sees.
fn gather(opened: &Opened, model: &dyn Model, progress: &Progress) -> Result<Arc<Gathered>, Refusal> {
    if let Some(gathered) =
        opened.gathered().filter(|gathered| !gathered.names.is_empty() || opened.reader().is_none())
    {
        return Ok(gathered);
    }
    let data = opened.data()?;
    let names = data.test.dataset().classes().to_vec();
    if has_encoder(model) {
        progress.say("encoding test images", 0, 0)?;
        let indices: Vec<usize> = (0..data.test.dataset().len().min(MAPPED)).collect();
        let labels = data.test.labels(&indices);
        let codes = pictures::encode(model, &data.test.images(&indices, Position::default()), &labels)
            .ok_or_else(|| Refusal::wrong("the model has no encoder"))?;
        let labels = labels.to_vec::<i64>();
        return Ok(opened.keep(Gathered { codes, labels, names, source: "codes of test images" }));
    }
    progress.say("decoding drawn codes", 0, 0)?;
    let codes = no_grad(|| model.draw_codes(MAPPED, &Generator::new(0)));
    let asked = model.classes().map(|classes| {
        Tensor::from_vec((0..MAPPED).map(|index| (index % classes.max(1)) as i64).collect(), [MAPPED])
    });
    let gathered = match (asked, opened.reader()) {
        (Some(labels), _) => Gathered {
            codes,
            labels: labels.to_dtype(DType::I64).to_vec(),
            names,
            source: "drawn codes, by the label they were drawn for",
        },
        (None, Some(reader)) => {
            let images = decode_all(model, &codes, None)?;
            progress.say("reading their images", 0, 0)?;
            let labels = predictions(&reader.judge(&images).logits);
            Gathered { codes, labels, names, source: "drawn codes, by what LeNet sees" }
        }
        (None, None) => {
            let labels = vec![-1; MAPPED];
            Gathered {
                codes,
                labels,
                names: Vec::new(),
                source: "drawn codes; with LeNet their classes would be known",
            }
        }
    };
    Ok(opened.keep(gathered))
}
