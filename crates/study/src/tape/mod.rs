//! The tape view: a training step of a model, or a snippet, one op at a time, forward and backward.
//!
//! Below `/api/tape`:
//!
//! - `GET models`: the models by family.
//! - `POST model` `{"model", "batch", "loss"}` and `POST snippet` `{"text"}`: records a tape. The answer has its number, `tape`,
//!   and its `sheet`.
//! - `GET tapes/N/steps/K`: what there is to say of step K, from 0.
//! - `GET tapes/N/list.dot` and `list.json`: the list as files.

mod model;
mod sheet;
mod shelf;
pub mod snippet;

use crate::Study;
use crate::answer::{Answer, Refusal, download, json, read};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json as object;
use shelf::{Shelf, Tape};
use std::sync::Arc;

/// What the routes share.
struct View {
    study: Arc<Study>,
    shelf: Shelf,
}

/// The routes of the view.
pub fn routes(study: Arc<Study>) -> Router {
    Router::new()
        .route("/models", get(async || json(&model::families())))
        .route("/model", post(record_model))
        .route("/snippet", post(record_snippet))
        .route("/tapes/{tape}/steps/{step}", get(step))
        .route("/tapes/{tape}/{file}", get(file))
        .with_state(Arc::new(View { study, shelf: Shelf::default() }))
}

async fn record_model(State(view): State<Arc<View>>, body: Bytes) -> Answer {
    let wanted: model::Wanted = read(&body)?;
    let recorded = view.study.compute(move || model::record(&wanted)).await?;
    let tape = Tape { history: recorded.history, name: recorded.name, is_snippet: false };
    view.keep(tape, &recorded.title, &recorded.losses).await
}

/// A snippet as the page sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Snippet {
    text: String,
}

async fn record_snippet(State(view): State<Arc<View>>, body: Bytes) -> Answer {
    let Snippet { text } = read(&body)?;
    let history = view.study.compute(move || snippet::record(&text).map_err(Refusal::wrong)).await?;
    let tape = Tape { history, name: "snippet".into(), is_snippet: true };
    view.keep(tape, "loss of the snippet", &serde_json::Value::Null).await
}

impl View {
    async fn keep(&self, tape: Tape, title: &str, losses: &serde_json::Value) -> Answer {
        let tape = Arc::new(tape);
        let number = self.shelf.keep(tape.clone());
        let sheet = Study::read(move || Ok(sheet::sheet(&tape.history))).await?;
        json(&object!({ "tape": number, "title": title, "losses": losses, "sheet": sheet }))
    }

    fn find(&self, tape: &str) -> Result<Arc<Tape>, Refusal> {
        self.shelf
            .find(tape)
            .ok_or_else(|| Refusal::missing(format!("there is no tape {tape}; record it again")))
    }
}

async fn step(State(view): State<Arc<View>>, Path((tape, number)): Path<(String, String)>) -> Answer {
    let tape = view.find(&tape)?;
    let missing =
        || Refusal::missing(format!("there is no step {number}; the last one is {}", tape.history.len() - 1));
    let wanted = number.parse::<usize>().map_err(|_| missing())?;
    let of = tape.clone();
    let found = Study::read(move || Ok(sheet::step(&of.history, wanted, of.is_snippet))).await?;
    json(&found.ok_or_else(missing)?)
}

async fn file(State(view): State<Arc<View>>, Path((tape, file)): Path<(String, String)>) -> Answer {
    let tape = view.find(&tape)?;
    let graph = &tape.history.graph;
    match file.as_str() {
        "list.dot" => download(graph.to_dot(), "text/vnd.graphviz", &format!("{}.dot", tape.name)),
        "list.json" => {
            download(format!("{:#}\n", graph.to_json()), "application/json", &format!("{}.json", tape.name))
        }
        _ => Err(Refusal::missing("of a tape there are list.dot and list.json")),
    }
}
