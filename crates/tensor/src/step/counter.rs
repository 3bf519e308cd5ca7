//! Numbers that steps move on.

use super::recording;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that each step adds to: how many steps an optimiser has taken, how far a random sequence has been read.
/// Clones are handles of the same number.
///
/// A recorded [`Step`](super::Step) moves the counters at every replay by as much as it did when it was captured.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// A counter that stands at `value`.
    pub fn new(value: u64) -> Counter {
        Counter(Arc::new(AtomicU64::new(value)))
    }

    /// Where it stands.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Sets it: not in a step, which may only [`add`](Counter::add).
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Moves it on and gives the value before.
    pub fn add(&self, number: u64) -> u64 {
        recording::note_counter(self);
        self.0.fetch_add(number, Relaxed)
    }

    /// Whether both are the same counter.
    pub fn is(&self, other: &Counter) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
