//! The training view: what the folders of runs hold, during the run and after it.

use crate::Study;
use crate::answer::{Answer, Refusal, json};
use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use std::sync::Arc;
use wengert_models::run::metrics;

/// `GET runs/{run}/epochs`: the records of its epochs.
pub fn routes(study: Arc<Study>) -> Router {
    Router::new().route(
        "/runs/{run}/epochs",
        get(move |Path(run): Path<String>| async move { epochs(&study, &run).await }),
    )
}

async fn epochs(study: &Study, run: &str) -> Answer {
    let path = study.run(run)?.metrics();
    let records = Study::read(move || metrics::read(&path).map_err(Refusal::broken)).await?;
    json(&records)
}
