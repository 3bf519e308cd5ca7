//! From samples to the energy in bands of the mel scale: a Fourier transform and triangular filters.

use crate::error::{Error, Result};
use std::f64::consts::TAU;

/// Energies of the frequencies 0, 1, …, n/2 of a frame of n samples under Hann's window (its periodic form,
/// ½ − ½ cos 2πi/n): |Σ wᵢ xᵢ e^(−2πi·ik/n)|².
///
/// # Errors
/// When the number of samples is not a power of two.
pub fn power_spectrum(frame: &[f32]) -> Result<Vec<f64>> {
    let count = frame.len();
    if !count.is_power_of_two() {
        return Err(Error::argument("samples of a frame", count, "a power of two"));
    }
    let window = |index: usize| 0.5 - 0.5 * (TAU * index as f64 / count as f64).cos();
    let windowed = frame.iter().enumerate().map(|(index, &sample)| (f64::from(sample) * window(index), 0.0));
    let spectrum = fourier(windowed.collect());
    Ok(spectrum[..=count / 2].iter().map(|(re, im)| re * re + im * im).collect())
}

/// The discrete Fourier transform of 2ᵏ complex numbers, by halving (Cooley and Tukey, 1965).
fn fourier(input: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let count = input.len();
    if count == 1 {
        return input;
    }
    let every_second = |first: usize| fourier(input.iter().skip(first).step_by(2).copied().collect());
    let (even, odd) = (every_second(0), every_second(1));
    let mut output = vec![(0.0, 0.0); count];
    for (k, (&(a, b), &(c, d))) in even.iter().zip(&odd).enumerate() {
        let (sin, cos) = (-TAU * k as f64 / count as f64).sin_cos();
        let (re, im) = (c * cos - d * sin, c * sin + d * cos);
        output[k] = (a + re, b + im);
        output[k + count / 2] = (a - re, b - im);
    }
    output
}

/// Triangular filters whose corners are evenly spaced on the mel scale, 2595 log₁₀(1 + f/700) for f hertz, from 0 to half
/// the sample rate: those of the HTK toolkit, with a height of 1.
#[derive(Clone, Debug)]
pub struct MelFilters {
    /// For each band, its weight of each frequency of the spectrum.
    weights: Vec<Vec<f64>>,
}

impl MelFilters {
    /// So many `bands` for spectra of frames of `frame` samples.
    pub fn new(sample_rate: u32, frame: usize, bands: usize) -> Self {
        let highest = f64::from(sample_rate) / 2.0;
        let (mel, hertz) = (
            |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10(),
            |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
        );
        let corner = |index: usize| hertz(mel(highest) * index as f64 / (bands + 1) as f64);
        let band = |index: usize| {
            let [low, peak, high] = [corner(index), corner(index + 1), corner(index + 2)];
            let weight = |bin: usize| {
                let frequency = bin as f64 * f64::from(sample_rate) / frame as f64;
                ((frequency - low) / (peak - low)).min((high - frequency) / (high - peak)).max(0.0)
            };
            (0..=frame / 2).map(weight).collect()
        };
        Self { weights: (0..bands).map(band).collect() }
    }

    /// The energy in each band of a power spectrum.
    pub fn apply(&self, spectrum: &[f64]) -> Vec<f64> {
        let dot = |weights: &[f64]| weights.iter().zip(spectrum).map(|(weight, power)| weight * power).sum();
        self.weights.iter().map(|weights| dot(weights)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spectrum_is_what_its_definition_says() {
        let frame: Vec<f32> = (0..16).map(|i| ((i * i) as f32 * 0.7).sin()).collect();
        let fast = power_spectrum(&frame).unwrap();
        assert_eq!(fast.len(), 9);
        for (k, value) in fast.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, &x) in frame.iter().enumerate() {
                let (phase, window) =
                    (TAU * (i * k) as f64 / 16.0, (std::f64::consts::PI * i as f64 / 16.0).sin().powi(2));
                re += f64::from(x) * window * phase.cos();
                im -= f64::from(x) * window * phase.sin();
            }
            assert!((value - (re * re + im * im)).abs() < 1e-9, "frequency {k}");
        }
        assert!(power_spectrum(&frame[..15]).is_err());
    }

    #[test]
    fn a_tone_lies_at_its_frequency() {
        // A sine of amplitude 1 at frequency 10 of 64: a periodic Hann window gives it n/4 there and n/8 beside it.
        let tone: Vec<f32> = (0..64).map(|i| (TAU * 10.0 * f64::from(i) / 64.0).sin() as f32).collect();
        let spectrum = power_spectrum(&tone).unwrap();
        for (k, expected) in [(9, 64.0), (10, 256.0), (11, 64.0), (8, 0.0), (20, 0.0)] {
            assert!((spectrum[k] - expected).abs() < 1e-3, "{k}: {}", spectrum[k]);
        }
    }

    /// Weights computed with NumPy: the corners by `linspace` on the mel scale.
    #[test]
    fn filters_are_those_of_htk() {
        let filters = MelFilters::new(8000, 256, 40);
        assert_eq!((filters.weights.len(), filters.weights[0].len()), (40, 129));
        for (band, bin, expected) in [
            (0, 1, 0.9390535058505508),
            (0, 2, 0.16174390912595682),
            (5, 7, 0.8520903233197952),
            (20, 37, 0.997623305442665),
            (20, 40, 0.0),
            (39, 121, 0.9732292884972492),
            (39, 127, 0.14650796895646315),
        ] {
            let weight = filters.weights[band][bin];
            assert!((weight - expected).abs() < 1e-12, "band {band} of frequency {bin}: {weight}");
        }
        // Between the first and the last peak the triangles add up to 1.
        for bin in 2..120 {
            let sum: f64 = filters.weights.iter().map(|weights| weights[bin]).sum();
            assert!((sum - 1.0).abs() < 1e-12, "frequency {bin}: {sum}");
        }
    }
}
