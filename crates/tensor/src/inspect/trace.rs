//! A record of all that runs, on all threads: as a trace that Chrome and Perfetto show, and as text.
//!
//! ```no_run
//! use wengert_tensor::inspect::trace::{Detail, Options, Tracing};
//!
//! let options = Options { file: Some("trace.json".into()), detail: Detail::Totals, ..Options::default() };
//! let tracing = Tracing::start(&options)?;
//! // … what is to be profiled …
//! tracing.finish()?;
//! # Ok::<(), wengert_tensor::Error>(())
//! ```
//!
//! Every op is an event with its shapes, the bytes of its operands and result, its floating-point operations and the
//! rates that these make with its time; steps of optimisers are events too. Events lie inside spans for the layers they
//! ran in and for the direction, forward or backward. While nothing is traced an op costs one load of a flag more.

mod chrome;
mod text;

use crate::autograd::lock;
use crate::op::{Op, Spec};
use crate::{Error, Result, Value, scope};
use chrome::Chrome;
use std::cell::Cell;
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use text::Text;

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing.
    #[default]
    Silent,
    /// Totals for each kind of op, at the end.
    Totals,
    /// Also a line for each op.
    Ops,
    /// Also shapes, and the range of the values that came out, for which they are read once more.
    Values,
}

/// Where text goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// Standard error, beside the output of a program.
    #[default]
    Error,
    /// Standard output, where the text is what was asked for.
    Output,
}

/// What is recorded, and where it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A file for the trace: JSON in Chrome's trace event format, for <https://ui.perfetto.dev> and `chrome://tracing`.
    pub file: Option<PathBuf>,
    /// What is printed.
    pub detail: Detail,
    /// Where it is printed.
    pub stream: Stream,
}

impl Options {
    /// What the environment asks for: `WENGERT_TRACE` names the file, `WENGERT_DEBUG` is the detail from 0 to 3.
    ///
    /// # Errors
    /// When `WENGERT_DEBUG` is not a number from 0 to 3.
    pub fn from_environment() -> Result<Options> {
        Self::from_values(env::var_os("WENGERT_TRACE").as_deref(), env::var_os("WENGERT_DEBUG").as_deref())
    }

    fn from_values(file: Option<&OsStr>, detail: Option<&OsStr>) -> Result<Options> {
        let given = |value: Option<&OsStr>| value.filter(|value| !value.is_empty()).map(OsStr::to_owned);
        let detail = match given(detail).as_deref().map(OsStr::to_string_lossy).as_deref() {
            None | Some("0") => Detail::Silent,
            Some("1") => Detail::Totals,
            Some("2") => Detail::Ops,
            Some("3") => Detail::Values,
            Some(other) => {
                return Err(Error::argument("WENGERT_DEBUG", format!("must be 0, 1, 2 or 3, got '{other}'")));
            }
        };
        Ok(Options { file: given(file).map(PathBuf::from), detail, ..Options::default() })
    }
}

/// A trace that is being recorded, until [`finish`](Tracing::finish) or the end of this value.
#[derive(Debug)]
#[must_use = "the trace ends when this value is dropped"]
pub struct Tracing {
    active: bool,
}

impl Tracing {
    /// Starts to record, in the whole process; with options that ask for nothing, does nothing.
    ///
    /// # Errors
    /// When the file cannot be written, or a trace is being recorded already.
    pub fn start(options: &Options) -> Result<Tracing> {
        if *options == Options::default() {
            return Ok(Tracing { active: false });
        }
        let mut recorder = lock(&RECORDER);
        if recorder.is_some() {
            return Err(Error::argument("trace", "a trace is being recorded already"));
        }
        let chrome = match &options.file {
            Some(path) => {
                let file = File::create(path).map_err(|error| Error::io(path, error))?;
                Some(Chrome::new(path.clone(), Box::new(BufWriter::new(file))))
            }
            None => None,
        };
        let out: Box<dyn Write + Send> = match options.stream {
            Stream::Error => Box::new(io::stderr()),
            Stream::Output => Box::new(io::stdout()),
        };
        let text = (options.detail > Detail::Silent).then(|| Text::new(options.detail, out));
        *recorder = Some(Recorder { origin: Instant::now(), chrome, text });
        ON.store(true, Relaxed);
        Ok(Tracing { active: true })
    }

    /// Completes the file and prints the totals.
    ///
    /// # Errors
    /// When the file could not be written, then or before.
    pub fn finish(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if std::mem::take(&mut self.active) { stop() } else { Ok(()) }
    }
}

/// Ends the trace that is being recorded, if one is, as its [`finish`](Tracing::finish) would: for a process that may be
/// stopped before it gets there.
///
/// # Errors
/// When the file could not be written.
pub fn stop() -> Result<()> {
    ON.store(false, Relaxed);
    let recorder = lock(&RECORDER).take();
    let Some(Recorder { chrome, text, .. }) = recorder else { return Ok(()) };
    if let Some(text) = text {
        text.finish();
    }
    chrome.map_or(Ok(()), Chrome::finish)
}

impl Drop for Tracing {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure; `finish` is for those who want to know.
        let _ = self.end();
    }
}

static ON: AtomicBool = AtomicBool::new(false);
static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

struct Recorder {
    origin: Instant,
    chrome: Option<Chrome>,
    text: Option<Text>,
}

/// Which part of a training step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Forward,
    Backward,
    Update,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Forward => "forward",
            Phase::Backward => "backward",
            Phase::Update => "update",
        }
    }
}

thread_local! {
    static PHASE: Cell<Phase> = const { Cell::new(Phase::Forward) };
}

/// Marks what runs on this thread as part of a backward pass, until the guard is dropped.
pub(crate) fn enter_backward() -> PhaseGuard {
    PhaseGuard(PHASE.replace(Phase::Backward))
}

pub(crate) struct PhaseGuard(Phase);

impl Drop for PhaseGuard {
    fn drop(&mut self) {
        PHASE.set(self.0);
    }
}

/// Something that ran.
struct Event<'a> {
    name: &'static str,
    phase: Phase,
    /// Layer path, empty outside layers.
    scope: &'a str,
    inputs: &'a [Spec],
    output: &'a Spec,
    /// What came out, where there is one array of it.
    value: Option<&'a Value>,
    /// Since the start of the trace.
    start: Duration,
    duration: Duration,
    /// Bytes of operands and result, each once.
    bytes: u64,
    flops: u64,
}

impl Event<'_> {
    fn gigaflops(&self) -> f64 {
        rate(self.flops, self.duration)
    }

    fn gigabytes(&self) -> f64 {
        rate(self.bytes, self.duration)
    }
}

/// Thousand millions a second.
fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_nanos().max(1) as f64
}

/// Ops that give another layout to the same elements. A reshape that must copy is rare, and counted here too.
const VIEWS: [&str; 5] = ["reshape", "permute", "expand", "slice", "flip"];

/// Whether a trace is being recorded.
pub(crate) fn is_on() -> bool {
    ON.load(Relaxed)
}

/// Records an op that ran from `start` for `duration`.
pub(crate) fn record_op(
    op: &dyn Op,
    inputs: &[Spec],
    output: &Spec,
    value: &Value,
    start: Instant,
    duration: Duration,
) {
    let bytes = inputs.iter().chain([output]).map(bytes_of).sum();
    let (bytes, flops) = match VIEWS.contains(&op.name()) {
        true => (0, 0),
        false => (bytes, op.flops(inputs, output)),
    };
    record(start, |origin| Event {
        name: op.name(),
        phase: PHASE.get(),
        scope: "",
        inputs,
        output,
        value: Some(value),
        start: start.saturating_duration_since(origin),
        duration,
        bytes,
        flops,
    });
}

/// Runs `body`, a step of an optimiser over `output.shape` numbers, each with `arrays` numbers read or written in all.
pub(crate) fn step<R>(name: &'static str, output: &Spec, arrays: u64, body: impl FnOnce() -> R) -> R {
    if !is_on() {
        return body();
    }
    let start = Instant::now();
    let result = body();
    let duration = start.elapsed();
    record(start, |origin| Event {
        name,
        phase: Phase::Update,
        scope: "",
        inputs: &[],
        output,
        value: None,
        start: start.saturating_duration_since(origin),
        duration,
        bytes: arrays * bytes_of(output),
        flops: 0,
    });
    result
}

fn bytes_of(spec: &Spec) -> u64 {
    (spec.shape.numel() * spec.dtype.size_of()) as u64
}

fn record<'a>(start: Instant, event: impl FnOnce(Instant) -> Event<'a>) {
    let path = scope::path();
    let mut recorder = lock(&RECORDER);
    // A trace that ended, or began, while the op ran does not have it.
    let Some(recorder) = recorder.as_mut().filter(|recorder| start >= recorder.origin) else { return };
    let event = event(recorder.origin);
    let event = Event { scope: &path, ..event };
    if let Some(chrome) = &mut recorder.chrome {
        chrome.record(&event);
    }
    if let Some(text) = &mut recorder.text {
        text.record(&event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read() {
        let read =
            |file: &str, detail: &str| Options::from_values(Some(file.as_ref()), Some(detail.as_ref()));
        assert_eq!(Options::from_values(None, None).unwrap(), Options::default());
        assert_eq!(read("", "0").unwrap(), Options::default());
        let expected = Options { file: Some("t.json".into()), detail: Detail::Ops, ..Options::default() };
        assert_eq!(read("t.json", "2").unwrap(), expected);
        let message = read("", "all").unwrap_err().to_string();
        assert_eq!(message, "WENGERT_DEBUG: must be 0, 1, 2 or 3, got 'all'");
    }
}
