//! Chrome's trace event format, written as events come.

use super::{Event, Phase};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread::{self, ThreadId};
use std::time::Duration;

/// A trace on its way into a file.
pub(super) struct Chrome {
    path: PathBuf,
    out: Box<dyn Write + Send>,
    /// The first failure; nothing is written after it.
    failure: Option<io::Error>,
    is_empty: bool,
    threads: Vec<Thread>,
}

/// A thread with the spans that are open on it: the direction, and the layers inside each other.
struct Thread {
    id: ThreadId,
    name: String,
    phase: Option<Phase>,
    spans: Vec<Span>,
}

/// Ops that ran one after the other in one place.
struct Span {
    name: String,
    category: &'static str,
    start: Duration,
    end: Duration,
}

impl Chrome {
    pub fn new(path: PathBuf, out: Box<dyn Write + Send>) -> Self {
        Self { path, out, failure: None, is_empty: true, threads: Vec::new() }
    }

    pub fn record(&mut self, event: &Event) {
        let number = self.thread();
        self.enter(number, event);
        let round = |number: f64| (number * 1e3).round() / 1e3;
        let mut arguments = json!({
            "inputs": event.inputs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "output": event.output.to_string(),
            "bytes": event.bytes,
            "GB/s": round(event.gigabytes()),
        });
        if event.flops > 0 {
            arguments["flops"] = event.flops.into();
            arguments["GFLOP/s"] = round(event.gigaflops()).into();
        }
        if !event.scope.is_empty() {
            arguments["layer"] = event.scope.into();
        }
        self.complete(number, event.name, event.phase.name(), [event.start, event.duration], arguments);
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<()> {
        for number in 0..self.threads.len() {
            self.leave(number, 0);
            let name = json!({ "name": self.threads[number].name });
            self.write(&json!({ "name": "thread_name", "ph": "M", "pid": 1, "tid": number, "args": name }));
        }
        let end = if self.is_empty { "[]\n" } else { "\n]\n" };
        let result = match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.out.write_all(end.as_bytes()).and_then(|()| self.out.flush()),
        };
        result.map_err(|failure| Error::io(&self.path, failure))
    }

    /// The number of the current thread.
    fn thread(&mut self) -> usize {
        let current = thread::current();
        if let Some(number) = self.threads.iter().position(|thread| thread.id == current.id()) {
            return number;
        }
        let number = self.threads.len();
        let name = current.name().map_or_else(|| format!("thread {number}"), str::to_owned);
        self.threads.push(Thread { id: current.id(), name, phase: None, spans: Vec::new() });
        number
    }

    /// Opens the spans that the event lies in, and closes those that it does not.
    fn enter(&mut self, number: usize, event: &Event) {
        let thread = &mut self.threads[number];
        // `encoder.fc1` lies in the spans `encoder` and `encoder.fc1`.
        let ends = event.scope.match_indices('.').map(|(end, _)| end).chain([event.scope.len()]);
        let paths: Vec<&str> = ends.map(|end| &event.scope[..end]).filter(|path| !path.is_empty()).collect();
        let kept = match thread.phase == Some(event.phase) {
            true => {
                1 + paths
                    .iter()
                    .zip(&thread.spans[1..])
                    .take_while(|(path, span)| **path == span.name)
                    .count()
            }
            false => 0,
        };
        thread.phase = Some(event.phase);
        self.leave(number, kept);
        let thread = &mut self.threads[number];
        let (start, end) = (event.start, event.start + event.duration);
        let names = [event.phase.name()].into_iter().chain(paths);
        for (i, name) in names.enumerate().skip(kept) {
            let category = if i == 0 { "phase" } else { "layer" };
            thread.spans.push(Span { name: name.to_owned(), category, start, end });
        }
        thread.spans.iter_mut().for_each(|span| span.end = end);
    }

    /// Closes all but the first `kept` spans of a thread.
    fn leave(&mut self, number: usize, kept: usize) {
        while self.threads[number].spans.len() > kept {
            let Some(span) = self.threads[number].spans.pop() else { return };
            self.complete(number, &span.name, span.category, [span.start, span.end - span.start], json!({}));
        }
    }

    /// Writes what took `[start, duration]`, in microseconds as the format has it.
    fn complete(
        &mut self,
        thread: usize,
        name: &str,
        category: &str,
        times: [Duration; 2],
        arguments: Value,
    ) {
        let [start, duration] = times.map(|time| time.as_nanos() as f64 / 1e3);
        let duration = duration.max(1e-3);
        self.write(&json!({
            "name": name, "cat": category, "ph": "X", "ts": start, "dur": duration, "pid": 1, "tid": thread,
            "args": arguments,
        }));
    }

    fn write(&mut self, event: &Value) {
        if self.failure.is_some() {
            return;
        }
        let separator = if std::mem::take(&mut self.is_empty) { "[\n" } else { ",\n" };
        self.failure = write!(self.out, "{separator}{event}").err();
    }
}
