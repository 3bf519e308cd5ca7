//! The one error type of the crate.

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken, or the system refuses it.
    #[error(
        "127.0.0.1:{port} cannot be listened on: {source}; pass another --port, or --port 0 for any that is free"
    )]
    Bind {
        /// The port that was asked for.
        port: u16,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The system refuses a thread or what a server needs besides.
    #[error("the server cannot be started: {0}")]
    Start(std::io::Error),
    /// A run that cannot be read.
    #[error(transparent)]
    Models(#[from] wengert_models::Error),
}
