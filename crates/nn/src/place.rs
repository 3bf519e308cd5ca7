//! What a layer knows about its surroundings: its place in the model, and whether the model is training.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use wengert_tensor::scope;

/// A layer's path in its model, such as `encoder.fc1`, once [`assign_names`](crate::Module::assign_names) has told it.
#[derive(Debug, Default)]
pub struct Scope(RwLock<Option<Arc<str>>>);

impl Scope {
    /// A place that is not known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the layer in graphs, errors and anomalies until the guard is dropped.
    pub fn enter(&self) -> scope::Scope {
        match self.path() {
            Some(path) => scope::enter_path(path),
            None => scope::enter(""),
        }
    }

    /// The path, once known.
    pub fn path(&self) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells the path.
    pub fn set(&self, path: &str) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(path.into());
    }
}

/// Whether a layer is training or being evaluated, for those that behave differently. Training at first.
#[derive(Debug)]
pub struct Training(AtomicBool);

impl Training {
    /// A flag that says training.
    pub fn new() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Whether the layer is training.
    pub fn get(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Changes the flag.
    pub fn set(&self, training: bool) {
        self.0.store(training, Relaxed);
    }
}

impl Default for Training {
    fn default() -> Self {
        Self::new()
    }
}
