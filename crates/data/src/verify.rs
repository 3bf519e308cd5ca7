//! Whether the files of a data set are the published ones.

use crate::catalogue::{DatasetInfo, FileInfo};
use crate::digest::sha256_file;
use crate::error::{Error, Result};
use crate::identify::sha256_of;
use crate::places::locate;
use std::path::{Path, PathBuf};

/// What was found out about one file.
#[derive(Debug)]
pub struct FileReport {
    /// The file of the catalogue.
    pub file: &'static FileInfo,
    /// Where it lies; `None` where it is absent.
    pub path: Option<PathBuf>,
    /// Whether it is what it should be.
    pub status: FileStatus,
}

/// Whether a file is what it should be.
#[derive(Debug)]
pub enum FileStatus {
    /// The very bytes that are passed around, packing included.
    Published,
    /// The published content, not packed or packed in another way.
    SameContent,
    /// Not there.
    Absent,
    /// Damaged, or with other content: an error that says so.
    Wrong(Error),
}

/// Checks every file of `info` in `folder`.
pub fn verify_folder(info: &'static DatasetInfo, folder: impl AsRef<Path>) -> Vec<FileReport> {
    let report = |file: &'static FileInfo| {
        let Some(path) = locate(folder.as_ref(), file) else {
            return FileReport { file, path: None, status: FileStatus::Absent };
        };
        let status = verify_file(file, &path).unwrap_or_else(FileStatus::Wrong);
        FileReport { file, path: Some(path), status }
    };
    info.files.iter().map(report).collect()
}

/// Checks the file or folder at `path` against the catalogue's entry `file`.
///
/// # Errors
/// When it cannot be read, is damaged, or has other content.
pub fn verify_file(file: &FileInfo, path: &Path) -> Result<FileStatus> {
    if file.gzip_sha256.is_some() && path.is_file() && Some(sha256_file(path)?.as_str()) == file.gzip_sha256 {
        return Ok(FileStatus::Published);
    }
    let found = sha256_of(file, path)?;
    if found == file.sha256 {
        return Ok(FileStatus::SameContent);
    }
    Err(Error::Checksum { path: path.to_owned(), found, expected: file.sha256.to_owned() })
}
