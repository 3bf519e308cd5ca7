//! The training loop.

use crate::alarm;
use crate::checkpoint::{self, Checkpoint, RunState};
use crate::config::Config;
use crate::dataset::Dataset;
use crate::event::{Event, Outcome, Start};
use crate::means::Means;
use crate::metrics::{Judge, Report};
use crate::record::Record;
use crate::registry::{self, ImageSet};
use crate::replay::{self, Replays, Told};
use crate::run::{EpochRecord, RunFolder, StepRecord};
use crate::wording::counted;
use crate::{Error, Losses, Model, Result, Training, gradients, memory, pictures};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wengert_data::{Batch, Position};
use wengert_tensor::autograd::detect_anomaly;
use wengert_tensor::{Generator, attempt, default_device, no_grad};

/// Random streams of a run's seed. The order of the images is the data loader's own.
pub(crate) const INITIAL_WEIGHTS: u64 = 0;
pub(crate) const TRAINING_NOISE: u64 = 1;
const EVALUATION_NOISE: u64 = 2;
const SAMPLE_CODES: u64 = 3;
const JUDGED_CODES: u64 = 4;

/// Images in the grids of each epoch.
const SAMPLES: usize = 64;
const PAIRS: usize = 20;
/// Images that a judge sees after an epoch.
const JUDGED: usize = 5000;

/// Batches prepared ahead of the step that runs.
const AHEAD: usize = 2;

/// A run: a model in training, its data and its folder.
pub struct Trainer {
    config: Config,
    images: ImageSet,
    /// The fingerprint of the training data.
    fingerprint: String,
    training: Box<dyn Training>,
    noise: Generator,
    state: RunState,
    data: Dataset,
    record: Record,
    judging: Option<Judging>,
    /// Steps that are replayed, where the device can.
    replays: Option<Replays>,
    is_eager: bool,
}

/// A judge of samples, and how often it is asked.
struct Judging {
    judge: Judge,
    /// Epochs from one time to the next.
    every: u64,
}

impl Judging {
    fn is_due(&self, epoch: u64) -> bool {
        epoch.is_multiple_of(self.every)
    }

    fn ask(&self, model: &dyn Model, seed: u64) -> Option<Report> {
        let count = JUDGED.min(self.judge.test_labels().len());
        self.judge.quick_of(model, count, &Generator::new(seed).stream(JUDGED_CODES))
    }
}

impl Trainer {
    /// A new run in an empty folder.
    pub fn start(config: Config, data: Dataset, folder: RunFolder) -> Result<Trainer> {
        let images = data.image_set();
        let rng = Generator::new(config.seed);
        let mut training =
            (registry::find(&config.model)?.build)(&config.options, &images, &rng.stream(INITIAL_WEIGHTS))?;
        training.prepare(&data)?;
        check_memory(training.as_ref(), &images, &config, &data)?;
        let noise = rng.stream(TRAINING_NOISE);
        let record = Record::open(folder, &config, 0, 0)?;
        Ok(Trainer {
            config,
            images,
            fingerprint: data.fingerprint(),
            training,
            noise,
            state: RunState::default(),
            data,
            record,
            judging: None,
            replays: None,
            is_eager: false,
        })
    }

    /// Goes on from a checkpoint as if the run had never stopped. `config` must agree with the checkpoint's own in all
    /// that decides the result; see [`first_conflict`](crate::settings::first_conflict).
    pub fn resume(
        checkpoint: &Checkpoint,
        config: Config,
        data: Dataset,
        folder: RunFolder,
    ) -> Result<Trainer> {
        let images = data.image_set();
        if images != checkpoint.images {
            let (old, new) = (checkpoint.images, images);
            let detail = format!(
                "the model was trained on images of {:?} in {}, and these are of {:?} in {}",
                old.shape,
                counted(old.classes, "class"),
                new.shape,
                new.classes
            );
            return Err(Error::file(checkpoint.path(), detail));
        }
        let (taken, whole) = (checkpoint.state.batch, data.train.batches_per_epoch());
        if taken > whole {
            let detail = format!(
                "the run stands after {} of its epoch and this data set has {whole}: it was trained on more images; name \
                 their folder by --data",
                counted(taken, "batch")
            );
            return Err(Error::file(checkpoint.path(), detail));
        }
        let fingerprint = data.fingerprint();
        if checkpoint.fingerprint.as_ref().is_some_and(|trained_on| *trained_on != fingerprint) {
            let detail = "the run was trained on other images or labels than these, so it cannot go on to the same result; \
                          name the folder of its own by --data, or begin a new run";
            return Err(Error::file(checkpoint.path(), detail));
        }
        let rng = Generator::new(config.seed);
        let mut training = checkpoint.build(&rng.stream(INITIAL_WEIGHTS))?;
        training.prepare(&data)?;
        let noise = checkpoint.restore(training.as_mut())?;
        check_memory(training.as_ref(), &images, &config, &data)?;
        let record = Record::open(folder, &config, checkpoint.state.epoch, checkpoint.state.step)?;
        Ok(Trainer {
            config,
            images,
            fingerprint,
            training,
            noise,
            state: checkpoint.state.clone(),
            data,
            record,
            judging: None,
            replays: None,
            is_eager: false,
        })
    }

    /// Lets a judge see samples after every `every`-th epoch. What it says goes into the epoch's record and does not
    /// touch the run.
    pub fn judge_samples(&mut self, judge: Judge, every: u64) {
        self.judging = Some(Judging { judge, every });
    }

    /// Runs every step by itself, where a CUDA device could replay it as one launch. The results are the same to the bit.
    pub fn run_eagerly(&mut self) {
        self.is_eager = true;
    }

    /// Where the run stands.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// The run folder.
    pub fn folder(&self) -> &RunFolder {
        self.record.folder()
    }

    /// Trains until the configured end, or until `stop` is set from elsewhere; then the step that runs is finished and
    /// a checkpoint is saved, from which the run goes on in the middle of the epoch.
    pub fn run(&mut self, observer: &mut dyn FnMut(&Event), stop: &AtomicBool) -> Result<Outcome> {
        observer(&Event::Started(self.start_event()));
        if !self.is_eager && self.replays.is_none() {
            self.replays = Replays::new(default_device(), &self.data.train);
        }
        while self.state.epoch < self.config.train.epochs {
            if self.at_step_limit() {
                return Ok(Outcome::StepLimit);
            }
            let begun = Instant::now();
            let speed = match self.train_epoch(observer, stop)? {
                EpochEnd::Whole(speed) => speed,
                EpochEnd::Stopped => {
                    self.save(observer, false)?;
                    return Ok(Outcome::Interrupted);
                }
                EpochEnd::Limit(speed) => {
                    // The checkpoint comes first: evaluation must not leave a mark on a run that may go on.
                    self.save(observer, false)?;
                    self.evaluate_and_record("stopped", speed, begun.elapsed(), observer)?;
                    return Ok(Outcome::StepLimit);
                }
            };
            self.training.end_epoch(&self.data, &self.noise)?;
            let loss = self.evaluate_and_record("epoch", speed, begun.elapsed(), observer)?;
            let best = self.training.is_ranked_by_loss() && loss < self.state.best_loss;
            let best_loss = if best { loss } else { self.state.best_loss };
            let RunState { epoch, step, .. } = self.state;
            self.state = RunState { epoch: epoch + 1, step, best_loss, ..RunState::default() };
            self.save(observer, best)?;
        }
        Ok(Outcome::Finished)
    }

    /// The model, as far as it is trained.
    pub fn model(&self) -> &dyn Model {
        self.training.model()
    }

    fn start_event(&self) -> Start {
        Start {
            model: self.config.model.clone(),
            folder: self.folder().path().to_owned(),
            parameters: self.training.model().parameter_count(),
            train_images: self.data.train.dataset().len(),
            test_images: self.data.test.dataset().len(),
            epochs: self.config.train.epochs,
            steps_per_epoch: self.data.train.batches_per_epoch(),
            device: default_device(),
            epoch: self.state.epoch,
            step: self.state.step,
        }
    }

    fn at_step_limit(&self) -> bool {
        self.config.train.steps > 0 && self.state.step >= self.config.train.steps
    }

    /// Takes the steps that are left of an epoch.
    fn train_epoch(&mut self, observer: &mut dyn FnMut(&Event), stop: &AtomicBool) -> Result<EpochEnd> {
        let clock = Clock { begun: Instant::now(), images: self.state.images };
        self.training.model().train();
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(EpochEnd::Stopped);
            }
            if self.at_step_limit() {
                return Ok(EpochEnd::Limit(clock.speed(&self.state)));
            }
            if self.state.batch == self.data.train.batches_per_epoch() {
                return Ok(EpochEnd::Whole(clock.speed(&self.state)));
            }
            match self.is_replayed() {
                true => self.replay_steps(&clock, observer)?,
                false => self.run_steps(&clock, observer, stop)?,
            }
        }
    }

    /// Runs steps to the end of the epoch, a limit, a wish to stop, or the first step that can be replayed.
    fn run_steps(
        &mut self,
        clock: &Clock,
        observer: &mut dyn FnMut(&Event),
        stop: &AtomicBool,
    ) -> Result<()> {
        let from = Position { epoch: self.state.epoch, batch: self.state.batch };
        for batch in self.data.train.prefetch(from, AHEAD)? {
            if stop.load(Ordering::Relaxed) || self.at_step_limit() || self.is_replayed() {
                break;
            }
            let losses = self.step(&batch)?;
            let told = losses.named().map(|(name, loss)| (name, loss.item())).collect();
            self.count_step(batch.indices.len(), told, clock, observer)?;
            if gradients::is_due(self.state.step) {
                let record = gradients::look_at(self.training.model(), self.state.step);
                self.record.add_gradients(&record)?;
                observer(&Event::Gradients(&record));
            }
        }
        Ok(())
    }

    /// Whether the next step is one that a CUDA device replays.
    fn is_replayed(&self) -> bool {
        self.replays.is_some() && self.training.phase(self.state.step).is_some()
    }

    /// Replays some steps, no more than are left of the epoch or to the limit.
    fn replay_steps(&mut self, clock: &Clock, observer: &mut dyn FnMut(&Event)) -> Result<()> {
        let Some(replays) = &mut self.replays else { return Ok(()) };
        let limit = match self.config.train.steps {
            0 => replay::STEPS,
            limit => replay::STEPS.min(limit - self.state.step),
        };
        let order = replays.order(&self.data.train, self.state.epoch);
        let batches: Vec<&[usize]> =
            self.data.train.batches(&order).skip(self.state.batch as usize).take(limit as usize).collect();
        let told = replays.take(self.training.as_mut(), &self.noise, &batches, self.state.step)?;
        for (images, values) in told {
            if let Some((name, value)) = replay::first_not_finite(&values) {
                let step = self.state.step + 1;
                let epoch = self.state.epoch + 1;
                return Err(self.non_finite(format!(
                    "the {name} loss is {value} in step {step} (epoch {epoch}); --eager finds the op where it began"
                )));
            }
            self.count_step(images, values, clock, observer)?;
        }
        Ok(())
    }

    /// Counts a step of so many images with what it has told, records and shows it.
    fn count_step(
        &mut self,
        images: usize,
        told: Told,
        clock: &Clock,
        observer: &mut dyn FnMut(&Event),
    ) -> Result<()> {
        self.state.losses.add_values(told.iter().copied(), images);
        self.state.step += 1;
        self.state.batch += 1;
        self.state.images += images as u64;
        let record = StepRecord {
            step: self.state.step,
            images_per_second: clock.speed(&self.state),
            losses: told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        };
        self.record.add_step(&record)?;
        observer(&Event::Step {
            epoch: self.state.epoch + 1,
            batch: self.state.batch,
            batches: self.data.train.batches_per_epoch(),
            loss: self.state.losses.total(),
            record: &record,
        });
        Ok(())
    }

    /// One step; where a loss is not finite the step is run again in anomaly mode to find where that began.
    fn step(&mut self, batch: &Batch) -> Result<Losses> {
        let before = self.noise.state();
        // Batches that a model cannot take, such as one image for batch normalisation, come from flags.
        let what = match attempt(|| self.training.step(batch, &self.noise, self.state.step))? {
            Err(Error::NonFinite(what)) => what,
            other => return other,
        };
        let mut message = format!("{what} in step {} (epoch {})", self.state.step + 1, self.state.epoch + 1);
        if let Some(name) = checkpoint::spoiled(self.training.model()) {
            message.push_str(&format!("; {name} is not finite since an earlier update"));
        }
        self.noise = Generator::from_state(before);
        let (_, anomaly) = detect_anomaly(|| self.training.step(batch, &self.noise, self.state.step));
        if let Some(anomaly) = anomaly {
            message.push_str(&format!("; the first op to go wrong: {anomaly}"));
        }
        Err(self.non_finite(message))
    }

    fn non_finite(&self, message: String) -> Error {
        let last = self.folder().last();
        let kept = match last.exists() {
            true => format!("; {} holds the last good state", last.display()),
            false => String::new(),
        };
        Error::NonFinite(format!("{message}{kept}; a lower learning rate may help"))
    }

    /// Evaluates, records the epoch and shows it; returns the loss that chooses the best checkpoint.
    fn evaluate_and_record(
        &mut self,
        event: &str,
        images_per_second: f64,
        training_time: Duration,
        observer: &mut dyn FnMut(&Event),
    ) -> Result<f64> {
        let begun = Instant::now();
        let model = self.training.model();
        model.eval();
        let test = self.evaluate()?;
        let test_loss = test.total();
        if !test_loss.is_finite() {
            return Err(
                self.non_finite(format!("the test loss of epoch {} is {test_loss}", self.state.epoch + 1))
            );
        }
        let train = &self.state.losses;
        let mut losses: BTreeMap<String, f64> =
            test.terms().map(|(name, value)| (name.to_string(), value)).collect();
        losses.extend(train.terms().map(|(name, value)| (format!("train_{name}"), value)));

        let samples = pictures::draw(model, SAMPLES, &Generator::new(self.config.seed).stream(SAMPLE_CODES));
        let first: Vec<usize> = (0..PAIRS.min(self.data.test.dataset().len())).collect();
        let originals = self.data.test.images(&first, Position::default());
        let pairs = pictures::reconstruct(model, &originals, &self.data.test.labels(&first))
            .map(|images| pictures::pairs(&originals, &images));
        let judging = self.judging.as_ref().filter(|judging| judging.is_due(self.state.epoch + 1));
        let report = judging.and_then(|judging| judging.ask(model, self.config.seed)).unwrap_or_default();
        let record = EpochRecord {
            event: event.into(),
            epoch: self.state.epoch + 1,
            step: self.state.step,
            train_loss: train.total(),
            test_loss: Some(test_loss),
            losses,
            scores: report.iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            judge: judging.map(|judging| judging.judge.digest().to_owned()),
            images_per_second,
            seconds: (training_time + begun.elapsed()).as_secs_f64(),
        };
        let mut alarms = alarm::of_losses(train);
        if let Some(samples) = &samples {
            let is_game = !self.training.is_ranked_by_loss();
            alarms.extend(alarm::of_samples(&samples.images, &originals, is_game));
        }
        alarms.extend(alarm::of_classes(&report.class_shares()));
        let grid = samples.map(|samples| pictures::grid(&samples.images));
        self.record.add(record.clone(), grid.as_ref(), pairs.as_ref())?;
        observer(&Event::Epoch(&record));
        alarms.iter().for_each(|alarm| observer(&Event::Alarm(alarm)));
        Ok(test_loss)
    }

    /// Means over the test images of all losses. The noise is the same at each evaluation, so that epochs differ by the
    /// weights alone.
    fn evaluate(&self) -> Result<Means> {
        let noise = Generator::new(self.config.seed).stream(EVALUATION_NOISE);
        let mut means = Means::default();
        for batch in self.data.test.prefetch(Position::default(), AHEAD)? {
            let losses = no_grad(|| self.training.losses(&batch, &noise))?;
            means.add(&losses, batch.indices.len());
        }
        Ok(means)
    }

    /// Saves the run; the last file written is the one that resumes it, so a crash before leaves the earlier state.
    fn save(&mut self, observer: &mut dyn FnMut(&Event), best: bool) -> Result<()> {
        if let Some(name) = checkpoint::spoiled(self.training.model()) {
            return Err(self.non_finite(format!("{name} is not finite after step {}", self.state.step)));
        }
        // A checkpoint knows no step that the record does not.
        self.record.flush()?;
        if best {
            self.save_to(&self.folder().best(), true, observer)?;
        }
        self.save_to(&self.folder().last(), false, observer)
    }

    fn save_to(&mut self, path: &Path, best: bool, observer: &mut dyn FnMut(&Event)) -> Result<()> {
        let training = self.training.as_mut();
        let (config, state) = (&self.config, &self.state);
        checkpoint::save(path, config, &self.images, &self.fingerprint, state, training, &self.noise)?;
        observer(&Event::Saved { path: path.to_owned(), best, step: self.state.step });
        Ok(())
    }
}

fn check_memory(training: &dyn Training, images: &ImageSet, config: &Config, data: &Dataset) -> Result<()> {
    // A batch is never larger than the data set.
    memory::check(training, images, config.train.batch.min(data.train.dataset().len()))
}

/// When some steps began, and how many images had been trained on by then.
struct Clock {
    begun: Instant,
    images: u64,
}

impl Clock {
    /// Images per second since then.
    fn speed(&self, state: &RunState) -> f64 {
        (state.images - self.images) as f64 / self.begun.elapsed().as_secs_f64().max(1e-9)
    }
}

/// How the steps of an epoch ended, with the speed in images per second.
enum EpochEnd {
    Whole(f64),
    Limit(f64),
    Stopped,
}
