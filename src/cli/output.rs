//! Writing to the terminal.

use anyhow::{Context, Result};
use std::io::{ErrorKind, Write};

/// Writes text to standard output as it stands. A closed pipe is an error like any other, so that the command ends;
/// [`is_broken_pipe`] recognises it.
pub fn print(text: &str) -> Result<()> {
    write(text).context(STANDARD_OUTPUT)
}

/// Where a failed write went, for the message about it.
pub const STANDARD_OUTPUT: &str = "standard output could not be written";

/// [`print`], with the system's own error.
pub fn write(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Whether an error is that nobody reads standard output any more.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// Writes one error message to standard error: the outermost text, then each cause that the text does not tell yet.
pub fn complain(error: &anyhow::Error) {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    // With standard error closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "error: {message}");
}
