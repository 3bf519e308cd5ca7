//! Whether ops are recorded.

use std::cell::Cell;

thread_local! {
    static ENABLED: Cell<bool> = const { Cell::new(true) };
}

/// Whether ops on this thread are being recorded for differentiation.
pub fn is_grad_enabled() -> bool {
    ENABLED.get()
}

/// Switches recording on this thread on or off, and returns what it was: for languages whose blocks are not closures.
/// [`no_grad`] and [`with_grad`] restore it by themselves.
pub fn set_grad_enabled(enabled: bool) -> bool {
    ENABLED.replace(enabled)
}

/// Runs `body` without recording: its results are constants.
pub fn no_grad<R>(body: impl FnOnce() -> R) -> R {
    with_grad(false, body)
}

/// Runs `body` with recording on or off.
pub fn with_grad<R>(enabled: bool, body: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ENABLED.set(self.0);
        }
    }
    let _restore = Restore(ENABLED.replace(enabled));
    body()
}
