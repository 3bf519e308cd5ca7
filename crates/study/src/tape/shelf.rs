//! The tapes that pages look at; the oldest makes room for a new one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use wengert_tensor::inspect::History;

/// Tapes that are kept.
const ROOM: usize = 16;

/// A recorded tape.
#[derive(Debug)]
pub struct Tape {
    pub history: History,
    /// The name of its files.
    pub name: String,
    /// Whether it is of a snippet, and not of a model.
    pub is_snippet: bool,
}

/// Tapes by number.
#[derive(Debug, Default)]
pub struct Shelf {
    /// How many there have been, and those that are there.
    tapes: Mutex<(u64, Numbered)>,
}

type Numbered = VecDeque<(u64, Arc<Tape>)>;

impl Shelf {
    /// Keeps a tape and gives its number.
    pub fn keep(&self, tape: Arc<Tape>) -> u64 {
        let mut tapes = self.tapes.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, shelf) = &mut *tapes;
        *count += 1;
        if shelf.len() == ROOM {
            shelf.pop_front();
        }
        shelf.push_back((*count, tape));
        *count
    }

    /// The tape of a number, where it is still there.
    pub fn find(&self, number: &str) -> Option<Arc<Tape>> {
        let number = number.parse::<u64>().ok()?;
        let tapes = self.tapes.lock().unwrap_or_else(PoisonError::into_inner);
        tapes.1.iter().find(|(kept, _)| *kept == number).map(|(_, tape)| tape.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::snippet;

    #[test]
    fn the_oldest_tape_makes_room() {
        let shelf = Shelf::default();
        let history = snippet::record("x = param(ones(2)); loss = sum(x^2)").unwrap();
        let tape = Arc::new(Tape { history, name: "snippet".into(), is_snippet: true });
        let numbers: Vec<u64> = (0..=ROOM).map(|_| shelf.keep(tape.clone())).collect();
        assert!(shelf.find(&numbers[0].to_string()).is_none());
        assert!(numbers[1..].iter().all(|number| shelf.find(&number.to_string()).is_some()));
        assert!(shelf.find("one").is_none());
    }
}
