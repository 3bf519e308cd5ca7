//! WAV files as samples between −1 and 1.

use crate::error::{Error, Result};
use hound::{SampleFormat, WavReader};
use std::io::Cursor;
use std::path::Path;

/// A WAV file larger than this is no recording of a data set.
const LARGEST_FILE: u64 = 256 << 20;

/// Sound of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Wav {
    /// Samples from −1 to 1; those of several channels take turns.
    pub samples: Vec<f32>,
    /// Number of channels.
    pub channels: u16,
    /// Samples a second in each channel.
    pub sample_rate: u32,
}

/// Reads a WAV file of integer or 32-bit float samples.
///
/// # Errors
/// When the file cannot be read, is larger than 256 MiB, is not WAV, is cut short or holds no sample.
pub fn read_wav(path: impl AsRef<Path>) -> Result<Wav> {
    let path = path.as_ref();
    let length = std::fs::metadata(path).map_err(|error| Error::io("read", path, error))?.len();
    if length > LARGEST_FILE {
        return Err(Error::format(
            path,
            "WAV",
            format!("{length} bytes"),
            format!("at most {LARGEST_FILE} bytes"),
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error))?;
    parse_wav(&bytes, path)
}

/// The WAV file that `bytes` holds; `path` is its name in messages.
///
/// # Errors
/// When the bytes are not WAV, are cut short or hold no sample.
pub fn parse_wav(bytes: &[u8], path: impl AsRef<Path>) -> Result<Wav> {
    let path = path.as_ref();
    let wrong = |error: hound::Error| {
        Error::format(path, "WAV", error.to_string(), "an intact RIFF/WAVE file of PCM samples; get it again")
    };
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(wrong)?;
    let spec = reader.spec();
    if reader.len() == 0 {
        return Err(Error::format(path, "WAV", "no samples", "at least one"));
    }
    // A header may promise more than the file holds; collecting into a Result allocates only for what is there.
    let samples: std::result::Result<Vec<f32>, _> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let scale = 1.0 / (1u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            reader.samples::<i32>().map(|sample| Ok(sample? as f32 * scale)).collect()
        }
    };
    Ok(Wav { samples: samples.map_err(wrong)?, channels: spec.channels, sample_rate: spec.sample_rate })
}
