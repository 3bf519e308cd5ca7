//! Files that are either the old one or the new one, whole, whatever happens while they are written.

use crate::{Error, Result};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Replaces the file at `path` by what `write` writes.
///
/// The new contents go to a file beside it, reach the disk, and then take its name; a crash or a full disk at any moment
/// leaves the old file as it was. Where `write` fails, the file beside it is removed again.
///
/// # Errors
/// Whatever the operating system refuses, with `path`.
pub fn write_with(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    replace(path, write).map_err(|source| Error::io(path, source))
}

/// Replaces the file at `path` by `contents`: see [`write_with`].
///
/// # Errors
/// Whatever the operating system refuses, with `path`.
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<()> {
    write_with(path, |file| file.write_all(contents.as_ref()))
}

/// Whether a file of this name is one that was being written when its process was killed.
pub fn is_partial(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') && name.ends_with(PARTIAL)
}

fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        // A device or a pipe is written to, not replaced.
        let mut writer = BufWriter::new(OpenOptions::new().write(true).open(path)?);
        write(&mut writer)?;
        return writer.flush();
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (file, beside) = create_beside(path, folder)?;
    let result = fill(file, write).and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        // The first failure is the one to report, whether or not the rest can be removed.
        let _ = fs::remove_file(&beside);
        return result;
    }
    sync_folder(folder)
}

fn fill(file: File, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 18, file);
    write(&mut writer)?;
    writer.into_inner()?.sync_all()
}

/// How the names of files end that are being written.
const PARTIAL: &str = ".partial";

/// A new file in `folder` under a name that nothing else uses.
fn create_beside(path: &Path, folder: &Path) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "does not name a file"));
    };
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{}{PARTIAL}", std::process::id(), NEXT.fetch_add(1, Relaxed)));
        let beside = folder.join(hidden);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => return Ok((file, beside)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
    }
}

/// Makes the new name itself survive a crash.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write(&path, "old").unwrap();
        let error = write_with(&path, |file| {
            file.write_all(b"half of the new")?;
            file.flush()?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(matches!(error, Err(Error::Io { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write(&path, "new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside the file");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        write("/dev/null", "nothing").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn refuses_a_path_that_is_no_file() {
        assert!(write("..", "").is_err());
        assert!(
            write("/no/such/folder/state", "")
                .unwrap_err()
                .to_string()
                .starts_with("/no/such/folder/state: ")
        );
    }
}
