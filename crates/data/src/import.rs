//! Copies verified files into the user's own folder of data sets.

use crate::archive;
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::identify::{Form, Known, LARGEST_CONTENT, identify};
use crate::speech::{for_each_recording, is_wav};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use wengert_tensor::io::atomic;

/// Folders below the one that is imported are searched to this depth.
const DEEPEST: usize = 3;

/// What became of one file of a folder that was imported.
#[derive(Debug)]
pub struct Imported {
    /// The file or the folder of recordings.
    pub path: PathBuf,
    /// The known files in it and where each now lies; empty where the content is not known.
    pub outcome: Result<Vec<(Known, PathBuf)>>,
}

/// Goes through `folder` and copies everything that the catalogue knows by its checksum into `target`, one sub-folder
/// for each data set. Names do not matter: files are known by their content.
///
/// # Errors
/// When `folder` cannot be read. What goes wrong with one file is told in its [outcome](Imported::outcome).
pub fn import_folder(folder: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<Vec<Imported>> {
    let import = |path: PathBuf| {
        let outcome = import_file(&path, target.as_ref());
        Imported { path, outcome }
    };
    Ok(candidates(folder.as_ref())?.into_iter().map(import).collect())
}

/// Copies the known files that `path` is or holds into `target`: what they are, and where each now lies.
///
/// # Errors
/// When `path` cannot be read or is damaged, or `target` cannot be written.
pub fn import_file(path: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<Vec<(Known, PathBuf)>> {
    let (path, target) = (path.as_ref(), target.as_ref());
    let install = |known: Known| {
        let folder = target.join(known.info.name);
        let packed = matches!(known.form, Form::Gzip | Form::Folder);
        let place =
            folder.join(if packed { format!("{}.gz", known.file.name) } else { known.file.name.to_owned() });
        if !is_same_file(path, &place) {
            std::fs::create_dir_all(&folder).map_err(|error| Error::io("create", &folder, error))?;
            copy(path, &known, &place)?;
        }
        Ok((known, place))
    };
    identify(path)?.into_iter().map(install).collect()
}

/// Everything in `folder` that may hold a known file: regular files, and folders with WAV files, sorted by name.
///
/// # Errors
/// When `folder` cannot be read.
pub fn candidates(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(folder.as_ref(), DEEPEST, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut has_recordings = false;
    for entry in std::fs::read_dir(folder).map_err(|error| Error::io("read", folder, error))? {
        let path = entry.map_err(|error| Error::io("read", folder, error))?.path();
        if path.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, found)?;
            }
        } else if is_wav(&path) {
            has_recordings = true;
        } else if path.is_file() {
            found.push(path);
        }
    }
    if has_recordings {
        found.push(folder.to_owned());
    }
    Ok(())
}

fn copy(path: &Path, known: &Known, place: &Path) -> Result<()> {
    match &known.form {
        Form::Raw | Form::Gzip => {
            let mut file = File::open(path).map_err(|error| Error::io("read", path, error))?;
            atomic::write_with(place, |out| io::copy(&mut file, out).map(drop))?;
        }
        Form::Member(name) => {
            let bytes = read_member(path, name)?;
            let found = sha256(&bytes);
            if found != known.file.sha256 {
                let expected = known.file.sha256.to_owned();
                return Err(Error::Checksum { path: path.join(name), found, expected });
            }
            atomic::write(place, bytes)?;
        }
        Form::Folder => {
            atomic::write(place, pack_recordings(path)?)?;
        }
    }
    Ok(())
}

/// The content of one file of an archive.
fn read_member(path: &Path, wanted: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    archive::for_each_file(path, |name, content| {
        if name == wanted && bytes.is_empty() {
            let read = content.take(LARGEST_CONTENT).read_to_end(&mut bytes);
            read.map_err(|error| archive::explain(path, error))?;
        }
        Ok(())
    })?;
    Ok(bytes)
}

/// A gzip tar archive of the WAV files in `folder`, the same bytes for the same files.
fn pack_recordings(folder: &Path) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let failed = |error| Error::io("pack", folder, error);
    for_each_recording(folder, |file, bytes| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        let name = Path::new("recordings").join(file.file_name().unwrap_or_default());
        archive.append_data(&mut header, name, bytes).map_err(failed)
    })?;
    archive.into_inner().and_then(GzEncoder::finish).map_err(failed)
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
