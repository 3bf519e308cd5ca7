//! An observer at the door: sees every op that runs on this thread, forward and backward.

use super::trace;
use crate::op::{Op, Spec};
use crate::{Value, scope};
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// An op that has just run.
pub struct OpEvent<'a> {
    /// The op with its attributes.
    pub op: &'a dyn Op,
    /// Layer path, empty outside layers.
    pub scope: String,
    /// Shapes and types of its inputs.
    pub inputs: &'a [Spec],
    /// Shape and type of its output.
    pub output: &'a Spec,
    /// Wall-clock time of the kernel.
    pub duration: Duration,
}

type Observer = Box<dyn FnMut(&OpEvent)>;

thread_local! {
    static OBSERVER: RefCell<Option<Observer>> = const { RefCell::new(None) };
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` and calls `observer` after every op on this thread. Observers nest: the innermost one sees the op.
pub fn observe<R>(observer: impl FnMut(&OpEvent) + 'static, body: impl FnOnce() -> R) -> R {
    struct Restore(Option<Observer>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ACTIVE.set(self.0.is_some());
            OBSERVER.replace(self.0.take());
        }
    }
    let _restore = Restore(OBSERVER.replace(Some(Box::new(observer))));
    ACTIVE.set(true);
    body()
}

/// Starts the clock where someone is watching.
pub(crate) fn start() -> Option<Instant> {
    (ACTIVE.get() || trace::is_on()).then(Instant::now)
}

pub(crate) fn finish(start: Option<Instant>, op: &dyn Op, inputs: &[Spec], output: &Spec, value: &Value) {
    let Some(start) = start else { return };
    let duration = start.elapsed();
    if trace::is_on() {
        trace::record_op(op, inputs, output, value, start, duration);
    }
    // Taken out while it runs, so that an observer may use tensors itself.
    let observer = OBSERVER.with_borrow_mut(Option::take);
    if let Some(mut observer) = observer {
        ACTIVE.set(false);
        observer(&OpEvent { op, scope: scope::path(), inputs, output, duration });
        ACTIVE.set(true);
        OBSERVER.replace(Some(observer));
    }
}
