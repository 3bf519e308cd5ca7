//! Which backward step is running, so that what it records can say whose gradient it is part of.

use super::node::Node;
use std::cell::Cell;

/// The op whose backward step recorded another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub op: &'static str,
}

thread_local! {
    static RUNNING: Cell<Option<Origin>> = const { Cell::new(None) };
}

/// Leaves the backward step when dropped.
pub(super) struct InStep(Option<Origin>);

/// Says that the backward step of `node` runs until the guard is dropped.
pub(super) fn enter(node: &Node) -> InStep {
    InStep(RUNNING.replace(Some(Origin { id: node.id(), op: node.op().name() })))
}

impl Drop for InStep {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

/// The backward step that is being recorded, if any.
pub(super) fn current() -> Option<Origin> {
    RUNNING.get()
}
