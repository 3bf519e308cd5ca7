//! The contenders in turns, round by round.

use super::agreement::{Disagreement, Trial, compare};
use super::contender::Contender;
use super::launch::{Implementation, Launcher};
use super::micro::{Micro, Work};
use super::protocol::{Loaded, Place, Refusal, Request, TrialFiles};
use super::racer::Racer;
use super::record::{Measurement, Outcome};
use super::statistics::Summary;
use super::training::Entry;
use super::workload::Workload;
use super::{micro, state};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::time::Instant;
use tempfile::TempDir;
use wengert_tensor::{Device, on_device};

/// Fewest calls in a step of a micro workload on a GPU, where the wait for the end of a step takes longer than many a
/// call does.
const CALLS: usize = 16;

/// How a race is run.
#[derive(Debug, Clone)]
pub struct Rules {
    pub place: Place,
    /// Images in a training step.
    pub batch: usize,
    pub rounds: usize,
    /// Steps of a turn; without a number as many as take a moment.
    pub steps: Option<usize>,
    /// The contenders besides this program.
    pub against: Vec<Implementation>,
    pub launcher: Launcher,
}

/// Races over one workload after the other.
pub struct Race<'a> {
    rules: &'a Rules,
    /// Told what is going on.
    progress: &'a dyn Fn(String),
    /// Where states and gradients are exchanged.
    folder: TempDir,
    /// The contenders of micro workloads, which go on from one to the next: to import a framework takes seconds.
    waiting: BTreeMap<Implementation, Contender>,
    /// Processes that measure what the machine can do at most, by the name of the limit.
    limits: BTreeMap<&'static str, Contender>,
}

impl<'a> Race<'a> {
    /// Makes ready; nothing is started yet.
    pub fn new(rules: &'a Rules, progress: &'a dyn Fn(String)) -> Result<Self> {
        let folder = tempfile::tempdir().context("a temporary folder could not be made")?;
        Ok(Self { rules, progress, folder, waiting: BTreeMap::new(), limits: BTreeMap::new() })
    }

    /// Runs one workload. A contender that refuses it is left out.
    ///
    /// # Errors
    /// A [`Disagreement`] where a contender does not compute what this program does; a contender that ends early or
    /// answers nonsense.
    pub fn run(&mut self, workload: &Workload) -> Result<Outcome> {
        match workload {
            Workload::Training(entry) => self.training(entry),
            Workload::Startup => self.startup(),
            Workload::Micro(micro) => self.micro(micro),
        }
    }

    /// Starts alike, compares, then times.
    fn training(&mut self, entry: &Entry) -> Result<Outcome> {
        let batch = self.rules.batch;
        let file = |name: &str| self.folder.path().join(name);
        let files = TrialFiles { state: file("state.safetensors"), gradients: file("gradients.safetensors") };
        // On the device that draws them in the contender, so that the numbers are the same to the last bit.
        on_device(self.rules.place.device, || state::export(entry, batch, &files.state))?;
        let compared = self.load_request(entry.name, Some(&files));

        let (_, loaded) = self.start(Implementation::Wengert, &compared)?;
        let ours = read_trial(&loaded, &files)?;
        // A fresh process for the timed steps: the trial's gradients would count as memory of the training.
        let (contender, _) = self.start(Implementation::Wengert, &self.load_request(entry.name, None))?;
        let mut racers = vec![Racer::new(Implementation::Wengert, contender, loaded)];
        let mut left_out = Vec::new();
        for &implementation in &self.rules.against {
            let (contender, loaded) = match self.start(implementation, &compared) {
                Ok(started) => started,
                Err(error) => {
                    left_out.push((implementation, error.downcast::<Refusal>()?.error));
                    continue;
                }
            };
            let agreement = compare(&ours, &read_trial(&loaded, &files)?, implementation.slack()).map_err(
                |difference| {
                    let (workload, contender) = (entry.name.to_string(), implementation.name().to_string());
                    Disagreement { workload, contender, difference }
                },
            )?;
            racers.push(Racer::new(implementation, contender, loaded).agreeing(agreement));
        }

        self.rounds(entry.name, &mut racers.iter_mut().collect::<Vec<_>>(), 1)?;
        let mut measurements = Vec::new();
        for racer in racers {
            let (contender, measurement) = racer.finish();
            measurements.push(Measurement { peak_rss_mb: contender.finish()?.peak_rss_mb, ..measurement });
        }
        let outcome = self.outcome(entry.name, Work::Images(batch), measurements);
        Ok(Outcome { batch: Some(batch), left_out, ..outcome })
    }

    fn micro(&mut self, micro: &Micro) -> Result<Outcome> {
        let place = self.rules.place;
        let repeat = calls(micro, place.device);
        let request = micro_request(&micro.name, place, repeat);
        let (mut racers, mut left_out) = (Vec::new(), Vec::new());
        for implementation in self.implementations() {
            let mut contender = match self.waiting.remove(&implementation) {
                Some(contender) => contender,
                None => self.rules.launcher.start(implementation)?,
            };
            match contender.load(&request) {
                Ok(loaded) => racers.push(Racer::new(implementation, contender, loaded)),
                Err(error) if implementation == Implementation::Wengert => return Err(error),
                Err(error) => {
                    left_out.push((implementation, error.downcast::<Refusal>()?.error));
                    self.waiting.insert(implementation, contender);
                }
            }
        }
        // What the machine can do at most is measured in the same rounds; what a GPU can is not known here.
        let limit = micro.limit().filter(|_| place.device == Device::Cpu);
        let mut limiting = limit.map(|name| self.limit(name)).transpose()?;
        let mut all: Vec<&mut Racer> = racers.iter_mut().chain(&mut limiting).collect();
        self.rounds(&micro.name, &mut all, repeat)?;

        let mut measurements = Vec::new();
        for racer in racers {
            let (contender, measurement) = racer.finish();
            self.waiting.insert(measurement.implementation, contender);
            measurements.push(measurement);
        }
        let limit = limit.zip(limiting).and_then(|(name, racer)| {
            let (contender, measurement) = racer.finish();
            self.limits.insert(name, contender);
            let (rate, _) = micro::find(name)?.work.rate(measurement.times.median)?;
            Some(rate)
        });
        Ok(Outcome { limit, left_out, ..self.outcome(&micro.name, micro.work, measurements) })
    }

    /// A process of its own that measures a limit.
    fn limit(&mut self, name: &'static str) -> Result<Racer> {
        let (contender, loaded) = match self.limits.remove(name) {
            Some(contender) => (contender, Loaded::default()),
            None => self.start(Implementation::Wengert, &micro_request(name, self.rules.place, 1))?,
        };
        Ok(Racer::new(Implementation::Wengert, contender, loaded))
    }

    /// The time from the start of a process to the end of its first step, which is not the contender's to measure.
    fn startup(&mut self) -> Result<Outcome> {
        const WORKLOAD: &str = "vae";
        let request = self.load_request(WORKLOAD, None);
        let implementations = self.implementations();
        let mut all: Vec<(Implementation, Vec<f64>, Option<f64>)> =
            implementations.iter().map(|&implementation| (implementation, Vec::new(), None)).collect();
        for round in 1..=self.rules.rounds {
            for (implementation, ms, peak) in &mut all {
                self.tell("startup", round, *implementation);
                let start = Instant::now();
                let (mut contender, _) = self.start(*implementation, &request)?;
                contender.run(1)?;
                ms.push(start.elapsed().as_secs_f64() * 1e3);
                *peak = contender.finish()?.peak_rss_mb;
            }
        }
        let measurements = all.into_iter().map(|(implementation, ms, peak_rss_mb)| Measurement {
            peak_rss_mb,
            ..Measurement::new(implementation, Summary::of(&ms))
        });
        let outcome = self.outcome("startup", Work::Once, measurements.collect());
        Ok(Outcome { batch: Some(self.rules.batch), ..outcome })
    }

    /// All rounds of one workload. Who begins changes from round to round.
    fn rounds(&self, name: &str, racers: &mut [&mut Racer], repeat: usize) -> Result<()> {
        for racer in racers.iter_mut() {
            (self.progress)(format!("{name}: {} warms up", racer.implementation.name()));
            racer.warm_up(self.rules.steps, repeat)?;
        }
        for round in 1..=self.rules.rounds {
            racers.rotate_left(1);
            for racer in racers.iter_mut() {
                self.tell(name, round, racer.implementation);
                racer.take_turn()?;
            }
        }
        Ok(())
    }

    fn tell(&self, name: &str, round: usize, implementation: Implementation) {
        (self.progress)(format!("{name}: round {round} of {}, {}", self.rules.rounds, implementation.name()));
    }

    fn start(&self, implementation: Implementation, request: &Request) -> Result<(Contender, Loaded)> {
        let mut contender = self.rules.launcher.start(implementation)?;
        let loaded = contender.load(request)?;
        Ok((contender, loaded))
    }

    fn implementations(&self) -> Vec<Implementation> {
        [&[Implementation::Wengert], &self.rules.against[..]].concat()
    }

    /// The request for a training workload, with or without a trial.
    fn load_request(&self, name: &str, trial: Option<&TrialFiles>) -> Request {
        Request::Load {
            workload: name.to_string(),
            batch: self.rules.batch,
            place: self.rules.place,
            trial: trial.cloned(),
        }
    }

    fn outcome(&self, name: &str, work: Work, measurements: Vec<Measurement>) -> Outcome {
        Outcome {
            workload: name.to_string(),
            batch: None,
            place: self.rules.place,
            work,
            measurements,
            limit: None,
            left_out: Vec::new(),
        }
    }
}

fn micro_request(name: &str, place: Place, repeat: usize) -> Request {
    Request::Micro { name: name.to_string(), place, repeat }
}

/// Calls in a step of a micro workload.
fn calls(micro: &Micro, device: Device) -> usize {
    match (device, micro.work) {
        // A call of many ops is long enough by itself.
        (Device::Cpu, _) | (_, Work::Ops(_)) => micro.repeat,
        _ => micro.repeat.max(CALLS),
    }
}

fn read_trial(loaded: &Loaded, files: &TrialFiles) -> Result<Trial> {
    let gradients = state::read_gradients(&files.gradients)?;
    // So that the next contender is not compared with this one's.
    std::fs::remove_file(&files.gradients)?;
    Ok(Trial { losses: loaded.losses.clone(), gradients })
}
