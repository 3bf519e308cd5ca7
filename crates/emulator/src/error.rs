use std::path::PathBuf;

/// What can go wrong before there are libraries to load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no C++ compiler.
    #[error("the CUDA emulator needs the C++ compiler g++, which cannot be run: {0}")]
    NoCompiler(#[source] std::io::Error),
    /// The compiler refused a file.
    #[error("g++ fails at {file}:\n{output}")]
    Compile {
        /// The file.
        file: PathBuf,
        /// What the compiler printed.
        output: String,
    },
    /// A kernel file is not written as the emulator needs it.
    #[error("{file}: {what}")]
    Source {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A library was built but cannot be loaded.
    #[error("cannot load {library}: {error} (a sanitizer's library must be preloaded, see LD_PRELOAD)")]
    Load {
        /// Which.
        library: PathBuf,
        /// Why.
        error: libloading::Error,
    },
    /// The compiler comes without a sanitizer's library.
    #[error(
        "g++ has no {0}: install the package that holds it, of the name libasan or libtsan with a number"
    )]
    NoSanitizer(&'static str),
    /// An earlier call of `load` failed, with this message.
    #[error("{0}")]
    Before(String),
    /// `WENGERT_EMULATOR` has a value that means nothing.
    #[error("WENGERT_EMULATOR is {0:?}; it may be address or thread, or absent")]
    Instrumentation(String),
}

/// Adds the path to an error of the file system.
pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |error| Error::File { path, error }
}
