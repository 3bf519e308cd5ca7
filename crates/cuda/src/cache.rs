//! Compiled kernels on disk, so that each is compiled once for a machine.

use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file that holds what was compiled from `parts`: sources, architecture, version of the compiler.
pub(crate) fn path(parts: &[&str]) -> Option<PathBuf> {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let name: String = digest.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Some(folder()?.join(format!("{name}.cubin")))
}

/// What was kept under this path; an unreadable file is as good as none.
pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
    std::fs::read(path).ok().filter(|image| !image.is_empty())
}

/// Keeps `image`, whole or not at all.
pub(crate) fn write(path: &Path, image: &[u8]) -> Result<()> {
    let folder = path.parent().expect("a path of `path` lies in a folder");
    let keep = || {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(image)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    keep().map_err(|source| Error::Io { path: path.into(), source })
}

/// `$WENGERT_CACHE/kernels`, else `$XDG_CACHE_HOME/wengert/kernels`, by default `~/.cache/wengert/kernels`.
fn folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let caches = || absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let own = variable("WENGERT_CACHE").or_else(|| Some(caches()?.join("wengert")))?;
    Some(own.join("kernels"))
}
