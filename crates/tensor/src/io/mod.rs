//! Tensors in files: safetensors for states, NPY and NPZ for exchange with Python, and state dictionaries of PyTorch.
//!
//! Whatever a file holds, reading it ends in tensors or in a typed error that names the file: sizes that it claims are
//! checked against its length before memory is asked for. Writing leaves the old file or the new one, whole.

pub mod atomic;
pub mod npy;
pub mod npz;
mod pickle;
pub mod pytorch;
pub mod safetensors;

use crate::{Error, Result};
use std::path::Path;

/// The contents of a regular file.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    let kind = std::fs::metadata(path).map_err(|source| Error::io(path, source))?;
    if !kind.is_file() {
        // Reading a device or a pipe might never end.
        return Err(Error::file(path, "is not a regular file"));
    }
    std::fs::read(path).map_err(|source| Error::io(path, source))
}

#[cfg(test)]
mod tests {
    /// Calls `read` on every truncation of `bytes`, and with every single byte changed in two ways: it may succeed or
    /// fail, but must come back.
    pub fn survives_corruption(bytes: &[u8], read: impl Fn(&[u8])) {
        for length in 0..bytes.len() {
            read(&bytes[..length]);
        }
        let mut bytes = bytes.to_vec();
        for i in 0..bytes.len() {
            for change in [0xff, 0x01] {
                bytes[i] ^= change;
                read(&bytes);
                bytes[i] ^= change;
            }
        }
    }
}
