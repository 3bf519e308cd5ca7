//! Numbers of a kernel that depend on how many steps were taken.

use super::recording::{self, Place};
use super::{Counter, Recording};
use std::fmt;
use std::sync::Arc;
use wengert_cuda::optimize::{NUMBERS, Numbers};
use wengert_cuda::replay::Words;

/// What an optimiser's step is told, such as its learning rate: always the same, or by the number of the step.
#[derive(Clone)]
pub enum Pace<S> {
    /// The same in every step.
    Lasting(S),
    /// What the rule gives for the value of the counter. The rule may depend on other things that
    /// [`Work::prepare`](super::Work::prepare) sets.
    Moving {
        /// The number of the step.
        counter: Counter,
        /// What a step of this number is told.
        rule: Arc<dyn Fn(u64) -> S + Send + Sync>,
    },
}

impl<S> From<S> for Pace<S> {
    fn from(lasting: S) -> Self {
        Pace::Lasting(lasting)
    }
}

impl<S: fmt::Debug + Copy> fmt::Debug for Pace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.now().fmt(f)
    }
}

impl<S: Copy + 'static> Pace<S> {
    /// What `rule` gives for the value of `counter`.
    pub fn moving(counter: Counter, rule: impl Fn(u64) -> S + Send + Sync + 'static) -> Pace<S> {
        Pace::Moving { counter, rule: Arc::new(rule) }
    }
}

impl<S: Copy> Pace<S> {
    /// What the step that runs is told.
    pub fn now(&self) -> S {
        match self {
            Pace::Lasting(step) => *step,
            Pace::Moving { counter, rule } => rule(counter.get()),
        }
    }
}

impl<S: Copy + 'static> Pace<S> {
    /// Calls `launch` with the numbers of a kernel, which `list` makes of what the step is told.
    pub(crate) fn with_numbers<const N: usize, R>(
        &self,
        list: fn(&S) -> [f64; N],
        launch: impl FnOnce(Numbers<'_>) -> R,
    ) -> crate::Result<R> {
        const { assert!(N <= NUMBERS) };
        let numbers = list(&self.now());
        let Pace::Moving { counter, rule } = self else { return Ok(launch(Numbers::Lasting(&numbers))) };
        let place = recording::with(|recording| {
            let (ahead, rule, counter) = (recording.moved(counter), rule.clone(), counter.clone());
            recording.source(NUMBERS, move |words| {
                let numbers = list(&rule(counter.get() + ahead));
                words.fill(0);
                words.iter_mut().zip(numbers).for_each(|(word, number)| *word = number.to_bits());
                Ok(())
            })
        });
        Ok(match place {
            None => launch(Numbers::Lasting(&numbers)),
            Some(Place::Rehearsed) => launch(Numbers::Now(&numbers)),
            Some(Place::Words(rows, first)) => {
                launch(Numbers::Words(Words::new(rows.words(), first, NUMBERS)?))
            }
        })
    }
}

const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Recording>();
};
