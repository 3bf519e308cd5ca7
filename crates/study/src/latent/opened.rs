//! The trained model of a run, and what is kept beside it once it was needed.

use crate::answer::Refusal;
use serde_json::{Value, json as object};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use wengert_data::sha256_file;
use wengert_models::code_space::interpolation::{has_normal_prior, prior_deviation};
use wengert_models::metrics::{Classifier, ClassifierOptions, cache_folder};
use wengert_models::run::RunFolder;
use wengert_models::wording::counted;
use wengert_models::{Checkpoint, CodePart, Dataset, Model, Training, pictures, settings};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Numbers drawn, at most, to learn which values the numbers of a code take.
const DRAWN: usize = 1 << 14;

/// A trained model, in evaluation mode.
pub struct Opened {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// What the page must know of it.
    pub about: Value,
    stamp: Option<(u64, SystemTime)>,
    training: Mutex<Box<dyn Training>>,
    data: Mutex<Option<Arc<Dataset>>>,
    reader: Mutex<Option<Arc<Classifier>>>,
    gathered: Mutex<Option<Arc<Gathered>>>,
}

/// Codes with the classes of what they show.
pub struct Gathered {
    /// f32 `[N, code size]`.
    pub codes: Tensor,
    /// The class of each; −1 where it is not known.
    pub labels: Vec<i64>,
    /// The names of the classes.
    pub names: Vec<String>,
    /// What the codes are of, in words.
    pub source: &'static str,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Length and time of a file: a checkpoint that was saved anew has others.
fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.len(), about.modified().ok()?))
}

impl Opened {
    /// Reads the checkpoint that stands for a run.
    pub fn open(folder: &RunFolder) -> Result<Opened, Refusal> {
        let path = folder.trained().ok_or_else(|| {
            Refusal::missing(format!("{}: the run has not saved a checkpoint yet", folder.path().display()))
        })?;
        // Before the file is read: what is saved meanwhile is then found to be newer.
        let stamp = stamp(&path);
        let mut checkpoint = Checkpoint::load(&path).map_err(Refusal::broken)?;
        let digest = sha256_file(&path).map_err(Refusal::broken)?;
        // A checkpoint does not say where the data lie.
        checkpoint.config.data.directory =
            settings::read_config(&folder.config()).map_err(Refusal::broken)?.data.directory;
        let training = checkpoint.model().map_err(Refusal::broken)?;
        let about = describe(&checkpoint, &digest, training.model());
        Ok(Opened {
            checkpoint,
            about,
            stamp,
            training: Mutex::new(training),
            data: Mutex::default(),
            reader: Mutex::default(),
            gathered: Mutex::default(),
        })
    }

    /// Whether the run still stands for this checkpoint.
    pub fn is_current(&self, folder: &RunFolder) -> bool {
        folder.trained().is_some_and(|path| path == self.checkpoint.path() && stamp(&path) == self.stamp)
    }

    /// Lends the model.
    pub fn with<R>(&self, body: impl FnOnce(&dyn Model) -> R) -> R {
        body(lock(&self.training).model())
    }

    /// A model of its own for work that takes longer.
    pub fn copy(&self) -> Result<Box<dyn Training>, Refusal> {
        self.checkpoint.model().map_err(Refusal::broken)
    }

    /// The images that the run was trained on and tested with.
    pub fn data(&self) -> Result<Arc<Dataset>, Refusal> {
        let mut place = lock(&self.data);
        if let Some(data) = &*place {
            return Ok(data.clone());
        }
        let data = Dataset::load(&self.checkpoint.config).map_err(Refusal::wrong)?;
        let (found, wanted) = (data.image_set(), self.checkpoint.images);
        if found != wanted {
            return Err(Refusal::wrong(format!(
                "the data set has images of {:?} in {}; the model was trained on {:?} in {}",
                found.shape,
                counted(found.classes, "class"),
                wanted.shape,
                counted(wanted.classes, "class")
            )));
        }
        Ok(place.insert(Arc::new(data)).clone())
    }

    /// The LeNet that reads images like those of the run, once it was looked for.
    pub fn reader(&self) -> Option<Arc<Classifier>> {
        lock(&self.reader).clone()
    }

    /// Looks for the LeNet of the whole data set; `train` trains it where there is none, and is told of each step.
    pub fn find_reader(
        &self,
        train: Option<&mut dyn FnMut(u64, u64)>,
    ) -> Result<Option<Arc<Classifier>>, Refusal> {
        if let Some(reader) = self.reader() {
            return Ok(Some(reader));
        }
        let mut config = self.checkpoint.config.clone();
        (config.data.limit, config.data.test_limit) = (0, 0);
        let data = Dataset::load(&config).map_err(Refusal::wrong)?;
        let images = data.train.dataset();
        let (options, folder) = (ClassifierOptions::default(), cache_folder().map_err(Refusal::wrong)?);
        let found = match train {
            None => Classifier::kept(images, &options, &folder),
            Some(observer) => {
                let mut told = |progress: wengert_models::metrics::ClassifierProgress| {
                    observer(progress.step, progress.steps)
                };
                Some(Classifier::cached(images, &options, &folder, &mut told).map_err(Refusal::wrong)?)
            }
        };
        let found = found.map(Arc::new);
        lock(&self.reader).clone_from(&found);
        Ok(found)
    }

    /// What [`Opened::keep`] has kept.
    pub fn gathered(&self) -> Option<Arc<Gathered>> {
        lock(&self.gathered).clone()
    }

    /// Keeps codes that were gathered.
    pub fn keep(&self, gathered: Gathered) -> Arc<Gathered> {
        lock(&self.gathered).insert(Arc::new(gathered)).clone()
    }
}

/// Whether the model finds codes of images.
pub fn has_encoder(model: &dyn Model) -> bool {
    let [channels, height, width] = model.image_shape();
    let image = Tensor::zeros([1, channels, height, width], DType::F32);
    pictures::encode(model, &image, &Tensor::zeros([1], DType::I64)).is_some()
}

/// What the page must know of a model.
fn describe(checkpoint: &Checkpoint, digest: &str, model: &dyn Model) -> Value {
    let size = model.code_size();
    let can_decode = size > 0;
    let image = {
        let [channels, height, width] = model.image_shape();
        Tensor::zeros([1, channels, height, width], DType::F32)
    };
    let label = model.classes().map(|_| Tensor::zeros([1], DType::I64));
    let asked = |answer: Option<Tensor>| answer.is_some();
    let can = no_grad(|| {
        object!({
            "decode": can_decode,
            "encode": can_decode && has_encoder(model),
            "score": asked(model.score(&image, label.as_ref())),
            "classify": asked(model.classify(&image)),
            "cluster": asked(model.cluster(&image)),
        })
    });
    let deviation = can_decode.then(|| prior_deviation(model)).flatten();
    object!({
        "model": checkpoint.config.model,
        "data": checkpoint.config.data.name,
        "step": checkpoint.state.step,
        "checkpoint": digest,
        "shape": model.image_shape(),
        "size": size,
        "parts": if can_decode { parts(model) } else { Vec::new() },
        "classes": model.classes(),
        "can": can,
        "prior_deviation": deviation,
        "great_circle": can_decode && has_normal_prior(model),
    })
}

/// What the numbers of a code are, with the values that the prior draws for them.
fn parts(model: &dyn Model) -> Vec<Value> {
    let size = model.code_size();
    let count = (DRAWN / size).clamp(16, 512);
    let drawn = no_grad(|| model.draw_codes(count, &Generator::new(0))).to_vec::<f32>();
    let mut start = 0;
    let part = |part: CodePart| {
        let (from, width) = (start, part.width());
        start += width;
        match part {
            CodePart::Category(values) => object!({ "kind": "category", "start": from, "width": values }),
            CodePart::Number => {
                let values = drawn.iter().skip(from).step_by(size).map(|&value| f64::from(value));
                let (sum, squares) =
                    values.fold((0.0, 0.0), |(sum, squares), value| (sum + value, squares + value * value));
                let mean = sum / count as f64;
                let deviation = (squares / count as f64 - mean * mean).max(0.0).sqrt().max(1e-3);
                object!({ "kind": "number", "start": from, "width": 1, "mean": mean, "deviation": deviation })
            }
        }
    };
    model.code_parts().into_iter().map(part).collect()
}
