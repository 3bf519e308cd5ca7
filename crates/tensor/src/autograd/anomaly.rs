//! Finding the first op that makes a NaN or an infinity.

use super::node::Node;
use crate::{DType, Tensor, scope};
use std::cell::RefCell;
use std::fmt;
use std::panic::Location;

/// The first op whose output was not finite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Name of the op.
    pub op: String,
    /// The forward op whose backward step was running, or `None` in the forward pass.
    pub backward_of: Option<String>,
    /// Layer path, empty outside layers.
    pub scope: String,
    /// Shape and type of the op's output, and its label.
    pub tensor: String,
    /// What was found: `NaN` or `infinity`, and how many.
    pub found: String,
    /// Source line that called the op.
    pub location: String,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} made {} in {}", self.op, self.found, self.tensor)?;
        if !self.scope.is_empty() {
            write!(f, ", layer {}", self.scope)?;
        }
        match &self.backward_of {
            Some(forward) => write!(f, ", in the backward pass of {forward}"),
            None => write!(f, ", at {}", self.location),
        }
    }
}

#[derive(Default)]
struct Watch {
    first: Option<Anomaly>,
    backward_of: Vec<String>,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Runs `body`, forward and backward, and looks at the output of every op. Returns the body's result and the first op
/// that made a value which is not finite. Slow: for looking into a run that has gone wrong.
pub fn detect_anomaly<R>(body: impl FnOnce() -> R) -> (R, Option<Anomaly>) {
    struct Restore(Option<Watch>);
    impl Drop for Restore {
        fn drop(&mut self) {
            WATCH.replace(self.0.take());
        }
    }
    let _restore = Restore(WATCH.replace(Some(Watch::default())));
    let result = body();
    let watch = WATCH.take();
    (result, watch.and_then(|watch| watch.first))
}

/// Called at the door for every output.
pub(crate) fn inspect(op: &str, output: &Tensor, location: &'static Location<'static>) {
    let watching = WATCH.with_borrow(|watch| watch.as_ref().is_some_and(|watch| watch.first.is_none()));
    if !watching || !output.dtype().is_float() {
        return;
    }
    if let Some(found) = not_finite(output) {
        WATCH.with_borrow_mut(|watch| {
            if let Some(watch) = watch {
                watch.first = Some(Anomaly {
                    op: op.to_owned(),
                    backward_of: watch.backward_of.last().cloned(),
                    scope: scope::path(),
                    tensor: output.label(),
                    found,
                    location: format!("{}:{}", location.file(), location.line()),
                });
            }
        });
    }
}

fn not_finite(tensor: &Tensor) -> Option<String> {
    let values: Vec<f64> = match tensor.dtype() {
        DType::F32 => tensor.to_vec::<f32>().into_iter().map(f64::from).collect(),
        _ => tensor.to_vec::<f64>(),
    };
    let nan = values.iter().filter(|v| v.is_nan()).count();
    let infinite = values.iter().filter(|v| v.is_infinite()).count();
    match (nan, infinite) {
        (0, 0) => None,
        (0, infinite) => Some(format!("{infinite} infinite of {} values", values.len())),
        (nan, 0) => Some(format!("{nan} NaN of {} values", values.len())),
        (nan, infinite) => Some(format!("{nan} NaN and {infinite} infinite of {} values", values.len())),
    }
}

pub(super) struct InBackward;

/// Notes which op's backward step is running, until the guard is dropped.
pub(super) fn enter_backward(node: &Node) -> Option<InBackward> {
    WATCH.with_borrow_mut(|watch| {
        watch.as_mut().map(|watch| {
            watch.backward_of.push(node.describe());
            InBackward
        })
    })
}

impl Drop for InBackward {
    fn drop(&mut self) {
        WATCH.with_borrow_mut(|watch| {
            if let Some(watch) = watch {
                watch.backward_of.pop();
            }
        });
    }
}
