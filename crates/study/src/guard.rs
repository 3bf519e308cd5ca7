//! Which requests are answered at all. A page of another site can make a browser send requests to 127.0.0.1; none of them
//! gets an answer that it could read, and none of them has an effect.

use crate::answer::Refusal;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Bytes that the body of a request may have.
pub const MOST_BYTES: usize = 1 << 20;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything comes from the program itself, and nobody frames it.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// Answers requests of the page itself, and adds what keeps a browser from doing anything else with the answer.
pub async fn guard(State(port): State<u16>, request: Request, next: Next) -> Response {
    let mut response = match admitted(port, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The request with its body read, or why it is refused.
async fn admitted(port: u16, request: Request) -> Result<Request, Refusal> {
    check(port, request.method(), request.headers())?;
    let (parts, body) = request.into_parts();
    let too_large = || {
        let message = format!("the body of a request may have {MOST_BYTES} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    // What is announced to be too large is not waited for.
    if body.size_hint().lower() > MOST_BYTES as u64 {
        return Err(too_large());
    }
    let bytes = match tokio::time::timeout(PATIENCE, to_bytes(body, MOST_BYTES)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(too_large()),
        Err(_) => {
            let message = format!("the body of a request must arrive within {} s", PATIENCE.as_secs());
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, message));
        }
    };
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Looks at where a request comes from and where it thinks that it goes.
fn check(port: u16, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let forbidden = |message: String| Err(Refusal::new(StatusCode::FORBIDDEN, message));
    let mut hosts = headers.get_all(header::HOST).iter();
    let is_ours = |host: &[u8]| names(port).iter().any(|name| name.as_bytes() == host);
    // A name that another site had point to 127.0.0.1 stands here as that name.
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if is_ours(host.as_bytes()) => {}
        _ => return forbidden(format!("the header Host must be {}", names(port).join(" or "))),
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && !origin.as_bytes().strip_prefix(b"http://").is_some_and(is_ours)
    {
        return forbidden("the header Origin names another site".into());
    }
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.as_bytes(), b"same-origin" | b"none")
    {
        return forbidden("the request comes from another site".into());
    }
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        Method::POST => match headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes) {
            // No form of another site can send this type.
            Some(b"application/json") => Ok(()),
            _ => {
                let message = "the header Content-Type must be application/json";
                Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
            }
        },
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "the methods are GET, HEAD and POST")),
    }
}

fn names(port: u16) -> [String; 2] {
    [format!("127.0.0.1:{port}"), format!("localhost:{port}")]
}
