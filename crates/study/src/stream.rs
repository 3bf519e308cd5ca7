//! Live data as server-sent events: what has come since the last one together, ten times a second at most.

use crate::channel::{Batch, Receiver};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// From one event to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// From one sign of life to the next, where nothing happens.
const QUIET: Duration = Duration::from_secs(10);

/// The events of a receiver until its sender is gone: `batch` with what `told` makes of each batch, one line of JSON, and
/// `end`.
pub fn stream<T: Send + 'static>(receiver: Receiver<T>, told: fn(&Batch<T>) -> String) -> Response {
    let events = Events { receiver, told, pause: None, quiet: Box::pin(sleep(QUIET)), is_over: false };
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::new(events)).into_response()
}

/// The body of an answer that goes on. Nothing is taken from the receiver while the client does not read.
struct Events<T> {
    receiver: Receiver<T>,
    told: fn(&Batch<T>) -> String,
    pause: Option<Pin<Box<Sleep>>>,
    quiet: Pin<Box<Sleep>>,
    is_over: bool,
}

impl<T: Send + 'static> hyper::body::Body for Events<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Some(pause) = &mut this.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            this.pause = None;
        }
        let text = match Pin::new(&mut this.receiver).poll_batch(context) {
            Poll::Ready(Some(batch)) => {
                this.pause = Some(Box::pin(sleep(PAUSE)));
                format!("event: batch\ndata: {}\n\n", (this.told)(&batch))
            }
            Poll::Ready(None) => {
                this.is_over = true;
                "event: end\ndata: {}\n\n".to_owned()
            }
            Poll::Pending => match this.quiet.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                // A comment: the connection is still there.
                Poll::Ready(()) => ":\n\n".to_owned(),
            },
        };
        this.quiet.as_mut().reset(Instant::now() + QUIET);
        Poll::Ready(Some(Ok(Frame::data(text.into()))))
    }
}
