//! The training view: what the folders of runs hold, during the run and after it.
//!
//! Below `/api/training`:
//!
//! - `GET runs/R/epochs`: the records of its epochs.
//! - `GET runs/R/steps/K` and `runs/R/gradients/K`: what its steps after step K gave.
//! - `GET runs/R/pictures`: which pictures there are; `GET runs/R/pictures/samples/E`: that of epoch E.
//! - `GET live`: server-sent events of the run that goes on, the first one.

mod columns;
mod pictures;
mod stream;

use crate::Study;
use crate::answer::{Answer, Refusal, json};
use crate::stream::stream;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use columns::Columns;
use pictures::Kind;
use serde_json::json as object;
use std::sync::Arc;
use wengert_models::run::{GradientRecord, metrics, steps};

/// Looks at gradients that are sent at once; of more, evenly chosen ones are.
const MOST_LOOKS: usize = 400;

/// The routes of the view.
pub fn routes(study: Arc<Study>) -> Router {
    Router::new()
        .route("/runs/{run}/epochs", get(epochs))
        .route("/runs/{run}/steps/{after}", get(steps_after))
        .route("/runs/{run}/gradients/{after}", get(gradients_after))
        .route("/runs/{run}/pictures", get(all_pictures))
        .route("/runs/{run}/pictures/{kind}/{epoch}", get(picture))
        .route("/live", get(live))
        .with_state(study)
}

async fn epochs(State(study): State<Arc<Study>>, Path(run): Path<String>) -> Answer {
    let path = study.run(&run)?.metrics();
    let records = Study::read(move || metrics::read(&path).map_err(Refusal::broken)).await?;
    json(&records)
}

async fn steps_after(State(study): State<Arc<Study>>, Path((run, after)): Path<(String, String)>) -> Answer {
    let (path, after) = (study.run(&run)?.steps(), whole(&after)?);
    let records =
        move || steps::read(&path, after).map(|records| Columns::of(&records)).map_err(Refusal::broken);
    json(&Study::read(records).await?)
}

async fn gradients_after(
    State(study): State<Arc<Study>>,
    Path((run, after)): Path<(String, String)>,
) -> Answer {
    let (path, after) = (study.run(&run)?.gradients(), whole(&after)?);
    let read = move || steps::read::<GradientRecord>(&path, after).map_err(Refusal::broken);
    let records = Study::read(read).await?;
    let every = records.len().div_ceil(MOST_LOOKS).max(1);
    let chosen: Vec<&GradientRecord> = records.iter().rev().step_by(every).rev().collect();
    json(&chosen)
}

async fn all_pictures(State(study): State<Arc<Study>>, Path(run): Path<String>) -> Answer {
    let run = study.run(&run)?.clone();
    let found = move || {
        let [samples, reconstructions] =
            [Kind::Samples, Kind::Reconstructions].map(|kind| pictures::epochs(&run, kind));
        Ok(object!({ "samples": samples, "reconstructions": reconstructions }))
    };
    json(&Study::read(found).await?)
}

async fn picture(
    State(study): State<Arc<Study>>,
    Path((run, kind, epoch)): Path<(String, String, String)>,
) -> Answer {
    let (run, kind, epoch) = (study.run(&run)?.clone(), Kind::of(&kind)?, whole(&epoch)?);
    let bytes = Study::read(move || pictures::read(&run, kind, epoch)).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], bytes).into_response())
}

async fn live(State(study): State<Arc<Study>>) -> Answer {
    match study.live() {
        Some(live) => Ok(stream(live.subscribe(), stream::told)),
        None => Err(Refusal::missing("no run goes on; `wengert train MODEL --study` shows one that does")),
    }
}

fn whole(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::wrong(format!("`{text}` must be a whole number")))
}
