//! Speech as pictures, so that whatever trains on images trains on it: the digits are the classes, the speakers the
//! [groups](ImageDataset::groups).
//!
//! Recordings lie in the order of take, digit and speaker, so that the first few hold all digits and speakers.

use crate::catalogue::{DIGITS, Split};
use crate::dataset::{Groups, ImageDataset, owned};
use crate::error::{Error, Result};
use crate::load::load_speech;
use crate::places::Places;
use crate::spectrum::{MelFilters, power_spectrum};
use crate::speech::SpeechDataset;

/// The rate of all recordings, in samples a second.
pub const SAMPLE_RATE: u32 = 8000;
/// Samples in a frame, 32 ms, and from one frame to the next, 12.5 ms.
const FRAME: usize = 256;
const HOP: usize = 100;
/// Frames and bands of a picture: 0.82 s, which 98 % of the recordings of FSDD do not exceed.
const FRAMES: usize = 64;
const BANDS: usize = 40;
/// Loudness that a picture shows, down from its loudest point, in decibels.
const RANGE: f64 = 80.0;
/// Rows and columns of the samples of a recording: 0.51 s, which 76 % of the recordings of FSDD do not exceed.
const SAMPLES: [usize; 2] = [64, 64];

/// µ of µ-law companding in 8 bits (ITU-T G.711 has the same curve in pieces).
const MU: f32 = 255.0;

/// `fsdd-mel`: see [`log_mel_picture`].
pub(crate) fn make_log_mel(split: Split, places: &Places) -> Result<ImageDataset> {
    let filters = MelFilters::new(SAMPLE_RATE, FRAME, BANDS);
    make("fsdd-mel", [1, FRAMES, BANDS], split, places, |samples| log_mel_picture(samples, &filters, FRAMES))
}

/// `fsdd-mulaw`: the first 4096 samples as [`mu_law`] bytes, 64 a row in reading order. A shorter recording is followed by
/// silence.
pub(crate) fn make_mu_law(split: Split, places: &Places) -> Result<ImageDataset> {
    let [rows, columns] = SAMPLES;
    make("fsdd-mulaw", [1, rows, columns], split, places, |samples| {
        let silence = std::iter::repeat(&0.0);
        Ok(samples.iter().chain(silence).take(rows * columns).map(|&sample| mu_law(sample)).collect())
    })
}

/// The log-mel picture of a recording, `frames` × bands bytes: a row for each frame of 256 samples (Hann's window), 100
/// samples apart, a column for each band from low to high. 255 is the loudest point and each level 80/255 dB, so that a
/// picture does not tell how loud the recording is. What lies beyond the last frame is cut; a shorter recording is
/// followed by silence, 0.
///
/// # Errors
/// None for frames of a power of two, which these are.
pub fn log_mel_picture(samples: &[f32], filters: &MelFilters, frames: usize) -> Result<Vec<u8>> {
    let mut frame = [0.0; FRAME];
    let mut decibels = Vec::new();
    for start in (0..samples.len().max(FRAME)).step_by(HOP).take(frames) {
        if start + FRAME > samples.len().max(FRAME) {
            break;
        }
        let there = &samples[start..samples.len().min(start + FRAME)];
        frame[..there.len()].copy_from_slice(there);
        let bands = filters.apply(&power_spectrum(&frame)?);
        // The floor lies below the noise of 16 bits.
        decibels.extend(bands.into_iter().map(|energy| 10.0 * energy.max(1e-10).log10()));
    }
    let bands = filters.apply(&[0.0; FRAME / 2 + 1]).len();
    let loudest = decibels.iter().copied().fold(f64::MIN, f64::max);
    let level = |decibel: f64| ((1.0 + (decibel - loudest) / RANGE).max(0.0) * 255.0).round() as u8;
    let mut picture: Vec<u8> = decibels.into_iter().map(level).collect();
    picture.resize(frames * bands, 0);
    Ok(picture)
}

/// A sample from −1 to 1 as a µ-law byte: sgn(x)·ln(1 + 255·|x|)/ln 256 from −1 to 1, in 256 steps. Silence is 128.
pub fn mu_law(sample: f32) -> u8 {
    let sample = sample.clamp(-1.0, 1.0);
    let companded = sample.signum() * (MU * sample.abs()).ln_1p() / MU.ln_1p();
    ((companded + 1.0) / 2.0 * MU + 0.5) as u8
}

/// The sample of a µ-law byte: sgn(y)·(256^|y| − 1)/255 for the byte's y from −1 to 1.
pub fn mu_law_inverse(byte: u8) -> f32 {
    let companded = 2.0 * f32::from(byte) / MU - 1.0;
    companded.signum() * (companded.abs() * MU.ln_1p()).exp_m1() / MU
}

/// The samples of a picture of `fsdd-mulaw`, pixels from 0 to 1 in reading order.
pub fn sound_of_picture(pixels: &[f32]) -> Vec<f32> {
    pixels.iter().map(|&pixel| mu_law_inverse((pixel.clamp(0.0, 1.0) * MU).round() as u8)).collect()
}

/// Pictures of all recordings of a split.
fn make(
    name: &str,
    shape: [usize; 3],
    split: Split,
    places: &Places,
    picture: impl Fn(&[f32]) -> Result<Vec<u8>>,
) -> Result<ImageDataset> {
    let SpeechDataset { mut recordings, .. } = load_speech("fsdd", split, places)?;
    recordings.sort_by(|a, b| (a.take, a.digit, &a.speaker).cmp(&(b.take, b.digit, &b.speaker)));
    if let Some(other) = recordings.iter().find(|recording| recording.sample_rate != SAMPLE_RATE) {
        let found = format!("{} Hz", other.sample_rate);
        return Err(Error::argument("sample rate", found, format!("{SAMPLE_RATE} Hz")));
    }
    // Both splits have all speakers, so they are counted alike in both.
    let mut speakers: Vec<String> = recordings.iter().map(|recording| recording.speaker.clone()).collect();
    speakers.sort_unstable();
    speakers.dedup();
    if speakers.len() > usize::from(u8::MAX) {
        return Err(Error::argument("speakers", speakers.len(), "at most 255"));
    }
    let group = |speaker: &String| speakers.binary_search(speaker).expect("every speaker is listed") as u8;
    let of = recordings.iter().map(|recording| group(&recording.speaker)).collect();
    let pictures: Vec<Vec<u8>> =
        recordings.iter().map(|recording| picture(&recording.samples)).collect::<Result<_>>()?;
    let labels = recordings.iter().map(|recording| recording.digit).collect();
    let images = ImageDataset::new(name, split, shape, pictures.concat(), labels, owned(DIGITS))?;
    images.with_groups(Groups { of, names: speakers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_samples_is_heard_again() {
        let samples = [0.0, 0.3, -0.02, 0.9, -1.0];
        let pixels = samples.map(|sample| f32::from(mu_law(sample)) / 255.0);
        for (heard, sample) in sound_of_picture(&pixels).iter().zip(samples) {
            assert!((heard - sample).abs() <= 0.002 + 0.03 * sample.abs(), "{heard} {sample}");
        }
    }
    use std::f64::consts::TAU;

    /// The levels that `torch.stft`, HTK's filters and decibels give two sines of 440 and 1500 Hz.
    #[test]
    fn a_picture_of_two_tones_is_that_of_torch() {
        let tone = |hertz: f64, i: usize| (TAU * hertz * i as f64 / 8000.0).sin();
        let samples: Vec<f32> =
            (0..1000).map(|i| (0.5 * tone(440.0, i) + 0.25 * tone(1500.0, i)) as f32).collect();
        let filters = MelFilters::new(8000, 256, 40);
        let picture = log_mel_picture(&samples, &filters, 12).unwrap();
        assert_eq!(picture.len(), 12 * 40);
        let expected =
            [0, 0, 0, 2, 19, 36, 56, 91, 210, 254, 255, 197, 86, 50, 25, 6, 0, 0, 0, 0, 0, 0, 0, 231, 240];
        for row in [0, 7] {
            for (band, level) in picture[row * 40..][..40].iter().enumerate() {
                let expected = expected.get(band).copied().unwrap_or(0);
                assert!(level.abs_diff(expected) <= 1, "band {band} of frame {row}: {level}, not {expected}");
            }
        }
        // Eight frames of 256 samples fit into 1000; the rest is silence.
        assert!(picture[8 * 40..].iter().all(|&level| level == 0));
        let louder: Vec<f32> = samples.iter().map(|sample| sample * 1.3).collect();
        assert_eq!(log_mel_picture(&louder, &filters, 12).unwrap(), picture);
        assert_eq!(log_mel_picture(&samples[..9], &filters, 2).unwrap().len(), 80);
    }

    /// `torchaudio.functional.mu_law_encoding` gives the same bytes.
    #[test]
    fn mu_law_bytes_are_those_of_the_formula_and_go_there_and_back() {
        let samples = [-1.0, -0.5, -0.01, 0.0, 0.001, 0.1, 1.0, 7.0];
        assert_eq!(samples.map(mu_law), [0, 16, 98, 128, 133, 203, 255, 255]);
        for byte in 0..=255 {
            assert_eq!(mu_law(mu_law_inverse(byte)), byte);
        }
        for sample in (-1000..=1000).map(|i| i as f32 / 1000.0) {
            // Half a step is 1/255 of the curve's y, whose slope dx/dy is ln 256 · (|x| + 1/255).
            let error = (mu_law_inverse(mu_law(sample)) - sample).abs();
            assert!(error <= 0.0223 * (sample.abs() + 1.0 / 255.0), "{sample}: off by {error}");
        }
    }
}
