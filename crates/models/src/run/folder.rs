//! Where each thing of a run lies.

use crate::{Error, Result};
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
    /// files of the earlier run are removed.
    pub fn create(path: &Path, overwrite: bool) -> Result<RunFolder> {
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
        if occupied {
            let _claim = folder.lock()?;
            folder.clear()?;
        }
        folder.make_folders()?;
        Ok(folder)
    }

    /// Makes `parent/model-N` with the first N from 1 that is free.
    pub fn create_next(parent: &Path, model: &str) -> Result<RunFolder> {
        fs::create_dir_all(parent).map_err(|e| cannot_make(parent, &e))?;
        for number in 1u64.. {
            let path = parent.join(format!("{model}-{number}"));
            // Making the folder is the test, so that two runs started at once do not share one.
            match fs::create_dir(&path) {
                Ok(()) => return Self::create(&path, false),
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

    /// Makes what is missing of the folder and keeps other processes from training in it while the result lives.
    pub fn claim(&self) -> Result<Claim> {
        self.make_folders()?;
        self.lock()
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

    fn clear(&self) -> Result<()> {
        let absent = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let ignore_absent = |path: &Path, result: std::io::Result<()>| match result {
            Err(error) if !absent(&error) => Err(Error::io(path, error)),
            _ => Ok(()),
        };
        for name in FILES {
            let path = self.path.join(name);
            ignore_absent(&path, fs::remove_file(&path))?;
        }
        for name in FOLDERS {
            let path = self.path.join(name);
            ignore_absent(&path, fs::remove_dir_all(&path))?;
        }
        for entry in fs::read_dir(&self.path).map_err(|e| Error::io(&self.path, e))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(EVENTS) {
                ignore_absent(&entry.path(), fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
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
        let first = RunFolder::create_next(root.path(), "vae").unwrap();
        let second = RunFolder::create_next(root.path(), "vae").unwrap();
        assert!(first.path().ends_with("vae-1") && second.path().ends_with("vae-2"));
        assert!(RunFolder::create(first.path(), false).unwrap_err().to_string().contains("not empty"));
    }

    #[test]
    fn starting_over_removes_the_run_and_keeps_what_is_not_its_own() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(&root.path().join("run"), false).unwrap();
        let notes = run.path().join("notes.txt");
        for path in
            [&run.metrics(), &run.last(), &run.samples(1), &run.path().join("events.out.tfevents.1"), &notes]
        {
            fs::write(path, "x").unwrap();
        }
        let run = RunFolder::create(run.path(), true).unwrap();
        assert!(notes.exists());
        assert!(!run.metrics().exists() && !run.last().exists() && !run.samples(1).exists());
        assert!(!run.path().join("events.out.tfevents.1").exists());
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
