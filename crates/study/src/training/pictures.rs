//! The pictures of a run: of the same codes, and of the same test images, after each epoch.

use crate::answer::Refusal;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use wengert_models::run::RunFolder;

/// Bytes of a picture.
const MOST_BYTES: u64 = 16 << 20;

/// What pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Samples,
    Reconstructions,
}

impl Kind {
    /// The kind of a name.
    pub fn of(name: &str) -> Result<Kind, Refusal> {
        match name {
            "samples" => Ok(Kind::Samples),
            "reconstructions" => Ok(Kind::Reconstructions),
            _ => Err(Refusal::missing("there are samples and reconstructions")),
        }
    }

    fn path(self, run: &RunFolder, epoch: u64) -> PathBuf {
        match self {
            Kind::Samples => run.samples(epoch),
            Kind::Reconstructions => run.reconstructions(epoch),
        }
    }
}

/// The epochs that have a picture, in order.
pub fn epochs(run: &RunFolder, kind: Kind) -> Vec<u64> {
    let folder = kind.path(run, 0);
    let entries = folder.parent().and_then(|folder| fs::read_dir(folder).ok());
    let mut epochs: Vec<u64> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            entry.file_name().to_str()?.strip_prefix("epoch_")?.strip_suffix(".png")?.parse().ok()
        })
        .filter(|epoch| kind.path(run, *epoch).is_file())
        .collect();
    epochs.sort_unstable();
    epochs.dedup();
    epochs
}

/// The bytes of a picture.
pub fn read(run: &RunFolder, kind: Kind, epoch: u64) -> Result<Vec<u8>, Refusal> {
    let path = kind.path(run, epoch);
    let missing = || Refusal::missing(format!("there is no picture of epoch {epoch}"));
    read_png(&path).ok_or_else(missing)
}

/// A file that is a PNG and not too long.
fn read_png(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MOST_BYTES && bytes.starts_with(b"\x89PNG\r\n\x1a\n")).then_some(bytes)
}
