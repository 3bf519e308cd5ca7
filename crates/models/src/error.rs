//! The one error type of the crate.

use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model could not be built, trained, stored or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that is unknown or of the wrong type, or settings that contradict each other.
    #[error("{0}")]
    Setting(String),
    /// A setting out of its range.
    #[error("{key} {detail}")]
    Range {
        /// Dotted key of the setting.
        key: String,
        /// What it is and what it must be, as the rest of the sentence.
        detail: String,
    },
    /// A file whose contents are not what they should be.
    #[error("{}: {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was found and what would be right.
        detail: String,
    },
    /// The operating system refused to read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },
    /// A loss stopped being a finite number, and what was found about its origin.
    #[error("training stopped: {0}")]
    NonFinite(String),
    /// An error of the tensor library.
    #[error(transparent)]
    Tensor(#[from] wengert_tensor::Error),
    /// An error of the layers and optimisers.
    #[error(transparent)]
    Nn(#[from] wengert_nn::Error),
    /// An error of the data readers.
    #[error(transparent)]
    Data(#[from] wengert_data::Error),
}

impl Error {
    /// A setting that cannot be used.
    pub fn setting(detail: impl Into<String>) -> Self {
        Self::Setting(detail.into())
    }

    /// A file with the wrong contents.
    pub fn file(path: impl AsRef<Path>, detail: impl Into<String>) -> Self {
        Self::File { path: path.as_ref().to_owned(), detail: detail.into() }
    }

    /// A failed system call on a file or folder.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }
}
