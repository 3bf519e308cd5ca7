//! The binary version of CIFAR-10: records of one label byte and 3×32×32 pixel bytes, red, green, then blue.
//!
//! Format: A. Krizhevsky, <https://www.cs.toronto.edu/~kriz/cifar.html>.

use crate::error::Result;
use crate::source::Source;
use std::path::Path;

/// Channels, height and width of a picture.
pub const CIFAR10_SHAPE: [usize; 3] = [3, 32, 32];

const PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 1 + PIXELS;
const CLASSES: u8 = 10;
/// Records in one file as published. Files of another length are taken as well, up to this many.
const MOST_RECORDS: u64 = 60_000;

/// Reads one batch file, raw or packed with gzip: the pixels as N×3×32×32, and N labels from 0 to 9.
///
/// # Errors
/// When the file cannot be read, does not consist of whole records, holds none, more than 60,000, or a label above 9.
pub fn read_cifar10(path: impl AsRef<Path>) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut source = Source::open(path.as_ref(), "CIFAR-10")?;
    let Some(bytes) = source.rest(MOST_RECORDS * RECORD as u64)? else {
        return Err(source.wrong("more than 60000 records", "a batch of the binary version, 10000 records"));
    };
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        return Err(source.wrong(
            format!("{} bytes", bytes.len()),
            format!("whole records of {RECORD} bytes; 30730000 bytes in a published batch"),
        ));
    }
    let mut images = Vec::with_capacity(bytes.len() / RECORD * PIXELS);
    let mut labels = Vec::with_capacity(bytes.len() / RECORD);
    for (index, record) in bytes.chunks_exact(RECORD).enumerate() {
        let (&label, pixels) = (&record[0], &record[1..]);
        if label >= CLASSES {
            return Err(source.wrong(format!("label {label} in record {index}"), "labels from 0 to 9"));
        }
        labels.push(label);
        images.extend_from_slice(pixels);
    }
    Ok((images, labels))
}
