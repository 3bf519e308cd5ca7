//! Runs that exist: their checkpoints, and what it takes to go on from one.

use super::RunFolder;
use crate::settings::{self, Settings, first_conflict};
use crate::suggest::did_you_mean;
use crate::wording::quoted;
use crate::{Checkpoint, Config, Error, Result, registry};
use std::path::{Path, PathBuf};

/// Which checkpoint of a run folder is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The one of the lowest test loss, or the last where no epoch has been finished.
    Best,
    /// The one that resumes the run.
    Last,
}

/// The checkpoint that a path means: the path itself, or one in the run folder that it names.
pub fn checkpoint_path(path: &Path, wanted: Wanted) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if path.exists() && !path.is_dir() {
        return Err(Error::file(path, "this is a device or a pipe; name a run folder or a checkpoint file"));
    }
    if !path.is_dir() {
        return Err(Error::file(
            path,
            format!("there is no such run folder or checkpoint{}", neighbour(path)),
        ));
    }
    let folder = RunFolder::open(path)?;
    if wanted == Wanted::Best
        && let Some(path) = folder.trained()
    {
        return Ok(path);
    }
    if !folder.last().is_file() {
        let missing = folder.last();
        let best = folder.best();
        let detail = match best.is_file() {
            true => format!(
                "{} is missing; that of the lowest test loss is there, to go on from by --resume {}",
                missing.display(),
                quoted(best)
            ),
            false => format!("the run has not saved a checkpoint yet ({} is missing)", missing.display()),
        };
        return Err(Error::file(path, detail));
    }
    Ok(folder.last())
}

/// Opens the checkpoint that a path means, the best of a run folder. The folder of the data, which a checkpoint does not
/// hold, is that of the run's configuration.
pub fn open_checkpoint(path: &Path) -> Result<Checkpoint> {
    let mut checkpoint = Checkpoint::load(&checkpoint_path(path, Wanted::Best)?)?;
    if path.is_dir() {
        let config = settings::read_config(&RunFolder::open(path)?.config())?;
        checkpoint.config.data.directory = config.data.directory;
    }
    Ok(checkpoint)
}

/// The run folder that a checkpoint lies in, by its path alone.
pub fn run_of(checkpoint: &Path) -> Option<RunFolder> {
    let folder = checkpoint.parent().filter(|parent| parent.ends_with("checkpoints"))?.parent()?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    RunFolder::open(folder).ok()
}

/// The settings of a checkpoint's run, on which those of its continuation can be laid.
pub fn settings_of(checkpoint: &Checkpoint) -> Result<Settings> {
    let mut settings = Settings::new(registry::find(&checkpoint.config.model)?);
    settings.apply_table(checkpoint.config.to_table(), checkpoint.path())?;
    // The run's own file also knows how long it was to be; a checkpoint apart from its run does not.
    let path = run_of(checkpoint.path()).map(|run| run.config());
    if let Some(path) = path.filter(|path| path.is_file()) {
        settings.apply_file(&path)?;
    }
    Ok(settings)
}

/// An error that names the first setting in which a configuration cannot go on from a checkpoint.
pub fn check_continuation(checkpoint: &Checkpoint, config: &Config) -> Result<()> {
    let Some((key, old, new)) = first_conflict(&checkpoint.config, config) else { return Ok(()) };
    let path = checkpoint.path().display();
    Err(Error::setting(format!(
        "{path} was trained with {key} = {old} and cannot go on with {key} = {new}; start a new run for that"
    )))
}

/// A file next to the missing one with nearly its name.
fn neighbour(path: &Path) -> String {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let siblings: Vec<String> = std::fs::read_dir(parent)
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    did_you_mean(&name, siblings.iter().map(String::as_str))
}
