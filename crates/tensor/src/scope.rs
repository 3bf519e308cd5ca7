//! The path of the layer that is running, so that graphs, errors and anomalies can name it.

use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static PATH: RefCell<Vec<Arc<str>>> = const { RefCell::new(Vec::new()) };
}

/// Leaves the scope when dropped.
#[must_use = "the scope ends when this guard is dropped"]
#[derive(Debug)]
pub struct Scope {
    _not_send: std::marker::PhantomData<*const ()>,
}

/// Enters `name` below the current path until the guard is dropped: `encoder`, then `fc1`, gives `encoder.fc1`.
pub fn enter(name: &str) -> Scope {
    PATH.with_borrow_mut(|stack| {
        let path = match stack.last() {
            Some(parent) if name.is_empty() => parent.clone(),
            Some(parent) if !parent.is_empty() => format!("{parent}.{name}").into(),
            _ => name.into(),
        };
        stack.push(path);
    });
    Scope { _not_send: std::marker::PhantomData }
}

/// Enters the whole `path`, whatever the current one is: for a layer that knows its place in the model, and for a
/// backward step, which runs in the layer of its forward step.
pub fn enter_path(path: Arc<str>) -> Scope {
    PATH.with_borrow_mut(|stack| stack.push(path));
    Scope { _not_send: std::marker::PhantomData }
}

impl Drop for Scope {
    fn drop(&mut self) {
        PATH.with_borrow_mut(|stack| stack.pop());
    }
}

/// The current path, empty outside every scope.
pub fn path() -> String {
    current().map(|path| path.to_string()).unwrap_or_default()
}

/// The current path without copying it.
pub(crate) fn current() -> Option<Arc<str>> {
    PATH.with_borrow(|stack| stack.last().filter(|path| !path.is_empty()).cloned())
}
