use std::path::Path;
use std::sync::OnceLock;

use libloading::Library;

use crate::{Error, Instrumentation, build};

/// Builds the libraries and loads them into the process, once; later calls return at once.
///
/// To be called before the first call of `cudarc`, which then finds them by their names. `WENGERT_EMULATOR` chooses what
/// watches the kernels: `address`, `thread`, or nothing when it is absent. The sanitizers want their libraries preloaded.
///
/// # Errors
/// Those of [`build`](crate::build()), or a library that cannot be loaded.
pub fn load() -> Result<(), Error> {
    load_once(None)
}

/// As [`load`], with the kernels of a further folder beside the project's own.
///
/// # Errors
/// As for [`load`].
pub fn load_with(extra_kernels: &Path) -> Result<(), Error> {
    load_once(Some(extra_kernels))
}

fn load_once(extra_kernels: Option<&Path>) -> Result<(), Error> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    let mut first_error = None;
    let loaded = LOADED.get_or_init(|| {
        load_now(extra_kernels).map_err(|error| {
            let text = error.to_string();
            first_error = Some(error);
            text
        })
    });
    match (loaded, first_error) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(text), None) => Err(Error::Before(text.clone())),
    }
}

fn load_now(extra_kernels: Option<&Path>) -> Result<(), Error> {
    let instrumentation = match std::env::var("WENGERT_EMULATOR").as_deref() {
        Err(_) | Ok("") => Instrumentation::None,
        Ok("address") => Instrumentation::Address,
        Ok("thread") => Instrumentation::Thread,
        Ok(other) => return Err(Error::Instrumentation(other.into())),
    };
    load_from(&build(instrumentation, extra_kernels)?)
}

/// Loads the two libraries of a folder that [`build`](crate::build()) returned, for the rest of the process.
///
/// # Errors
/// A library cannot be loaded.
pub fn load_from(folder: &Path) -> Result<(), Error> {
    for name in ["libcuda.so", "libnvrtc.so"] {
        let library = folder.join(name);
        // SAFETY: its constructors only fill a list of kernels.
        let handle = unsafe { Library::new(&library) }.map_err(|error| Error::Load { library, error })?;
        // Functions of the library are called until the process ends.
        std::mem::forget(handle);
    }
    Ok(())
}
