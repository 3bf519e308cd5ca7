//! What the commands that open a run share.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use wengert_models::run::RunFolder;
use wengert_models::settings::Settings;
use wengert_models::suggest::did_you_mean;
use wengert_models::{Checkpoint, settings};

/// Which checkpoint of a run folder a command wants.
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
        bail!("{}: this is a device or a pipe; name a run folder or a checkpoint file", path.display());
    }
    if !path.is_dir() {
        bail!("{}: there is no such run folder or checkpoint{}", path.display(), neighbour(path));
    }
    let folder = RunFolder::open(path)?;
    if wanted == Wanted::Best
        && let Some(path) = folder.trained()
    {
        return Ok(path);
    }
    if !folder.last().is_file() {
        bail!(
            "{}: the run has not saved a checkpoint yet ({} is missing)",
            path.display(),
            folder.last().display()
        );
    }
    Ok(folder.last())
}

/// Opens the checkpoint that a path means. The folder of the data, which a checkpoint does not hold, is that of the
/// run's configuration.
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

/// The data set that `--data` names, or the folder where it lies.
pub fn apply_data(settings: &mut Settings, data: &str) -> Result<()> {
    let known = wengert_data::catalogue();
    if known.iter().any(|info| info.name == data) {
        settings.set("data.name", data, "--data")?;
    } else if Path::new(data).is_dir() {
        let folder = std::fs::canonicalize(data).with_context(|| format!("--data: {data}"))?;
        settings.set("data.directory", &folder.to_string_lossy(), "--data")?;
    } else {
        let names: Vec<&str> = known.iter().map(|info| info.name).collect();
        let hint = did_you_mean(data, names.iter().copied());
        bail!("--data: `{data}` is neither a data set ({}) nor a folder{hint}", names.join(", "));
    }
    Ok(())
}

/// Threads to compute on, as many as there are cores for 0.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.context("the threads could not be started; pass a smaller --threads")
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

/// Checks a count from the command line.
pub fn check_count(flag: &str, count: usize) -> Result<()> {
    if !(1..=100_000).contains(&count) {
        bail!("{flag} is {count}; it must be from 1 to 100000");
    }
    Ok(())
}
