//! A trained model.

use super::json;
use super::unanswered;
use crate::errors::{Failure, refused, run, try_run};
use crate::files::{Named, wrapped};
use crate::tensor::Tensor;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wengert_models::run::{RunFolder, metrics, open_checkpoint};
use wengert_models::{Checkpoint, Model, Training, pictures};
use wengert_tensor as engine;

/// A trained model, in evaluation mode. `wengert.Run` is made of it.
#[pyclass(frozen, module = "wengert")]
pub struct Run {
    checkpoint: Checkpoint,
    path: PathBuf,
    training: Mutex<Box<dyn Training>>,
}

impl Run {
    fn lock(&self) -> MutexGuard<'_, Box<dyn Training>> {
        self.training.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `ask` answers of the model, or an exception that says what the model cannot do.
    fn ask<R: Send>(
        &self,
        py: Python<'_>,
        refusal: &str,
        ask: impl FnOnce(&dyn Model) -> Option<R> + Send,
    ) -> PyResult<R> {
        run(py, || ask(self.lock().model()))?
            .ok_or_else(|| unanswered(&self.checkpoint.config.model, refusal))
    }

    /// Labels for so many images, as the model needs them.
    fn labels(&self, labels: Option<Tensor>, count: usize) -> PyResult<engine::Tensor> {
        let classes = self.lock().model().classes();
        match (classes, labels) {
            (Some(_), Some(labels)) => Ok(labels.0),
            (Some(classes), None) => {
                Err(unanswered(&self.checkpoint.config.model, &format!("needs labels, of {classes} classes")))
            }
            (None, _) => Ok(engine::Tensor::zeros([count], engine::DType::I64)),
        }
    }
}

#[pymethods]
impl Run {
    /// The best checkpoint of a run folder, or a checkpoint file.
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Run> {
        let (checkpoint, training) = try_run(py, || {
            let checkpoint = open_checkpoint(&path)?;
            let training = checkpoint.model()?;
            Ok::<_, wengert_models::Error>((checkpoint, training))
        })?;
        Ok(Run { checkpoint, path, training: Mutex::new(training) })
    }

    /// Where the run or its checkpoint lies.
    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The name of the model.
    #[getter]
    fn model(&self) -> String {
        self.checkpoint.config.model.clone()
    }

    /// The configuration, as JSON.
    #[getter]
    fn config(&self) -> String {
        json(&self.checkpoint.config.to_table())
    }

    /// Epochs and steps done, and the lowest test loss.
    #[getter]
    fn state(&self) -> (u64, u64, f64) {
        let state = &self.checkpoint.state;
        (state.epoch, state.step, state.best_loss)
    }

    /// The records of the run's epochs, each as JSON; none for a checkpoint apart from its run.
    #[getter]
    fn records(&self) -> PyResult<Vec<String>> {
        let Ok(folder) = RunFolder::open(&self.path) else { return Ok(Vec::new()) };
        let records = metrics::read(&folder.metrics()).map_err(|error| Failure::from(error).0)?;
        Ok(records.iter().map(|record| serde_json::to_string(record).unwrap_or_default()).collect())
    }

    /// Channels, height and width of an image.
    #[getter]
    fn image_shape(&self) -> (usize, usize, usize) {
        self.lock().model().image_shape().into()
    }

    /// How many numbers make a code.
    #[getter]
    fn code_size(&self) -> usize {
        self.lock().model().code_size()
    }

    /// How many classes the model is conditioned on.
    #[getter]
    fn classes(&self) -> Option<usize> {
        self.lock().model().classes()
    }

    /// Trained numbers.
    #[getter]
    fn parameter_count(&self) -> usize {
        self.lock().model().parameter_count()
    }

    /// The weights and buffers by name.
    fn state_dict(&self, py: Python<'_>) -> PyResult<Named> {
        run(py, || self.lock().model().state_dict()).map(wrapped)
    }

    /// Images drawn from the model, with their codes and, of a conditional model, their labels.
    fn sample(&self, py: Python<'_>, count: usize, seed: u64) -> PyResult<(Tensor, Tensor, Option<Tensor>)> {
        if !(1..=100_000).contains(&count) {
            return Err(refused(format!("count is {count}; it must be from 1 to 100000")));
        }
        let rng = engine::Generator::new(seed);
        let samples = self.ask(py, "makes no images", |model| pictures::draw(model, count, &rng))?;
        Ok((Tensor(samples.images), Tensor(samples.codes), samples.labels.map(Tensor)))
    }

    /// The codes of images.
    fn encode(&self, py: Python<'_>, images: Tensor, labels: Option<Tensor>) -> PyResult<Tensor> {
        let labels = self.labels(labels, first_size(&images))?;
        self.ask(py, "has no encoder", |model| pictures::encode(model, &images.0, &labels)).map(Tensor)
    }

    /// The images of codes.
    fn decode(&self, py: Python<'_>, codes: Tensor, labels: Option<Tensor>) -> PyResult<Tensor> {
        let labels = self.labels(labels, first_size(&codes))?;
        let decoded = self.ask(py, "makes no images of codes", |model| {
            let labels = model.classes().map(|_| &labels);
            pictures::decode(model, &codes.0, labels)
        });
        decoded.map(Tensor)
    }

    /// Images as the model gives them back.
    fn reconstruct(&self, py: Python<'_>, images: Tensor, labels: Option<Tensor>) -> PyResult<Tensor> {
        let labels = self.labels(labels, first_size(&images))?;
        self.ask(py, "cannot reconstruct images", |model| pictures::reconstruct(model, &images.0, &labels))
            .map(Tensor)
    }
}

fn first_size(tensor: &Tensor) -> usize {
    tensor.0.dims().first().copied().unwrap_or(0)
}
