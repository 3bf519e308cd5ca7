//! The path of the layer that is running, so that graphs, errors and anomalies can name it.

use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    /// `None` outside every scope.
    static PATH: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Leaves the scope when dropped.
#[must_use = "the scope ends when this guard is dropped"]
#[derive(Debug)]
pub struct Scope {
    outer: Option<Arc<str>>,
    _not_send: std::marker::PhantomData<*const ()>,
}

/// Enters `name` below the current path until the guard is dropped: `encoder`, then `fc1`, gives `encoder.fc1`.
pub fn enter(name: &str) -> Scope {
    resume(match current() {
        parent if name.is_empty() => parent,
        Some(parent) => Some(format!("{parent}.{name}").into()),
        None => Some(name.into()),
    })
}

/// Enters the whole `path`, whatever the current one is: for a layer that knows its place in the model.
pub fn enter_path(path: Arc<str>) -> Scope {
    resume(Some(path).filter(|path| !path.is_empty()))
}

/// Enters what was [`current`] at another time: a backward step runs in the layer of its forward step.
pub(crate) fn resume(path: Option<Arc<str>>) -> Scope {
    Scope { outer: PATH.replace(path), _not_send: std::marker::PhantomData }
}

impl Drop for Scope {
    fn drop(&mut self) {
        PATH.set(self.outer.take());
    }
}

/// The current path, empty outside every scope.
pub fn path() -> String {
    current().map(|path| path.to_string()).unwrap_or_default()
}

/// The current path without copying it.
pub(crate) fn current() -> Option<Arc<str>> {
    PATH.with_borrow(Clone::clone)
}
