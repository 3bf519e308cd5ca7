//! Which file of which data set a file is, told by its content alone.

use crate::archive;
use crate::catalogue::{DatasetInfo, FileInfo, Role, catalogue};
use crate::digest::{sha256, sha256_stream};
use crate::error::{Error, Result};
use crate::source::Source;
use crate::speech::for_each_recording;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Content beyond this is not looked at: the largest known file has 47 MB.
pub(crate) const LARGEST_CONTENT: u64 = 64 << 20;

/// A file whose content the catalogue knows.
#[derive(Clone, Debug)]
pub struct Known {
    /// The data set.
    pub info: &'static DatasetInfo,
    /// The file of the data set.
    pub file: &'static FileInfo,
    /// How it is there.
    pub form: Form,
}

/// How the content of a known file is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// The file itself, not packed.
    Raw,
    /// The file itself, packed with gzip.
    Gzip,
    /// One file of an archive.
    Member(PathBuf),
    /// A folder of recordings.
    Folder,
}

/// The known files that `path` is or holds: a file, raw or packed with gzip; a tar archive of such; a folder of WAV
/// recordings. Empty where the content is not known.
///
/// # Errors
/// When `path` cannot be read or its packing is damaged.
pub fn identify(path: impl AsRef<Path>) -> Result<Vec<Known>> {
    let path = path.as_ref();
    if path.is_dir() {
        let known = find(|file| file.role == Role::Recordings, &recordings_sha256(path)?, Form::Folder);
        return Ok(known.into_iter().collect());
    }
    let source = Source::open(path, "gzip")?;
    let form = if source.is_compressed() { Form::Gzip } else { Form::Raw };
    if !archive::is_tar(path)? {
        let content = content_sha256(path, source)?;
        return Ok(find(|_| true, &content, form).into_iter().collect());
    }
    let mut known = Vec::new();
    archive::for_each_file(path, |name, content| {
        let hash = sha256_stream(&mut content.take(LARGEST_CONTENT));
        let hash = hash.map_err(|error| archive::explain(path, error))?;
        known.extend(find(|file| file.role != Role::Recordings, &hash, Form::Member(name.to_owned())));
        Ok(())
    })?;
    known.extend(find(|file| file.role == Role::Recordings, &recordings_sha256(path)?, form));
    Ok(known)
}

/// SHA-256 of what a catalogue's entry for `file` is about, for the file or folder at `path`.
///
/// # Errors
/// When `path` cannot be read or its packing is damaged.
pub(crate) fn sha256_of(file: &FileInfo, path: &Path) -> Result<String> {
    match file.role {
        Role::Recordings => recordings_sha256(path),
        _ => content_sha256(path, Source::open(path, "gzip")?),
    }
}

fn find(role: impl Fn(&FileInfo) -> bool, sha256: &str, form: Form) -> Option<Known> {
    let mut files = catalogue().iter().flat_map(|info| info.files.iter().map(move |file| (info, file)));
    let (info, file) = files.find(|(_, file)| file.sha256 == sha256 && role(file))?;
    Some(Known { info, file, form })
}

fn content_sha256(path: &Path, source: Source) -> Result<String> {
    // What is larger than any known file is cut, and then has a checksum that no known file has.
    sha256_stream(&mut source.into_stream(u64::MAX).take(LARGEST_CONTENT)).map_err(|error| {
        Error::format(path, "gzip", format!("damaged data ({error})"), "an intact file; get it again")
    })
}

/// SHA-256 of the lines `sha256  name` of all recordings, sorted by name: it is the same for a folder and for any
/// archive of it.
fn recordings_sha256(path: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for_each_recording(path, |file, bytes| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        lines.push((name, sha256(bytes)));
        Ok(())
    })?;
    lines.sort();
    let text: String = lines.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
    Ok(sha256(text.as_bytes()))
}
