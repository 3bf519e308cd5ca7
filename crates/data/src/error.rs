//! The one error type of the crate.

use std::io;
use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong with a data set, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own reason.
        source: io::Error,
    },

    /// A file whose bytes are not what its format says.
    #[error("{} is not a usable {format} file: found {found}; expected {expected}", path.display())]
    Format {
        /// The file, or the archive and the file in it.
        path: PathBuf,
        /// The format, such as `IDX`.
        format: &'static str,
        /// What the file holds.
        found: String,
        /// What it should hold, and how to mend it where that is known.
        expected: String,
    },

    /// Two files that belong together and do not fit.
    #[error(
        "{} holds {image_count} images but {} holds {label_count} labels; expected one label for each image: \
         take both files from the same data set and the same split",
        images.display(), labels.display()
    )]
    LabelCount {
        /// The file of the images.
        images: PathBuf,
        /// How many there are.
        image_count: usize,
        /// The file of the labels.
        labels: PathBuf,
        /// How many there are.
        label_count: usize,
    },

    /// A file that is not the published one.
    #[error(
        "{} has SHA-256 {found}; expected {expected}: the file is damaged or another version, delete it and get it \
         again with `wengert data fetch` or `wengert data import`",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The checksum that it has.
        found: String,
        /// The checksum that the catalogue knows.
        expected: String,
    },

    /// A data set that lies in none of the places where it was looked for.
    #[error("the data set {name} was not found; looked for {wanted} in:\n{}\n{mend}", bullets(places))]
    Missing {
        /// Name of the data set.
        name: String,
        /// The files that were looked for.
        wanted: String,
        /// The folders, in the order in which they were searched.
        places: Vec<PathBuf>,
        /// How to get it.
        mend: String,
    },

    /// A name that is not in the catalogue.
    #[error("there is no data set named {name:?}; known are {known}")]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// All names, separated by commas.
        known: String,
    },

    /// A setting out of its range.
    #[error("{name} is {found}; expected {expected}")]
    Argument {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },

    /// None of the mirrors gave the file.
    #[error("could not download {name}:\n{}\n{mend}", attempts.join("\n"))]
    Download {
        /// Name of the data set.
        name: String,
        /// One line for each mirror: the address and why it failed.
        attempts: Vec<String>,
        /// How to get it by hand.
        mend: String,
    },

    /// The background thread could not be started.
    #[error("cannot start the prefetch thread: {0}")]
    Thread(io::Error),

    /// A failure of the tensor engine.
    #[error(transparent)]
    Tensor(#[from] wengert_tensor::Error),
}

impl Error {
    /// A failed system call on `path`.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source }
    }

    /// Bytes that are not what the format says.
    pub(crate) fn format(
        path: impl AsRef<Path>,
        format: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Format {
            path: path.as_ref().to_owned(),
            format,
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// A setting out of its range.
    pub(crate) fn argument(name: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Argument { name, found: found.to_string(), expected: expected.into() }
    }
}

fn bullets(places: &[PathBuf]) -> String {
    places.iter().map(|place| format!("  {}", place.display())).collect::<Vec<_>>().join("\n")
}
