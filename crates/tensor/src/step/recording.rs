//! What is noted of a step while it is rehearsed or captured: what in it moves.

use super::Counter;
use crate::Result;
use crate::storage::Storage;
use std::cell::RefCell;
use std::sync::{Arc, Weak};
use wengert_cpu::rng::Position;
use wengert_cuda::random;
use wengert_cuda::replay::{Rows, Words};

/// Makes the words of the replay of a step that is about to be done, from the counters as they stand before it.
pub(super) type Fill = Box<dyn Fn(&mut [u64]) -> Result<()> + Send>;

/// Words of a replay that one launch takes.
pub(super) struct Source {
    pub first: usize,
    pub count: usize,
    pub fill: Fill,
}

/// A counter that the step moves.
pub(super) struct Moved {
    pub counter: Counter,
    /// Where it stood when the step first moved it.
    pub start: u64,
    /// The word with its value at the start of each step, where a draw needs it.
    word: Option<usize>,
}

/// What a recorded step has done so far.
#[derive(Default)]
pub(super) struct Recording {
    /// Counters that the time before has moved too: those that outlive a step.
    lasting: Vec<Counter>,
    /// The words of replays, in a capture.
    rows: Option<Arc<Rows>>,
    pub moved: Vec<Moved>,
    /// Seed and stream of a generator, and its counter among those moved.
    draws: Vec<(u64, u64, usize)>,
    pub sources: Vec<Source>,
    pub words: usize,
    /// What it has changed in place; the step's own arrays are gone after it.
    pub changed: Vec<Weak<Storage>>,
    /// Number of the step's results, noted when it is over.
    pub results: usize,
}

/// Where the words that a launch asked for are.
pub(super) enum Place {
    /// Nowhere yet: the launch is given the values.
    Rehearsed,
    /// Word so and so of each replay.
    Words(Arc<Rows>, usize),
}

thread_local! {
    static RECORDING: RefCell<Option<Recording>> = const { RefCell::new(None) };
}

/// Whether this thread records a step, in which no tensor's elements can be read. What would look at them, such as whether
/// a loss is finite, has to be looked at in the step's results.
pub fn is_recorded() -> bool {
    RECORDING.with_borrow(Option::is_some)
}

/// Calls `f` with the recording of this thread, if there is one.
pub(super) fn with<R>(f: impl FnOnce(&mut Recording) -> R) -> Option<R> {
    RECORDING.with_borrow_mut(|recording| recording.as_mut().map(f))
}

/// Notes where a counter stands that is about to be moved.
pub(super) fn note_counter(counter: &Counter) {
    with(|recording| recording.number_of(counter));
}

/// Notes that a generator draws.
pub(crate) fn note_draw(seed: u64, stream: u64, counter: &Counter) {
    with(|recording| {
        let number = recording.number_of(counter);
        if recording.is_lasting(counter) && !recording.draws.contains(&(seed, stream, number)) {
            recording.draws.push((seed, stream, number));
        }
    });
}

/// Notes that the elements of a storage were changed in place.
pub(crate) fn note_change(storage: &Arc<Storage>) {
    with(|recording| {
        let storage = Arc::downgrade(storage);
        if !recording.changed.iter().any(|other| other.ptr_eq(&storage)) {
            recording.changed.push(storage);
        }
    });
}

/// Calls `launch` with the place of a draw as kernels take it.
pub(crate) fn with_place<R>(
    position: Position,
    launch: impl FnOnce(random::Position<'_>) -> R,
) -> Result<R> {
    let Position { seed, stream, offset } = position;
    let place = with(|recording| recording.place_of(seed, stream)).flatten();
    let Some((start, place)) = place else {
        return Ok(launch(random::Position { seed, stream, offset, moving: None }));
    };
    let offset = offset.wrapping_sub(start);
    Ok(match place {
        Place::Rehearsed => {
            launch(random::Position { seed, stream, offset, moving: Some(random::Moving::Now(start)) })
        }
        Place::Words(rows, first) => {
            let word = Words::new(rows.words(), first, 1)?;
            launch(random::Position { seed, stream, offset, moving: Some(random::Moving::Word(word)) })
        }
    })
}

impl Recording {
    /// A run after the one that `before` was noted of.
    pub fn rehearsal(before: Option<&Recording>) -> Recording {
        let lasting = before.map_or_else(Vec::new, |before| {
            before.moved.iter().map(|moved| moved.counter.clone()).collect()
        });
        Recording { lasting, ..Recording::default() }
    }

    /// The run after `before`, whose launches are to take words from `rows`.
    pub fn capture(before: &Recording, rows: Arc<Rows>) -> Recording {
        Recording { rows: Some(rows), ..Self::rehearsal(Some(before)) }
    }

    /// Runs `body` and notes what it does.
    pub fn during<R>(self, body: impl FnOnce() -> R) -> (R, Recording) {
        /// Ends the recording even when the body panics.
        struct End;
        impl Drop for End {
            fn drop(&mut self) {
                RECORDING.take();
            }
        }
        RECORDING.set(Some(self));
        let end = End;
        let result = body();
        let recording = RECORDING.take().expect("nobody else ends it");
        drop(end);
        (result, recording)
    }

    /// Adds words of which `fill` knows the values; the count is the same in a rehearsal, where nobody asks it.
    pub fn source(
        &mut self,
        count: usize,
        fill: impl Fn(&mut [u64]) -> Result<()> + Send + 'static,
    ) -> Place {
        let first = self.words;
        self.words += count;
        match &self.rows {
            None => Place::Rehearsed,
            Some(rows) => {
                self.sources.push(Source { first, count, fill: Box::new(fill) });
                Place::Words(rows.clone(), first)
            }
        }
    }

    /// By how much the step has moved a counter so far.
    pub fn moved(&self, counter: &Counter) -> u64 {
        let moved = self.moved.iter().find(|moved| moved.counter.is(counter));
        moved.map_or(0, |moved| counter.get() - moved.start)
    }

    fn number_of(&mut self, counter: &Counter) -> usize {
        let known = self.moved.iter().position(|moved| moved.counter.is(counter));
        known.unwrap_or_else(|| {
            self.moved.push(Moved { counter: counter.clone(), start: counter.get(), word: None });
            self.moved.len() - 1
        })
    }

    fn is_lasting(&self, counter: &Counter) -> bool {
        self.lasting.iter().any(|other| other.is(counter))
    }

    /// Where a sequence stood when the step began, and the word that says so in replays.
    fn place_of(&mut self, seed: u64, stream: u64) -> Option<(u64, Place)> {
        let draw = self.draws.iter().find(|draw| (draw.0, draw.1) == (seed, stream));
        let number = draw?.2;
        let Moved { counter, start, word } = &self.moved[number];
        let start = *start;
        if let Some(word) = *word {
            let place = self.rows.as_ref().map_or(Place::Rehearsed, |rows| Place::Words(rows.clone(), word));
            return Some((start, place));
        }
        let counter = counter.clone();
        self.moved[number].word = Some(self.words);
        let place = self.source(1, move |words| {
            words[0] = counter.get();
            Ok(())
        });
        Some((start, place))
    }
}
