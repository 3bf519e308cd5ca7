//! The latent space view: what the codes of trained models mean.
//!
//! Below `/api/latent`, for the run of number R:
//!
//! - `GET runs/R`: what its model can do, and what its codes are made of.
//! - `POST runs/R/QUESTION`: what is answered at once; see [`questions`]. `picture.png` and `way.gif` are files.
//! - `POST runs/R/work/KIND`: begins what takes longer and ends earlier work of the same kind; see [`work`]. The answer has its
//!   number, `work`.
//! - `GET work/N`: how far work N is, and what came of it; `POST work/N/end` ends it.

mod images;
mod jobs;
mod opened;
mod questions;
mod work;

use crate::Study;
use crate::answer::{Answer, Refusal, json, read};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use jobs::{Jobs, Progress};
use opened::Opened;
use serde::de::DeserializeOwned;
use serde_json::{Value, json as object};
use std::sync::{Arc, Mutex, PoisonError};

/// What the routes share: a place for the model of each run, and the work that goes on.
struct View {
    study: Arc<Study>,
    opened: Vec<Mutex<Option<Arc<Opened>>>>,
    jobs: Jobs,
}

/// The routes of the view.
pub fn routes(study: Arc<Study>) -> Router {
    let opened = study.runs().iter().map(|_| Mutex::default()).collect();
    let view = View { study, opened, jobs: Jobs::default() };
    Router::new()
        .route("/runs/{run}", get(describe))
        .route("/runs/{run}/draw", question(questions::draw))
        .route("/runs/{run}/decode", question(questions::decode))
        .route("/runs/{run}/look", question(questions::look))
        .route("/runs/{run}/encode", question(questions::encode))
        .route("/runs/{run}/test", question(questions::test_image))
        .route("/runs/{run}/way", question(questions::way))
        .route("/runs/{run}/picture.png", file("image/png", questions::picture))
        .route("/runs/{run}/way.gif", file("image/gif", questions::animation))
        .route("/runs/{run}/work/judge", begin("judge", work::judge))
        .route("/runs/{run}/work/invert", begin("invert", work::invert))
        .route("/runs/{run}/work/neighbours", begin("neighbours", work::neighbours))
        .route("/runs/{run}/work/map", begin("map", work::map))
        .route("/runs/{run}/work/directions", begin("directions", work::directions))
        .route("/runs/{run}/work/difference", begin("difference", work::difference))
        .route("/runs/{run}/work/precision", begin("precision", work::precision))
        .route("/work/{number}", get(told))
        .route("/work/{number}/end", post(end))
        .with_state(Arc::new(view))
}

impl View {
    /// The model of a run: read when it is first asked for, and again once its checkpoint has changed.
    async fn open(self: &Arc<Self>, run: &str) -> Result<Arc<Opened>, Refusal> {
        let folder = self.study.run(run)?.clone();
        let index: usize = run.parse().map_err(Refusal::wrong)?;
        let view = self.clone();
        self.study
            .compute(move || {
                let mut place = view.opened[index].lock().unwrap_or_else(PoisonError::into_inner);
                let opened = match place.take().filter(|opened| opened.is_current(&folder)) {
                    Some(opened) => opened,
                    None => Arc::new(Opened::open(&folder)?),
                };
                Ok(place.insert(opened).clone())
            })
            .await
    }

    /// Runs `work` on the model of a run, in turn with everything else that is answered at once.
    async fn ask<T: DeserializeOwned + Send + 'static, R: Send + 'static>(
        self: Arc<Self>,
        run: &str,
        body: &Bytes,
        work: fn(&Opened, T) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let wanted = read(body)?;
        let opened = self.open(run).await?;
        self.study.compute(move || work(&opened, wanted)).await
    }
}

type Routes = MethodRouter<Arc<View>>;

/// A question that is answered at once, as JSON.
fn question<T: DeserializeOwned + Send + 'static>(work: fn(&Opened, T) -> Result<Value, Refusal>) -> Routes {
    post(move |State(view): State<Arc<View>>, Path(run): Path<String>, body: Bytes| async move {
        json(&view.ask(&run, &body, work).await?)
    })
}

/// A question that is answered by a file.
fn file<T: DeserializeOwned + Send + 'static>(
    content_type: &'static str,
    work: fn(&Opened, T) -> Result<Vec<u8>, Refusal>,
) -> Routes {
    post(move |State(view): State<Arc<View>>, Path(run): Path<String>, body: Bytes| async move {
        let bytes = view.ask(&run, &body, work).await?;
        Answer::Ok(([(header::CONTENT_TYPE, content_type)], bytes).into_response())
    })
}

/// Work of a kind.
fn begin<T: DeserializeOwned + Send + 'static>(
    kind: &'static str,
    work: fn(&Opened, T, &Progress) -> Result<Value, Refusal>,
) -> Routes {
    post(move |State(view): State<Arc<View>>, Path(run): Path<String>, body: Bytes| async move {
        let wanted: T = read(&body)?;
        let opened = view.open(&run).await?;
        let number =
            view.jobs.begin(kind, view.study.device(), move |progress| work(&opened, wanted, progress));
        json(&object!({ "work": number }))
    })
}

async fn describe(State(view): State<Arc<View>>, Path(run): Path<String>) -> Answer {
    let opened = view.open(&run).await?;
    json(&opened.about)
}

async fn told(State(view): State<Arc<View>>, Path(number): Path<String>) -> Answer {
    json(&view.jobs.told(&number)?)
}

async fn end(State(view): State<Arc<View>>, Path(number): Path<String>) -> Answer {
    view.jobs.end(&number)?;
    json(&object!({}))
}
