//! A switch that replaces fused ops by the plain ones they stand for.

use std::cell::Cell;

thread_local! {
    static UNFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` with every op that can [decompose](crate::Op::decompose) replaced by its plain form, on this thread: to
/// see what a fused op does, and to test that it does the same.
pub fn unfused<R>(body: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNFUSED.set(self.0);
        }
    }
    let _restore = Restore(UNFUSED.replace(true));
    body()
}

/// Whether fused ops are to be replaced.
pub(crate) fn is_unfused() -> bool {
    UNFUSED.get()
}
