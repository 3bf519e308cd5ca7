//! Training, by the very loop of the program.

use super::json;
use crate::errors::Failure;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use wengert_models::event::{Event, Outcome};
use wengert_models::run::{
    Reserved, RunFolder, Wanted, check_continuation, checkpoint_path, run_of, settings_of,
};
use wengert_models::settings::Settings;
use wengert_models::{Checkpoint, Config, Dataset, Error, Trainer};
use wengert_tensor::{Device, Error as TensorError, attempt, on_device, set_precision};

/// Events that may wait for Python before training does.
const WAITING: usize = 16;
/// How long a wish to stop may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// Trains a model and returns the run folder and how the run ended: `finished`, `step limit` or `interrupted`.
///
/// `settings` are dotted keys with their values as text; `observer(kind, contents)` is told what happens, with JSON as
/// contents. An exception of it, and Ctrl-C, stop the run after its next checkpoint.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub fn train(
    py: Python<'_>,
    model: Option<&str>,
    settings: Vec<(String, String, String)>,
    data: Option<&str>,
    out: Option<PathBuf>,
    force: bool,
    resume: Option<PathBuf>,
    observer: Option<Py<PyAny>>,
) -> PyResult<(PathBuf, &'static str)> {
    let plan = Plan::new(model, &settings, data, out, force, resume.as_deref())
        .map_err(|error| Failure::from(error).0)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut events) = sync_channel(WAITING);
    let worker = {
        let stop = stop.clone();
        std::thread::spawn(move || plan.run(&sender, &stop))
    };
    let watched = watch(py, &mut events, &stop, observer.as_ref());
    let ended = py.detach(move || {
        // Training must not wait for a reader that has gone.
        while events.recv().is_ok() {}
        worker.join()
    });
    let result =
        ended.map_err(|_| PyRuntimeError::new_err("training ended by a mistake of wengert's own"))?;
    let (folder, outcome) = result.map_err(|error| Failure::from(error).0)?;
    watched?;
    let outcome = match outcome {
        Outcome::Finished => "finished",
        Outcome::StepLimit => "step limit",
        Outcome::Interrupted => "interrupted",
    };
    Ok((folder, outcome))
}

/// What happens in a run: a kind of event with its contents as JSON.
type Told = (&'static str, String);

/// Tells events to the observer, on the thread that Python called from, until the run ends; notices Ctrl-C.
fn watch(
    py: Python<'_>,
    events: &mut Receiver<Told>,
    stop: &AtomicBool,
    observer: Option<&Py<PyAny>>,
) -> PyResult<()> {
    let mut step = || -> PyResult<bool> {
        py.check_signals()?;
        let events = &mut *events;
        match py.detach(move || events.recv_timeout(PATIENCE)) {
            Ok(told) => {
                if let Some(observer) = observer {
                    observer.call1(py, told)?;
                }
                Ok(true)
            }
            Err(RecvTimeoutError::Timeout) => Ok(true),
            Err(RecvTimeoutError::Disconnected) => Ok(false),
        }
    };
    loop {
        match step() {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                stop.store(true, Relaxed);
                return Err(error);
            }
        }
    }
}

/// A run that nothing is known to be wrong with.
struct Plan {
    config: Config,
    checkpoint: Option<Checkpoint>,
    reserved: Reserved,
    data: Dataset,
    device: Device,
}

impl Plan {
    fn new(
        model: Option<&str>,
        settings: &[(String, String, String)],
        data: Option<&str>,
        out: Option<PathBuf>,
        force: bool,
        resume: Option<&Path>,
    ) -> Result<Plan, Error> {
        let from = resume.map(|path| checkpoint_path(path, Wanted::Last)).transpose()?;
        // Claimed before its checkpoint is read: whoever trains there may be about to write the next one.
        let going_on = from.as_deref().and_then(run_of).map(RunFolder::reopen).transpose()?;
        let checkpoint = from.map(|path| Checkpoint::load(&path)).transpose()?;
        let mut resolved = match (&checkpoint, model) {
            (Some(checkpoint), _) => settings_of(checkpoint)?,
            (None, Some(model)) => Settings::new(wengert_models::find(model)?),
            (None, None) => return Err(Error::setting("name a model, or a run to go on with")),
        };
        for (key, value, origin) in settings {
            resolved.set(key, value, origin)?;
        }
        if let Some(data) = data {
            resolved.set_data(data, "data")?;
        }
        let config = resolved.resolve()?;
        if let Some(checkpoint) = &checkpoint {
            check_continuation(checkpoint, &config)?;
        }
        let device = config.device()?.unwrap_or(Device::Cpu);
        if let Device::Cuda(ordinal) = device {
            let device = wengert_cuda::Device::get(ordinal).map_err(TensorError::from)?;
            device.check().map_err(TensorError::from)?;
        }
        set_precision(config.precision()?)
            .map_err(|reason| Error::setting(format!("train.precision: {reason}")))?;
        let data = Dataset::load(&config)?;
        let reserved = match (going_on, out) {
            (Some(reserved), _) => reserved,
            (None, Some(out)) if checkpoint.is_none() => RunFolder::create(&out, force)?,
            (None, _) => RunFolder::create_next(Path::new("runs"), &config.model)?,
        };
        Ok(Plan { config, checkpoint, reserved, data, device })
    }

    /// Trains on a pool of threads, as the program does.
    fn run(self, sender: &SyncSender<Told>, stop: &AtomicBool) -> Result<(PathBuf, Outcome), Error> {
        let Plan { config, checkpoint, mut reserved, data, device } = self;
        let folder = reserved.folder().clone();
        let path = folder.path().to_owned();
        let threads = rayon::ThreadPoolBuilder::new().num_threads(config.train.threads).build();
        let pool =
            threads.map_err(|error| Error::setting(format!("the threads could not be started: {error}")))?;
        let training = || -> Result<Outcome, Error> {
            let mut trainer = match &checkpoint {
                Some(checkpoint) => Trainer::resume(checkpoint, config, data, folder)?,
                None => Trainer::start(config, data, folder)?,
            };
            reserved.begin()?;
            let mut tell = |event: &Event| {
                // Whoever listened has gone; the run is about to be stopped.
                let _ = sender.send(told(event));
            };
            trainer.run(&mut tell, stop)
        };
        let ended = pool.install(|| attempt(|| on_device(device, training)));
        let ended = ended.map_err(Error::from).and_then(|ended| ended);
        ended.map(|outcome| (path, outcome)).map_err(|error| reserved.give_up(error))
    }
}

fn told(event: &Event) -> Told {
    let value = |name: &str, value: f64| (name.to_owned(), toml::Value::Float(value));
    let count = |name: &str, value: u64| (name.to_owned(), toml::Value::Integer(value.cast_signed()));
    let text = |name: &str, value: String| (name.to_owned(), toml::Value::String(value));
    let (kind, fields) = match event {
        Event::Started(start) => (
            "start",
            vec![
                text("model", start.model.clone()),
                text("folder", start.folder.display().to_string()),
                text("device", start.device.to_string()),
                count("parameters", start.parameters as u64),
                count("train_images", start.train_images as u64),
                count("test_images", start.test_images as u64),
                count("epochs", start.epochs),
                count("steps_per_epoch", start.steps_per_epoch),
                count("epoch", start.epoch),
                count("step", start.step),
            ],
        ),
        Event::Step { epoch, batch, batches, loss, record } => (
            "step",
            vec![
                count("epoch", *epoch),
                count("batch", *batch),
                count("batches", *batches),
                value("loss", *loss),
                value("images_per_second", record.images_per_second),
            ],
        ),
        Event::Gradients(record) => {
            return (
                "gradients",
                serde_json::to_string(record).expect("a record is made of names and numbers"),
            );
        }
        Event::Epoch(record) => {
            return ("epoch", serde_json::to_string(record).expect("a record is made of names and numbers"));
        }
        Event::Alarm(alarm) => ("alarm", vec![text("message", alarm.message.clone())]),
        Event::Saved { path, best, step } => (
            "saved",
            vec![
                text("path", path.display().to_string()),
                ("best".to_owned(), toml::Value::Boolean(*best)),
                count("step", *step),
            ],
        ),
    };
    (kind, json(&fields.into_iter().collect()))
}
