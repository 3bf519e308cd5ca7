//! Noting down which random numbers a function draws, so that it can be run again with the very same ones.

use std::cell::RefCell;
use wengert_cpu::rng::Position;

/// Places of draws in their generators' sequences, in the order in which they were drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draws(Vec<Position>);

enum Mode {
    Free,
    Record(Draws),
    Replay { draws: Draws, next: usize },
}

thread_local! {
    static MODE: RefCell<Mode> = const { RefCell::new(Mode::Free) };
}

/// Runs `body` and returns the draws it made on this thread.
pub(crate) fn record_draws<R>(body: impl FnOnce() -> R) -> (R, Draws) {
    let (result, mode) = within(Mode::Record(Draws::default()), body);
    let Mode::Record(draws) = mode else { unreachable!("modes are restored in the order they were entered") };
    // An outer recording must know of these draws too.
    MODE.with_borrow_mut(|mode| {
        if let Mode::Record(outer) = mode {
            outer.0.extend_from_slice(&draws.0);
        }
    });
    (result, draws)
}

/// Runs `body` with its draws taken from `draws` instead of from the generators, which stay where they are.
pub(crate) fn replay_draws<R>(draws: &Draws, body: impl FnOnce() -> R) -> R {
    within(Mode::Replay { draws: draws.clone(), next: 0 }, body).0
}

/// The place of the next draw on this thread; `reserve` takes it from a generator.
pub(crate) fn next_draw(reserve: impl FnOnce() -> Position) -> Position {
    MODE.with_borrow_mut(|mode| match mode {
        Mode::Free => reserve(),
        Mode::Record(draws) => {
            let position = reserve();
            draws.0.push(position);
            position
        }
        Mode::Replay { draws, next } => {
            *next += 1;
            // A function that draws more on its second run is not the same function; it gets fresh numbers.
            draws.0.get(*next - 1).copied().unwrap_or_else(reserve)
        }
    })
}

fn within<R>(mode: Mode, body: impl FnOnce() -> R) -> (R, Mode) {
    struct Restore(Option<Mode>);
    impl Restore {
        fn now(&mut self) -> Option<Mode> {
            self.0.take().map(|outer| MODE.replace(outer))
        }
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            self.now();
        }
    }
    let mut restore = Restore(Some(MODE.replace(mode)));
    let result = body();
    (result, restore.now().unwrap_or(Mode::Free))
}
