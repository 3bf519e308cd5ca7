//! Where each thing of a run lies.

use crate::{Error, Result};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use wengert_tensor::io::atomic;

/// The folder of a run:
///
/// ```text
/// config.toml                        the resolved configuration
/// metrics.jsonl                      one object an epoch
/// steps.jsonl                        one object a step: its losses
/// gradients.jsonl                    norms and histograms of gradients, every hundredth step
/// events.out.tfevents.…              the same for TensorBoard, with the pictures
/// loss.svg                           the losses so far
/// eval.json                          what `wengert eval` measured
/// neighbours.png                     samples above the training images nearest to them
/// samples/epoch_001.png              images of the same codes after each epoch
/// reconstructions/epoch_001.png      test images above their reconstructions
/// checkpoints/last.safetensors       resumes the run
/// checkpoints/best.safetensors       the epoch of the lowest test loss
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// The right to train in a run folder, for as long as this lives.
#[derive(Debug)]
pub struct Claim {
    _handle: Option<fs::File>,
}

/// The folder of a run that is about to begin or go on, claimed for it. Until [`Reserved::begin`] is called,
/// dropping this leaves the folder as it was found: an earlier run that was to be replaced is there again, and nothing of the
/// new one.
#[derive(Debug)]
pub struct Reserved {
    folder: RunFolder,
    _claim: Claim,
    before: Before,
}

/// What a reserved folder was before.
#[derive(Debug, PartialEq, Eq)]
enum Before {
    /// A run, which goes on.
    Run,
    /// Something that this command did not make: there may be a run set aside in it.
    Folder,
    /// Nothing.
    Absent,
}

/// Where a run is set aside, in its folder, until the one that replaces it has begun.
const ASIDE: &str = ".replaced";

/// What a run writes, so that starting over removes this and nothing else.
const FILES: [&str; 7] = [
    "config.toml",
    "metrics.jsonl",
    "steps.jsonl",
    "gradients.jsonl",
    "loss.svg",
    "eval.json",
    "neighbours.png",
];
const FOLDERS: [&str; 3] = ["samples", "reconstructions", "checkpoints"];
const EVENTS: &str = "events.out.tfevents.";

impl RunFolder {
    /// Makes the folder of a new run. A folder that already holds something is refused, unless `overwrite`: then the
    /// files of the earlier run are set aside, and removed when the new one has begun.
    pub fn create(path: &Path, overwrite: bool) -> Result<Reserved> {
        let occupied = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(cannot_make(path, &error)),
        };
        let folder = RunFolder { path: path.to_owned() };
        if occupied && !overwrite {
            let detail = "the folder is not empty; name another one, or pass --force to replace the run in it, or \
                          --resume to continue it";
            return Err(Error::file(path, detail));
        }
        let before = if path.is_dir() { Before::Folder } else { Before::Absent };
        fs::create_dir_all(path).map_err(|e| cannot_make(path, &e))?;
        let claim = folder.lock()?;
        if occupied {
            folder.set_aside()?;
        }
        let mut reserved = Reserved { folder, _claim: claim, before };
        match reserved.folder.make_folders() {
            Ok(()) => Ok(reserved),
            Err(error) => Err(reserved.give_up(error)),
        }
    }

    /// Makes `parent/model-N` with the first N from 1 that is free.
    pub fn create_next(parent: &Path, model: &str) -> Result<Reserved> {
        fs::create_dir_all(parent).map_err(|e| cannot_make(parent, &e))?;
        for number in 1u64.. {
            let path = parent.join(format!("{model}-{number}"));
            // Making the folder is the test, so that two runs started at once do not share one.
            match fs::create_dir(&path) {
                Ok(()) => {
                    let mut reserved = Self::create(&path, false)?;
                    reserved.before = Before::Absent;
                    return Ok(reserved);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot_make(&path, &error)),
            }
        }
        unreachable!("the count of runs has no end")
    }

    /// The folder of a run that exists.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let folder = RunFolder { path: path.to_owned() };
        if !path.is_dir() {
            return Err(Error::file(
                path,
                "there is no such folder; name the folder of a run, such as runs/vae-1",
            ));
        }
        if !folder.config().is_file() {
            return Err(Error::file(path, "this is not the folder of a run: it holds no config.toml"));
        }
        Ok(folder)
    }

    /// Reserves the folder of a run that goes on.
    pub fn reopen(self) -> Result<Reserved> {
        let claim = self.claim()?;
        Ok(Reserved { folder: self, _claim: claim, before: Before::Run })
    }

    /// Makes what is missing of the folder and keeps other processes from training in it while the result lives.
    pub fn claim(&self) -> Result<Claim> {
        self.make_folders()?;
        let claim = self.lock()?;
        self.remove_partial();
        Ok(claim)
    }

    /// Removes what a process that was killed while it wrote has left beside its files.
    fn remove_partial(&self) {
        for folder in [self.path.clone(), self.path.join("checkpoints")] {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if atomic::is_partial(&entry.file_name()) {
                    // What cannot be removed takes room and does no harm.
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }

    /// The system's own lock on the folder: it leaves no file behind, and ends with the process however that ends.
    fn lock(&self) -> Result<Claim> {
        let Ok(handle) = fs::File::open(&self.path) else {
            // Not every system opens folders; there two runs in one folder remain the user's own care.
            return Ok(Claim { _handle: None });
        };
        match handle.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {
                let detail = "another process trains in this folder; wait for its end, or name another folder by --out";
                Err(Error::file(&self.path, detail))
            }
            // A file system without locks is no reason not to train.
            Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(Claim { _handle: Some(handle) }),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `config.toml`.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// `metrics.jsonl`.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// `steps.jsonl`.
    pub fn steps(&self) -> PathBuf {
        self.path.join("steps.jsonl")
    }

    /// `gradients.jsonl`.
    pub fn gradients(&self) -> PathBuf {
        self.path.join("gradients.jsonl")
    }

    /// `loss.svg`.
    pub fn chart(&self) -> PathBuf {
        self.path.join("loss.svg")
    }

    /// `eval.json`.
    pub fn evaluation(&self) -> PathBuf {
        self.path.join("eval.json")
    }

    /// `neighbours.png`.
    pub fn neighbours(&self) -> PathBuf {
        self.path.join("neighbours.png")
    }

    /// The samples of an epoch.
    pub fn samples(&self, epoch: u64) -> PathBuf {
        self.path.join(format!("samples/epoch_{epoch:03}.png"))
    }

    /// The reconstructions of an epoch.
    pub fn reconstructions(&self, epoch: u64) -> PathBuf {
        self.path.join(format!("reconstructions/epoch_{epoch:03}.png"))
    }

    /// The checkpoint that resumes the run.
    pub fn last(&self) -> PathBuf {
        self.path.join("checkpoints/last.safetensors")
    }

    /// The checkpoint of the lowest test loss.
    pub fn best(&self) -> PathBuf {
        self.path.join("checkpoints/best.safetensors")
    }

    /// The checkpoint that stands for the run: the best, or else the last; `None` before the first is saved.
    pub fn trained(&self) -> Option<PathBuf> {
        [self.best(), self.last()].into_iter().find(|path| path.is_file())
    }

    /// Takes over what an earlier run has recorded and its best checkpoint, to go on from it in this folder.
    pub fn copy_history(&self, earlier: &RunFolder) -> Result<()> {
        for (from, to) in [
            (earlier.metrics(), self.metrics()),
            (earlier.steps(), self.steps()),
            (earlier.gradients(), self.gradients()),
            (earlier.best(), self.best()),
        ] {
            if from.is_file() {
                let mut source = fs::File::open(&from).map_err(|e| Error::io(&from, e))?;
                atomic::write_with(&to, |target| std::io::copy(&mut source, target).map(|_| ()))?;
            }
        }
        Ok(())
    }

    fn make_folders(&self) -> Result<()> {
        FOLDERS
            .iter()
            .map(|name| self.path.join(name))
            .try_for_each(|path| fs::create_dir_all(&path).map_err(|e| cannot_make(&path, &e)))
    }

    /// Moves what a run has written to [`ASIDE`], all or nothing of it. What an earlier command, which was killed, has set aside
    /// there is no longer asked for.
    fn set_aside(&self) -> Result<()> {
        let aside = self.path.join(ASIDE);
        remove_folder(&aside)?;
        fs::create_dir(&aside).map_err(|e| Error::io(&aside, e))?;
        let moved = self.written()?.into_iter().try_for_each(|name| {
            let (from, to) = (self.path.join(&name), aside.join(&name));
            fs::rename(&from, to).map_err(|e| Error::io(from, e))
        });
        moved.map_err(|error| with(error, self.bring_back()))
    }

    /// Moves what was set aside back to its place, or says where it lies.
    fn bring_back(&self) -> Result<()> {
        let aside = self.path.join(ASIDE);
        if !aside.exists() {
            return Ok(());
        }
        let move_back = || -> std::io::Result<()> {
            for entry in fs::read_dir(&aside)? {
                let name = entry?.file_name();
                fs::rename(aside.join(&name), self.path.join(&name))?;
            }
            fs::remove_dir(&aside)
        };
        move_back().map_err(|error| {
            let lies = format!(
                "the run that was to be replaced could not be brought back ({error}); what is missing of it lies in {}: move it \
                 from there before anything else is run in this folder",
                aside.display()
            );
            Error::file(&self.path, lies)
        })
    }

    /// The names of what a run has written here.
    fn written(&self) -> Result<Vec<OsString>> {
        let entries = fs::read_dir(&self.path).map_err(|e| Error::io(&self.path, e))?;
        let of_run = |name: &OsString| {
            let name = name.to_string_lossy();
            FILES.contains(&&*name) || FOLDERS.contains(&&*name) || name.starts_with(EVENTS)
        };
        Ok(entries.flatten().map(|entry| entry.file_name()).filter(of_run).collect())
    }
}

impl Reserved {
    /// The folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The run has begun: what it replaces is removed. It stays claimed while this lives.
    pub fn begin(&mut self) -> Result<()> {
        self.before = Before::Run;
        remove_folder(&self.folder.path.join(ASIDE))
    }

    /// [Leaves](Self::undo) the folder for this error, which then also tells what could not be undone.
    pub fn give_up(&mut self, error: Error) -> Error {
        with(error, self.undo())
    }

    /// Leaves the folder as it was found, for a run that does not begin; the error says where an earlier run lies that could
    /// not be brought back. Nothing happens to a run that has begun.
    pub fn undo(&mut self) -> Result<()> {
        let before = std::mem::replace(&mut self.before, Before::Run);
        if before == Before::Run {
            return Ok(());
        }
        let RunFolder { path } = &self.folder;
        let removed = self.folder.written()?.into_iter().try_for_each(|name| {
            let path = path.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|e| Error::io(path, e))
        });
        self.folder.bring_back()?;
        removed?;
        match before {
            Before::Absent => fs::remove_dir(path).map_err(|e| Error::io(path, e)),
            _ => Ok(()),
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // Whoever wants to tell of a failure has called it before.
        let _ = self.undo();
    }
}

/// An error, and beside it what could not be undone.
fn with(error: Error, undone: Result<()>) -> Error {
    match undone {
        Ok(()) => error,
        Err(left) => Error::Setting(format!("{error}; {left}")),
    }
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

fn cannot_make(path: &Path, error: &std::io::Error) -> Error {
    // The nearest thing that exists is the one in the way.
    let obstacle = path.ancestors().find(|part| part.exists()).filter(|part| !part.is_dir());
    let reason = match obstacle {
        Some(part) => format!("{} is a file", part.display()),
        None => error.to_string(),
    };
    Error::file(
        path,
        format!("the folder cannot be made: {reason}; name a folder that can be written by --out"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_numbered_and_never_overwritten_unasked() {
        let root = tempfile::tempdir().unwrap();
        let [first, second] = [0, 1].map(|_| RunFolder::create_next(root.path(), "vae").unwrap());
        let [first, second] = [first, second].map(|mut reserved| {
            reserved.begin().unwrap();
            reserved.folder().path().to_owned()
        });
        assert!(first.ends_with("vae-1") && second.ends_with("vae-2"));
        assert!(RunFolder::create(&first, false).unwrap_err().to_string().contains("not empty"));
    }

    #[test]
    fn starting_over_removes_the_run_and_keeps_what_is_not_its_own() {
        let root = tempfile::tempdir().unwrap();
        let reserved = RunFolder::create(&root.path().join("run"), false).unwrap();
        let run = reserved.folder();
        let notes = run.path().join("notes.txt");
        for path in
            [&run.metrics(), &run.last(), &run.samples(1), &run.path().join("events.out.tfevents.1"), &notes]
        {
            fs::write(path, "x").unwrap();
        }
        let run = begun(reserved);
        let mut reserved = RunFolder::create(run.path(), true).unwrap();
        reserved.begin().unwrap();
        assert!(notes.exists() && !run.path().join(ASIDE).exists());
        assert!(!run.metrics().exists() && !run.last().exists() && !run.samples(1).exists());
        assert!(!run.path().join("events.out.tfevents.1").exists());
    }

    fn begun(mut reserved: Reserved) -> RunFolder {
        reserved.begin().unwrap();
        reserved.folder().clone()
    }

    #[test]
    fn a_run_that_does_not_begin_leaves_no_mark() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        drop(RunFolder::create(&path, false).unwrap());
        assert!(!path.exists(), "it was not there before");
        drop(RunFolder::create_next(root.path(), "vae").unwrap());
        assert!(!root.path().join("vae-1").exists());

        let run = begun(RunFolder::create(&path, false).unwrap());
        fs::write(run.last(), "trained").unwrap();
        fs::write(run.metrics(), "old").unwrap();
        let reserved = RunFolder::create(&path, true).unwrap();
        assert!(!run.last().exists() && !run.metrics().exists());
        fs::write(run.metrics(), "new").unwrap();
        fs::write(run.samples(1), "new").unwrap();
        drop(reserved);
        assert_eq!(fs::read_to_string(run.last()).unwrap(), "trained");
        assert_eq!(fs::read_to_string(run.metrics()).unwrap(), "old");
        assert!(!run.samples(1).exists() && !path.join(ASIDE).exists());
    }

    #[test]
    fn a_run_that_cannot_be_brought_back_is_told_with_its_place() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        let run = begun(RunFolder::create(&path, false).unwrap());
        fs::write(run.last(), "trained").unwrap();
        let mut reserved = RunFolder::create(&path, true).unwrap();
        let aside = path.join(ASIDE);
        // A folder has the name of a file that is to come back.
        fs::create_dir(path.join("notes")).unwrap();
        fs::write(aside.join("notes"), "old").unwrap();
        let error = reserved.undo().unwrap_err().to_string();
        assert!(
            error.contains("could not be brought back") && error.contains(&*aside.to_string_lossy()),
            "{error}"
        );
        drop(reserved);
        assert_eq!(fs::read_to_string(aside.join("notes")).unwrap(), "old", "nothing is lost");
        let checkpoint = "checkpoints/last.safetensors";
        assert!(run.last().exists() || aside.join(checkpoint).exists());
    }

    #[test]
    fn a_claim_sweeps_up_what_a_killed_process_left() {
        let root = tempfile::tempdir().unwrap();
        let run = begun(RunFolder::create(&root.path().join("run"), false).unwrap());
        let left = run.last().with_file_name(".last.safetensors.12-3.partial");
        fs::write(&left, "half").unwrap();
        drop(run.claim().unwrap());
        assert!(!left.exists());
    }

    #[test]
    fn only_a_run_opens() {
        let root = tempfile::tempdir().unwrap();
        assert!(
            RunFolder::open(&root.path().join("none")).unwrap_err().to_string().contains("no such folder")
        );
        assert!(RunFolder::open(root.path()).unwrap_err().to_string().contains("config.toml"));
    }
}
