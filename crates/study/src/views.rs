//! The list of views. Here, and nowhere else, a view is added.

use crate::answer::{Answer, json};
use crate::{Study, latent, playground, tape, training};
use axum::Router;
use axum::routing::get;
use serde_json::json as object;
use std::sync::Arc;

/// A view of the page: `assets/js/views/NAME.js`, and what it asks for under `/api/NAME`.
pub struct View {
    /// Its name in paths.
    pub name: &'static str,
    /// Its name in the navigation.
    pub title: &'static str,
    /// What it answers, below `/api/NAME`.
    pub routes: fn(Arc<Study>) -> Router,
    /// Whether there is something to be seen; else the navigation leaves it out.
    pub is_of_use: fn(&Study) -> bool,
}

/// All views, in the order of the navigation.
pub fn all() -> [View; 4] {
    [
        View {
            name: "training",
            title: "Training",
            routes: training::routes,
            is_of_use: |study| !study.runs().is_empty(),
        },
        View {
            name: "latent",
            title: "Latent space",
            routes: latent::routes,
            is_of_use: |study| !study.runs().is_empty(),
        },
        View { name: "tape", title: "Tape", routes: tape::routes, is_of_use: |_| true },
        View { name: "playground", title: "Playground", routes: playground::routes, is_of_use: |_| true },
    ]
}

/// `GET /api/study`: the views, and the runs that are looked at.
pub fn route(study: &Arc<Study>) -> Router {
    let study = study.clone();
    Router::new().route("/api/study", get(move || async move { describe(&study) }))
}

fn describe(study: &Study) -> Answer {
    let views: Vec<_> = all()
        .iter()
        .filter(|view| (view.is_of_use)(study))
        .map(|view| object!({ "name": view.name, "title": view.title }))
        .collect();
    let runs: Vec<_> = study
        .runs()
        .iter()
        .enumerate()
        .map(|(index, run)| {
            let name = run.path().file_name().unwrap_or(run.path().as_os_str()).to_string_lossy();
            object!({ "index": index, "name": name, "path": run.path().display().to_string() })
        })
        .collect();
    json(&object!({ "views": views, "runs": runs, "live": study.live().is_some() }))
}
