//! Where data sets are looked for.

use crate::catalogue::{DatasetInfo, FileInfo, Role};
use std::path::{Path, PathBuf};

/// The environment variable that names a folder of data sets, one sub-folder each.
pub const DATASETS_VARIABLE: &str = "WENGERT_DATASETS";

/// The folder of data sets in wengert's own repository, where this crate was built from.
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets");

/// The folders to search, in order.
#[derive(Clone, Debug)]
pub struct Places {
    /// Folders that hold one sub-folder for each data set.
    collections: Vec<PathBuf>,
    /// A folder that may also be the data set itself.
    explicit: Option<PathBuf>,
}

impl Places {
    /// Only `folder`: the data set's own folder, or one that holds it as a sub-folder.
    pub fn only(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { collections: vec![folder.clone()], explicit: Some(folder) }
    }

    /// The usual places: `$WENGERT_DATASETS`, `datasets` in the current folder and in wengert's repository, and the
    /// [user's folder](user_folder).
    pub fn usual() -> Self {
        let variable =
            std::env::var_os(DATASETS_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        // A path shown in messages should not contain `..`; where the repository is gone, it is not a place.
        let here = Path::new("datasets").canonicalize().ok();
        let repository =
            Path::new(REPOSITORY).canonicalize().ok().filter(|folder| here.as_ref() != Some(folder));
        let collections = variable.into_iter().chain([PathBuf::from("datasets")]).chain(repository);
        Self { collections: collections.chain(user_folder()).collect(), explicit: None }
    }

    /// `folder` alone where one is given, otherwise the [usual](Self::usual) places.
    pub fn new(folder: Option<&Path>) -> Self {
        folder.map_or_else(Self::usual, Self::only)
    }

    /// The folders in which the files of this data set may lie, in order.
    pub fn folders(&self, info: &DatasetInfo) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.explicit.iter().cloned().collect();
        for collection in &self.collections {
            folders.push(collection.join(info.name));
            folders.extend(info.folders.iter().map(|folder| collection.join(folder)));
        }
        folders
    }

    /// Whether the caller named the place.
    pub(crate) fn is_explicit(&self) -> bool {
        self.explicit.is_some()
    }
}

/// Where `wengert data import` and `fetch` put data sets: `$XDG_DATA_HOME/wengert/datasets`, by default
/// `~/.local/share/wengert/datasets`; `%LOCALAPPDATA%\wengert\datasets` on Windows. `None` where no home is known.
pub fn user_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")))
    };
    Some(data?.join("wengert").join("datasets"))
}

/// Where a file of a data set lies in `folder`: under its own name or a common variation of it, packed or not.
pub(crate) fn locate(folder: &Path, file: &FileInfo) -> Option<PathBuf> {
    let mut candidates = vec![format!("{}.gz", file.name), file.name.to_owned()];
    if let Some((stem, kind)) = file.name.rsplit_once("-idx") {
        // Some copies of MNIST are named train-images.idx3-ubyte.
        candidates.extend([format!("{stem}.idx{kind}.gz"), format!("{stem}.idx{kind}")]);
    }
    let is_there = |path: &PathBuf| path.is_file() || (file.role == Role::Recordings && path.is_dir());
    if file.role == Role::Recordings {
        candidates.push("recordings".to_owned());
    }
    candidates.into_iter().map(|name| folder.join(name)).find(is_there)
}
