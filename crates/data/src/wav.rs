//! WAV files as samples between −1 and 1.

use crate::error::{Error, Result};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
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

/// A WAV file of one channel and 16 bits, of samples from −1 to 1; what lies beyond is cut.
///
/// # Errors
/// When there are more samples than the format can count.
pub fn encode_wav(samples: &[f32], sample_rate: u32) -> Result<Vec<u8>> {
    let spec = WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    // A file counts its bytes in 32 bits; the header has fewer than 100.
    if samples.len() > (u32::MAX as usize - 100) / 2 {
        return Err(Error::argument("samples", samples.len(), "fewer than 4 GiB of them"));
    }
    let mut file = Cursor::new(Vec::new());
    let written = WavWriter::new(&mut file, spec).and_then(|mut writer| {
        for sample in samples {
            writer.write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16)?;
        }
        writer.finalize()
    });
    written.expect("memory takes all that is written");
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_are_written_are_read_again() {
        let bytes = encode_wav(&[0.0, 0.5, -1.0, 3.0], 8000).unwrap();
        let wav = parse_wav(&bytes, "made.wav").unwrap();
        assert_eq!((wav.channels, wav.sample_rate), (1, 8000));
        for (read, expected) in wav.samples.iter().zip([0.0f32, 0.5, -1.0, 1.0]) {
            assert!((read - expected).abs() < 1e-4, "{read} {expected}");
        }
    }
}
