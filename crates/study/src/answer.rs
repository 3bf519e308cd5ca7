//! What a route gives back: JSON, or a refusal that says what would be right.

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{Display, Formatter};

/// What a route gives back.
pub type Answer = Result<Response, Refusal>;

/// An error as a page gets it: a status, and `{"error": …}`.
#[derive(Debug, Clone)]
pub struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    /// With a status of HTTP.
    pub fn new(status: StatusCode, message: impl Display) -> Self {
        Self { status, message: message.to_string() }
    }

    /// The request asks for what cannot be.
    pub fn wrong(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// There is nothing of that name.
    pub fn missing(message: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The program's own fault, or that of a file it reads.
    pub fn broken(message: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl Display for Refusal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.message }).to_string();
        (self.status, [(header::CONTENT_TYPE, JSON)], body).into_response()
    }
}

const JSON: &str = "application/json";

/// A value as JSON. Numbers that are not finite become `null`.
pub fn json(value: &impl Serialize) -> Answer {
    let text = serde_json::to_string(value).map_err(Refusal::broken)?;
    Ok(([(header::CONTENT_TYPE, JSON)], text).into_response())
}

/// Text to be saved as a file of this name, which must be plain.
pub fn download(text: String, content_type: &'static str, name: &str) -> Answer {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, text).into_response())
}

/// What a request asks for, out of its body.
pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::wrong(format!("the body of the request: {error}")))
}
