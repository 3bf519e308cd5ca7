//! A step that is done again and again, such as one of training, as one launch.
//!
//! On a CUDA device a small model's step is limited by the hundreds of launches that the host makes for it. [`Step`] makes
//! one graph of them: it runs a step twice as always, the third time it captures what the device is told to do, and from
//! then on the host only launches the graph. On the CPU every step just runs.
//!
//! What a step does for the first time and never again, such as an optimiser's making its state, belongs to the first run;
//! what differs from step to step is said in ways that a replay can follow:
//!
//! - places in random sequences, by drawing from one [`Generator`](crate::Generator) that outlives the step;
//! - numbers that depend on how many steps were taken, by a [`Pace`] with a [`Counter`]; the optimisers do it so;
//! - which rows of a table the step takes, such as the images of a batch, by a [`Selection`];
//! - two kinds of steps, such as those in which a generator moves and those in which it does not, by [`Work::phase`].
//!
//! Anything else that differs is an error when the step is captured: another launch, another argument, other contents of an
//! array that comes from main memory, an array read and replaced by a new one instead of changed in place. So is what a graph
//! cannot do: reading a tensor's elements. What a step says of contents, such as an index that is out of range, is told after
//! some replays, without the place.
//!
//! ```
//! use wengert_tensor::step::{Step, Work};
//! use wengert_tensor::{DType, Device, Error, Generator, Tensor};
//!
//! struct Walk {
//!     place: Tensor,
//!     rng: Generator,
//! }
//!
//! impl Work for Walk {
//!     type Error = Error;
//!     fn run(&mut self, _step: u64) -> Result<Vec<Tensor>, Error> {
//!         self.place.assign(&(&self.place + self.rng.normal([3], 0.0, 1.0, DType::F32)))?;
//!         Ok(vec![self.place.square().sum_all()])
//!     }
//! }
//!
//! let mut walk = Walk { place: Tensor::zeros([3], DType::F32), rng: Generator::new(0) };
//! let distances = Step::new(Device::Cpu).run(&mut walk, 0, 10)?;
//! assert_eq!(distances[9], [walk.place.square().sum_all().item()]);
//! # Ok::<(), Error>(())
//! ```

mod counter;
mod pace;
mod recording;
mod replay;
mod selection;

pub use counter::Counter;
pub use pace::Pace;
pub use recording::is_recorded;
pub use selection::Selection;

pub(crate) use recording::{note_change, note_draw, with_place};

use crate::{Device, Tensor};
use recording::Recording;
use replay::Replay;
use std::collections::BTreeMap;
use wengert_cuda::Recorder;

/// What a step does.
pub trait Work {
    /// What goes wrong in it.
    type Error: From<crate::Error>;

    /// Which kind of step it is. Steps of one kind do the same launches.
    fn phase(&self, _step: u64) -> u64 {
        0
    }

    /// The host's part, which is done in every step, for replays some steps ahead: learning rates, the rows of a
    /// [`Selection`]. It must not depend on what the device computes.
    ///
    /// # Errors
    /// The work's own.
    fn prepare(&mut self, _step: u64) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The device's part: it is called until the step is captured, and then no more. The results are scalars, at most 32,
    /// as many in each step of a kind.
    ///
    /// # Errors
    /// The work's own.
    fn run(&mut self, step: u64) -> Result<Vec<Tensor>, Self::Error>;
}

/// Runs before a capture: one that makes what lasts, and one that shows what each step does.
const REHEARSALS: u32 = 2;

/// Steps that the host is ahead of the device at most.
const AHEAD: usize = 64;

/// Work with its graphs, one for each phase, where it is done on a CUDA device.
#[derive(Debug)]
pub struct Step {
    device: Device,
    phases: BTreeMap<u64, Phase>,
}

/// How far the steps of a phase have come.
enum Phase {
    Rehearsed { recorder: Recorder, times: u32, notes: Recording },
    Captured(Replay),
}

impl std::fmt::Debug for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Phase::Rehearsed { times, .. } => write!(f, "rehearsed {times} times"),
            Phase::Captured(replay) => write!(f, "{replay:?}"),
        }
    }
}

impl Step {
    /// Steps of work on `device`.
    pub fn new(device: Device) -> Step {
        Step { device, phases: BTreeMap::new() }
    }

    /// Whether steps of this phase are replayed.
    pub fn is_captured(&self, phase: u64) -> bool {
        matches!(self.phases.get(&phase), Some(Phase::Captured(_)))
    }

    /// Launches, copies and fills of the graph of this phase, once it is captured.
    pub fn launches(&self, phase: u64) -> Option<usize> {
        match self.phases.get(&phase)? {
            Phase::Captured(replay) => Some(replay.launches()),
            Phase::Rehearsed { .. } => None,
        }
    }

    /// Does steps `first`, `first + 1`, … of the work, `count` in all, and gives the results of each.
    ///
    /// # Errors
    /// The work's own; on a device also what keeps a step from being replayed, see [the module](self), and what the
    /// device says. A step that was to be captured has not been done then.
    pub fn run<W: Work>(&mut self, work: &mut W, first: u64, count: usize) -> Result<Vec<Vec<f64>>, W::Error> {
        let mut results = Vec::with_capacity(count);
        while results.len() < count {
            let step = first + results.len() as u64;
            if self.device == Device::Cpu {
                work.prepare(step)?;
                results.push(work.run(step)?.iter().map(Tensor::item).collect());
            } else if self.is_captured(work.phase(step)) {
                results.extend(self.replay(work, step, (count - results.len()).min(AHEAD))?);
            } else {
                work.prepare(step)?;
                results.push(self.record(work, step)?);
            }
        }
        Ok(results)
    }

    /// A step that runs, or that is captured and then replayed for the first time.
    fn record<W: Work>(&mut self, work: &mut W, step: u64) -> Result<Vec<f64>, W::Error> {
        let phase = work.phase(step);
        let (mut recorder, times, before) = match self.phases.remove(&phase) {
            Some(Phase::Rehearsed { recorder, times, notes }) => (recorder, times, Some(notes)),
            _ => (Recorder::new(&self.cuda()?).map_err(crate::Error::from)?, 0, None),
        };
        if times == REHEARSALS {
            let before = before.expect("it was rehearsed");
            let mut replay = Replay::capture(&self.cuda()?, recorder, &before, AHEAD, || work.run(step))?;
            replay.plan()?;
            replay.upload()?;
            replay.launch()?;
            let results = replay.results()?.remove(0);
            self.phases.insert(phase, Phase::Captured(replay));
            return Ok(results);
        }
        let recording = Recording::rehearsal(before.as_ref());
        let (results, mut notes) =
            recorder.rehearse(|| recording.during(|| work.run(step))).map_err(crate::Error::from)?;
        let results = results?;
        notes.results = results.len();
        self.phases.insert(phase, Phase::Rehearsed { recorder, times: times + 1, notes });
        Ok(results.iter().map(Tensor::item).collect())
    }

    /// Up to `count` steps by their graphs: as many as have one.
    fn replay<W: Work>(&mut self, work: &mut W, first: u64, count: usize) -> Result<Vec<Vec<f64>>, W::Error> {
        let mut order = Vec::with_capacity(count);
        for step in first..first + count as u64 {
            let phase = work.phase(step);
            let Some(Phase::Captured(replay)) = self.phases.get_mut(&phase) else { break };
            work.prepare(step)?;
            replay.plan()?;
            order.push(phase);
        }
        for replay in self.replays() {
            replay.upload()?;
        }
        for phase in &order {
            if let Some(Phase::Captured(replay)) = self.phases.get(phase) {
                replay.launch()?;
            }
        }
        let mut results = BTreeMap::new();
        for (&phase, state) in &mut self.phases {
            if let Phase::Captured(replay) = state {
                results.insert(phase, replay.results()?.into_iter());
            }
        }
        let next = |phase| results.get_mut(phase).and_then(Iterator::next);
        Ok(order.iter().filter_map(next).collect())
    }

    fn replays(&mut self) -> impl Iterator<Item = &mut Replay> {
        self.phases.values_mut().filter_map(|phase| match phase {
            Phase::Captured(replay) => Some(replay),
            Phase::Rehearsed { .. } => None,
        })
    }

    fn cuda(&self) -> crate::Result<wengert_cuda::Device> {
        match self.device {
            Device::Cuda(ordinal) => Ok(wengert_cuda::Device::get(ordinal)?),
            Device::Cpu => Err(crate::Error::device("step", "a graph needs a CUDA device")),
        }
    }
}
