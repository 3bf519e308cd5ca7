//! Files of a tar archive, raw or packed with gzip, one after the other.

use crate::error::{Error, Result};
use crate::source::Source;
use std::io::{self, Read};
use std::path::Path;

/// The largest archive content that is gone through: the largest known one, of CIFAR-10, has 176 MiB.
const LARGEST_CONTENT: u64 = 1 << 30;

/// Where the word `ustar` stands in the first block of a tar archive.
const MAGIC_AT: usize = 257;

/// Whether the content of the file begins as a tar archive.
///
/// # Errors
/// When the file cannot be read or unpacked.
pub(crate) fn is_tar(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let stream = Source::open(path, "gzip")?.into_stream(LARGEST_CONTENT);
    stream.take(512).read_to_end(&mut start).map_err(|error| {
        Error::format(path, "gzip", format!("damaged data ({error})"), "an intact file; get it again")
    })?;
    Ok(start.get(MAGIC_AT..MAGIC_AT + 5) == Some(b"ustar"))
}

/// Calls `visit` with the path and the content of each regular file of the archive.
///
/// # Errors
/// When the archive cannot be read, is damaged or unpacks to more than 1 GiB, and those of `visit`.
pub(crate) fn for_each_file(
    path: &Path,
    mut visit: impl FnMut(&Path, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut archive = tar::Archive::new(Source::open(path, "tar")?.into_stream(LARGEST_CONTENT));
    for entry in archive.entries().map_err(|error| explain(path, error))? {
        let mut entry = entry.map_err(|error| explain(path, error))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path().map_err(|error| explain(path, error))?.into_owned();
        visit(&name, &mut entry)?;
    }
    Ok(())
}

/// What a failed read of an archive means.
pub(crate) fn explain(path: &Path, error: io::Error) -> Error {
    Error::format(path, "tar", format!("damaged data ({error})"), "an intact tar archive; get it again")
}
