//! The playground: a GAN or a VAE on points of the plane, trained while one looks.
//!
//! Below `/api/playground`:
//!
//! - `GET menu`: the presets, distributions and losses to choose from.
//! - `POST sessions` with [`Settings`]: begins a session. The answer has its number, `session`, and the points to show.
//! - `POST sessions/N/commands` with a [`Command`].
//! - `GET sessions/N/frames`: server-sent events, each with the newest [`Frame`](frame::Frame).
//!
//! A session ends when no page has looked at it for a while, or nobody has told it anything for long.

mod autoencoder;
mod coverage;
mod distribution;
mod fault;
mod frame;
mod game;
mod loss;
mod networks;
mod presets;
mod session;
mod sessions;
mod settings;
mod stage;

use crate::answer::{Answer, Refusal, json, read};
use crate::channel::Batch;
use crate::stream::stream;
use crate::{Study, playground::session::Command};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use distribution::{HALF, Shape};
use frame::thousandths;
use loss::Loss;
use serde_json::json as object;
use session::{NotTaken, Patience, Session};
use sessions::Sessions;
use settings::Settings;
use stage::{CELLS, Scene, Stage};
use std::sync::Arc;

/// The routes of the view.
pub fn routes(_: Arc<Study>) -> Router {
    Router::new()
        .route("/menu", get(async || menu()))
        .route("/sessions", post(start))
        .route("/sessions/{session}/commands", post(command))
        .route("/sessions/{session}/frames", get(frames))
        .with_state(Arc::new(Sessions::default()))
}

fn menu() -> Answer {
    let shapes: Vec<_> =
        Shape::ALL.iter().map(|(name, title)| object!({ "name": name, "title": title })).collect();
    let losses: Vec<_> = Loss::ALL
        .iter()
        .map(|(name, title, watch)| object!({ "name": name, "title": title, "watch": watch }))
        .collect();
    json(&object!({
        "presets": presets::all(),
        "distributions": shapes,
        "losses": losses,
        "defaults": Settings::default(),
        "half": HALF,
        "cells": CELLS,
    }))
}

async fn start(State(sessions): State<Arc<Sessions>>, body: Bytes) -> Answer {
    let settings: Settings = read(&body)?;
    let distribution = settings.check().map_err(Refusal::wrong)?;
    let scene = Scene::of(&distribution, settings.seed);
    let number = sessions.start(move || Stage::new(&settings), Patience::default())?;
    let modes = scene.modes.as_ref();
    json(&object!({
        "session": number,
        "data": thousandths(&scene.data),
        "modes": modes.map(|modes| thousandths(&modes.centres)),
        "deviation": modes.map(|modes| modes.deviation),
    }))
}

async fn command(State(sessions): State<Arc<Sessions>>, Path(number): Path<String>, body: Bytes) -> Answer {
    let session = sessions.find(&number)?;
    let command: Command = read(&body)?;
    command.check().map_err(Refusal::wrong)?;
    tell(&session, command)?;
    json(&object!({}))
}

async fn frames(State(sessions): State<Arc<Sessions>>, Path(number): Path<String>) -> Answer {
    let session = sessions.find(&number)?;
    let receiver = session.frames().subscribe();
    tell(&session, Command::Show)?;
    // The newest frame holds all there is to see.
    let newest =
        |batch: &Batch<Arc<str>>| batch.messages.last().map_or_else(String::new, |frame| frame.to_string());
    Ok(stream(receiver, newest))
}

fn tell(session: &Session, command: Command) -> Result<(), Refusal> {
    session.tell(command).map_err(|reason| match reason {
        NotTaken::Full => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many commands wait; try again"),
        NotTaken::Over => Refusal::missing("the session is over; reset begins another"),
    })
}
