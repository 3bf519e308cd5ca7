//! Checkpoints: a trained model and everything needed to go on training it, in one safetensors file.
//!
//! Weights and buffers stand under their PyTorch names, so the file also opens as a state dictionary elsewhere. Beside
//! them stand `optimizer.NAME.…`, `random.…` (the random streams of layers) and `trainer.…` (the run's own stream and
//! position). The metadata hold the model's name, the configuration, the kind of images, the
//! [fingerprint](crate::Dataset::fingerprint) of the training data and the version of wengert.

use crate::config::Config;
use crate::means::{self, Means};
use crate::registry::{self, ImageSet};
use crate::settings::Settings;
use crate::wording::counted;
use crate::{Error, Model, Result, Training};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wengert_nn::StateDict;
use wengert_nn::state::{generator_from_tensor, generator_to_tensor, prefix, strip_prefix};
use wengert_tensor::io::safetensors;
use wengert_tensor::{DType, Generator, Tensor};

/// Where a run stands between two steps.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    /// Epochs finished.
    pub epoch: u64,
    /// Batches done of the epoch that runs.
    pub batch: u64,
    /// Steps done in all.
    pub step: u64,
    /// Images seen in the epoch that runs.
    pub images: u64,
    /// Mean losses of those images.
    pub losses: Means,
    /// The lowest test loss so far; infinite before the first.
    pub best_loss: f64,
}

impl Default for RunState {
    fn default() -> Self {
        Self { epoch: 0, batch: 0, step: 0, images: 0, losses: Means::default(), best_loss: f64::INFINITY }
    }
}

/// The contents of a checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    /// What decides the bits of the run.
    pub config: Config,
    /// The images that the model is built for.
    pub images: ImageSet,
    /// The [fingerprint](crate::Dataset::fingerprint) of what it was trained on; older checkpoints hold none.
    pub fingerprint: Option<String>,
    /// Where the run stands.
    pub state: RunState,
    tensors: StateDict,
    path: PathBuf,
}

/// Prefixes of what is not the model's own state.
const OPTIMIZER: &str = "optimizer.";
const RANDOM: &str = "random.";
const TRAINER: &str = "trainer.";

/// Saves a run, leaving either the old file or the new one, whole.
pub fn save(
    path: &Path,
    config: &Config,
    images: &ImageSet,
    fingerprint: &str,
    state: &RunState,
    training: &mut dyn Training,
    noise: &Generator,
) -> Result<()> {
    let mut tensors = training.model().state_dict();
    tensors.extend(prefix(training.model().generator_state(), RANDOM));
    for (name, optimizer) in training.optimizers() {
        tensors.extend(prefix(optimizer.state_dict(), &format!("{OPTIMIZER}{name}.")));
    }
    let counts = [state.epoch, state.batch, state.step, state.images].map(|count| count as i64);
    let mut insert = |name: &str, tensor| tensors.insert(format!("{TRAINER}{name}"), tensor);
    insert("position", Tensor::from_slice(&counts, 4));
    let losses = state.losses.entries();
    let sums: Vec<f64> = losses.iter().flat_map(|entry| [entry.sum, entry.images]).collect();
    insert("loss_sums", Tensor::from_slice(&sums, [losses.len(), 2]));
    insert("best_loss", Tensor::from_slice(&[state.best_loss], 1));
    insert("noise", generator_to_tensor(noise.state()));
    let names: Vec<&str> = losses.iter().map(|entry| entry.name.as_str()).collect();
    let metadata = BTreeMap::from([
        ("model".to_string(), config.model.clone()),
        ("config".to_string(), toml::to_string(&config.identity()).expect("a table of plain values is TOML")),
        ("images".to_string(), serde_json::json!([images.shape, images.classes]).to_string()),
        ("data".to_string(), fingerprint.to_string()),
        ("losses".to_string(), serde_json::json!(names).to_string()),
        ("wengert".to_string(), env!("CARGO_PKG_VERSION").to_string()),
    ]);
    let existed = path.exists();
    safetensors::save(path, &tensors, &metadata).map_err(|error| {
        let kept = if existed { "; the checkpoint saved there before is untouched" } else { "" };
        Error::Setting(format!("the checkpoint could not be saved: {error}{kept}"))
    })
}

/// Whether a file holds a checkpoint, and not weights alone: the state of a run is in it.
pub fn is_one(contents: &safetensors::Contents) -> bool {
    contents.tensors.keys().any(|name| name.starts_with(TRAINER))
}

impl Checkpoint {
    /// Reads and checks a checkpoint.
    pub fn load(path: &Path) -> Result<Checkpoint> {
        let safetensors::Contents { tensors, metadata } = safetensors::load(path)?;
        let wrong = |detail: String| Error::file(path, detail);
        let text = |key: &str| {
            let missing = || wrong(format!("not a checkpoint of wengert: its metadata hold no `{key}`"));
            metadata.get(key).map(String::as_str).ok_or_else(missing)
        };
        let entry = registry::find(text("model")?).map_err(|error| wrong(error.to_string()))?;
        let mut settings = Settings::new(entry);
        let table = text("config")?
            .parse()
            .map_err(|_| wrong("the configuration in its metadata is not TOML".into()))?;
        settings.apply_table(table, path)?;
        let (shape, classes): ([usize; 3], usize) = serde_json::from_str(text("images")?).map_err(|_| {
            wrong("the description of the images in its metadata is not `[[C,H,W],classes]`".into())
        })?;
        // A forged header must not make the model ask for more memory than real images could.
        let sensible = shape.iter().all(|&side| (1..=4096).contains(&side))
            && shape.iter().product::<usize>() <= 1 << 20;
        if !sensible || classes > 100_000 {
            let classes = counted(classes, "class");
            return Err(wrong(format!("its metadata claim images of {shape:?} in {classes}")));
        }
        let mut state = RunState::default();
        let counts: Vec<i64> = numbers(path, &tensors, "position")?;
        let [epoch, batch, step, images] = counts[..] else {
            return Err(wrong(format!("{TRAINER}position holds {} numbers; 4 were expected", counts.len())));
        };
        if counts.iter().any(|&count| count < 0) {
            return Err(wrong(format!("{TRAINER}position holds a negative count")));
        }
        (state.epoch, state.batch, state.step, state.images) =
            (epoch as u64, batch as u64, step as u64, images as u64);
        let names: Vec<String> = serde_json::from_str(text("losses")?)
            .map_err(|_| wrong("the names of the losses in its metadata are not a list of names".into()))?;
        let sums: Vec<f64> = numbers(path, &tensors, "loss_sums")?;
        if sums.len() != 2 * names.len() {
            let (found, wanted) = (sums.len(), 2 * names.len());
            return Err(wrong(format!("{TRAINER}loss_sums holds {found} numbers; {wanted} were expected")));
        }
        let entry = |(name, sum): (String, &[f64])| means::Entry { name, sum: sum[0], images: sum[1] };
        state.losses = Means::from_entries(names.into_iter().zip(sums.chunks(2)).map(entry).collect());
        state.best_loss =
            numbers::<f64>(path, &tensors, "best_loss")?.first().copied().unwrap_or(f64::INFINITY);
        let images = ImageSet { shape, classes };
        let fingerprint = metadata.get("data").cloned();
        let config = settings.resolve()?;
        Ok(Checkpoint { config, images, fingerprint, state, tensors, path: path.to_owned() })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The model with its trained weights, in evaluation mode.
    pub fn model(&self) -> Result<Box<dyn Training>> {
        // Every weight is overwritten, so the seed does not matter.
        let training = self.build(&Generator::new(0))?;
        self.restore_model(training.as_ref())?;
        training.model().eval();
        Ok(training)
    }

    /// Puts a freshly built model and its optimisers where they were when the checkpoint was saved, and returns the
    /// source of the run's noise as it was.
    pub fn restore(&self, training: &mut dyn Training) -> Result<Generator> {
        self.restore_model(training)?;
        let model_generators = strip_prefix(&self.tensors, RANDOM);
        self.located(training.model_mut().load_generator_state(&model_generators))?;
        for (name, optimizer) in training.optimizers() {
            let state = strip_prefix(&self.tensors, &format!("{OPTIMIZER}{name}."));
            self.located(optimizer.load_state_dict(&state))?;
        }
        let noise = tensor(&self.path, &self.tensors, "noise")?;
        let state = generator_from_tensor(noise).ok_or_else(|| {
            Error::file(&self.path, format!("{TRAINER}noise is {}; i64[3] was expected", noise.spec()))
        })?;
        Ok(Generator::from_state(state))
    }

    /// The model of the checkpoint's configuration with fresh weights.
    pub fn build(&self, rng: &Generator) -> Result<Box<dyn Training>> {
        let entry = registry::find(&self.config.model)?;
        (entry.build)(&self.config.options, &self.images, rng)
    }

    fn restore_model(&self, training: &dyn Training) -> Result<()> {
        let of_model = |name: &str| ![OPTIMIZER, RANDOM, TRAINER].iter().any(|p| name.starts_with(p));
        let state: StateDict = self
            .tensors
            .iter()
            .filter(|(name, _)| of_model(name))
            .map(|(n, t)| (n.clone(), t.clone()))
            .collect();
        self.located(training.model().load_state_dict(&state, true))?;
        match spoiled(training.model()) {
            Some(name) => Err(Error::file(
                &self.path,
                format!(
                    "{name} holds values that are not finite, as when training has diverged; name an earlier checkpoint, or \
                     train again with a lower learning rate"
                ),
            )),
            None => Ok(()),
        }
    }

    fn located<T>(&self, result: wengert_nn::Result<T>) -> Result<T> {
        result.map_err(|error| Error::file(&self.path, error.to_string()))
    }
}

/// The first parameter or buffer with a value that is not finite.
pub(crate) fn spoiled(model: &dyn Model) -> Option<String> {
    let state = model.named_parameters().into_iter().chain(model.named_buffers());
    state.into_iter().find(|(_, tensor)| !is_finite(tensor)).map(|(name, _)| name)
}

fn is_finite(tensor: &Tensor) -> bool {
    match tensor.dtype() {
        DType::F32 => tensor.to_vec::<f32>().iter().all(|value| value.is_finite()),
        DType::F64 => tensor.to_vec::<f64>().iter().all(|value| value.is_finite()),
        _ => true,
    }
}

/// A tensor of the trainer.
fn tensor<'a>(path: &Path, tensors: &'a StateDict, name: &str) -> Result<&'a Tensor> {
    let missing =
        || Error::file(path, format!("not a checkpoint of a run: it holds no tensor {TRAINER}{name}"));
    tensors.get(&format!("{TRAINER}{name}")).ok_or_else(missing)
}

/// The elements of a tensor of the trainer, which must be a list of the right type.
fn numbers<T: wengert_tensor::Element>(path: &Path, tensors: &StateDict, name: &str) -> Result<Vec<T>> {
    let tensor = tensor(path, tensors, name)?;
    if tensor.dtype() != T::DTYPE {
        let (found, wanted) = (tensor.dtype(), T::DTYPE);
        return Err(Error::file(path, format!("{TRAINER}{name} is {found}; {wanted} was expected")));
    }
    Ok(tensor.to_vec())
}
