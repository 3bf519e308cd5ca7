//! Learning rates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A learning rate. Clones are handles of the same one, so that a step that is replayed follows its changes.
#[derive(Clone, Debug)]
pub(super) struct Rate(Arc<AtomicU64>);

impl Rate {
    pub fn new(rate: f64) -> Rate {
        Rate(Arc::new(AtomicU64::new(rate.to_bits())))
    }

    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    pub fn set(&self, rate: f64) {
        self.0.store(rate.to_bits(), Relaxed);
    }
}

/// What a step of some parameters depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The group's learning rate.
    pub learning_rate: f64,
    /// The group's weight decay, or the optimiser's.
    pub weight_decay: f64,
    /// Number of the step for these parameters, from 1 on.
    pub step: u64,
}
