//! A run that begins with weights from elsewhere.

use crate::checkpoint::{self, RunState};
use crate::record::Record;
use crate::run::RunFolder;
use crate::trainer::{INITIAL_WEIGHTS, TRAINING_NOISE};
use crate::{Config, Dataset, Error, Result, registry};
use std::path::Path;
use wengert_nn::StateDict;
use wengert_tensor::Generator;

/// Makes the run of a configuration in an empty folder as it stands before its first step, but with the weights and buffers
/// of `state`, which must be those of the model by name, shape and type; `source` is the file that they come from. Averages
/// of weights begin with them. The run can be drawn from, measured and resumed as any other.
pub fn import(
    state: &StateDict,
    source: &Path,
    config: &Config,
    data: &Dataset,
    folder: RunFolder,
) -> Result<()> {
    let (images, rng) = (data.image_set(), Generator::new(config.seed));
    let build = registry::find(&config.model)?.build;
    let mut training = build(&config.options, &images, &rng.stream(INITIAL_WEIGHTS))?;
    training.prepare(data)?;
    let wrong = |error: wengert_nn::Error| Error::file(source, error.to_string());
    training.model().load_state_dict(state, true).map_err(wrong)?;
    if let Some(name) = checkpoint::spoiled(training.model()) {
        return Err(Error::file(
            source,
            format!("{name} holds values that are not finite; such weights draw nothing"),
        ));
    }
    let noise = rng.stream(TRAINING_NOISE);
    let record = Record::open(folder, config, 0, 0)?;
    let last = record.folder().last();
    let state = RunState::default();
    checkpoint::save(&last, config, &images, &data.fingerprint(), &state, training.as_mut(), &noise)
}
