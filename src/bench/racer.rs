//! A contender that has loaded a workload, and its times so far.

use super::agreement::Agreement;
use super::contender::Contender;
use super::launch::Implementation;
use super::protocol::Loaded;
use super::record::Measurement;
use super::statistics::Summary;
use anyhow::Result;
use std::time::Duration;

/// How long a contender is timed in a turn, unless the number of steps is given.
const TURN_MS: f64 = 200.0;

/// Fewest and most steps that this stands for.
const STEPS: (f64, f64) = (3.0, 2000.0);

/// Untimed steps before the timed ones of a turn, in proportion: the caches belong to the contender before.
const WARM_UP: f64 = 0.1;

/// Pause before a turn: threads of the contender before may still be spinning for work.
const PAUSE: Duration = Duration::from_millis(20);

/// A contender in a race.
pub struct Racer {
    pub implementation: Implementation,
    agreement: Option<Agreement>,
    contender: Contender,
    note: Option<String>,
    loss_first: Option<f64>,
    loss_last: Option<f64>,
    steps: usize,
    /// Of every timed step.
    ms: Vec<f64>,
}

impl Racer {
    /// A contender that has loaded its workload.
    pub fn new(implementation: Implementation, contender: Contender, loaded: Loaded) -> Racer {
        let loss_first = loaded.losses.first().copied();
        Racer {
            implementation,
            agreement: None,
            contender,
            note: loaded.note,
            loss_first,
            loss_last: None,
            steps: 0,
            ms: Vec::new(),
        }
    }

    /// Remembers how near it came to this program's trial.
    pub fn agreeing(self, agreement: Agreement) -> Racer {
        Racer { agreement: Some(agreement), ..self }
    }

    /// Takes the first steps, which may compile and always fill caches, and settles the number of steps of a turn;
    /// `repeat` calls make a step.
    pub fn warm_up(&mut self, steps: Option<usize>, repeat: usize) -> Result<()> {
        self.contender.run(1)?;
        self.steps = match steps {
            Some(steps) => steps,
            None => {
                let fastest = self.contender.run(3)?.ms.into_iter().fold(f64::MAX, f64::min) * repeat as f64;
                (TURN_MS / fastest).clamp(STEPS.0, STEPS.1) as usize
            }
        };
        Ok(())
    }

    /// Takes a turn.
    pub fn take_turn(&mut self) -> Result<()> {
        std::thread::sleep(PAUSE);
        self.contender.run((self.steps as f64 * WARM_UP).ceil() as usize)?;
        let timed = self.contender.run(self.steps)?;
        self.loss_last = timed.loss;
        self.ms.extend(timed.ms);
        Ok(())
    }

    /// The contender, and what was measured in at least one turn.
    pub fn finish(self) -> (Contender, Measurement) {
        let measurement = Measurement {
            loss_first: self.loss_first,
            loss_last: self.loss_last,
            agreement: self.agreement,
            note: self.note,
            ..Measurement::new(self.implementation, Summary::of(&self.ms))
        };
        (self.contender, measurement)
    }
}
