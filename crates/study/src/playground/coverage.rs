//! How much of a distribution a set of samples covers, in numbers.

use super::distribution::{Modes, Point};
use serde::Serialize;

/// A sample is of good quality within this many standard deviations of a mode (Srivastava et al.: VEEGAN, 2017,
/// <https://arxiv.org/abs/1705.07761>, section 4.1).
const DEVIATIONS: f32 = 3.0;

/// A mode is covered when it has this share of what would be fair, as samples of good quality.
const FAIR_SHARE: f64 = 0.25;

/// A sample and a point of the data this far apart are near each other.
const NEAR: f32 = 0.15;

/// Coverage, as shares in 0..1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// Of the modes, where there are some.
    pub modes: Option<ModeCoverage>,
    /// Samples near a point of the data: precision.
    pub samples_near_data: f64,
    /// Points of the data near a sample: recall.
    pub data_near_samples: f64,
}

/// Coverage of modes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModeCoverage {
    /// Modes that have at least a quarter of their fair share of the samples, within 3σ of their centres.
    pub covered: usize,
    /// Modes there are.
    pub count: usize,
    /// Samples within 3σ of a centre.
    pub good_samples: f64,
}

impl Coverage {
    /// What `samples` cover of the distribution that `data` was drawn from. A sample that is not a number is near to
    /// nothing.
    pub fn of(samples: &[Point], data: &[Point], modes: Option<&Modes>) -> Coverage {
        Coverage {
            modes: modes.map(|modes| cover(samples, modes)),
            samples_near_data: share_near(samples, data),
            data_near_samples: share_near(data, samples),
        }
    }
}

fn cover(samples: &[Point], modes: &Modes) -> ModeCoverage {
    let radius = DEVIATIONS * modes.deviation;
    let of = |centre: &Point| samples.iter().filter(|sample| is_within(**sample, *centre, radius)).count();
    // The modes lie further apart than their circles are wide, so no sample counts twice.
    let counts: Vec<usize> = modes.centres.iter().map(of).collect();
    let enough = FAIR_SHARE * samples.len() as f64 / modes.centres.len() as f64;
    ModeCoverage {
        covered: counts.iter().filter(|count| **count > 0 && **count as f64 >= enough).count(),
        count: counts.len(),
        good_samples: counts.iter().sum::<usize>() as f64 / samples.len().max(1) as f64,
    }
}

/// The share of `points` that have one of `others` near.
fn share_near(points: &[Point], others: &[Point]) -> f64 {
    let has_near = |point: &&Point| others.iter().any(|other| is_within(**point, *other, NEAR));
    points.iter().filter(has_near).count() as f64 / points.len().max(1) as f64
}

fn is_within([x, y]: Point, [u, v]: Point, radius: f32) -> bool {
    (x - u).powi(2) + (y - v).powi(2) <= radius * radius
}

#[cfg(test)]
mod tests {
    use super::super::distribution::{Distribution, Shape};
    use super::*;
    use wengert_tensor::Generator;

    fn eight() -> (Distribution, Modes) {
        let distribution = Distribution::new(Shape::EightGaussians, &[]).unwrap();
        let modes = distribution.modes().unwrap();
        (distribution, modes)
    }

    #[test]
    fn the_data_covers_itself() {
        let (distribution, modes) = eight();
        let draw = |seed| distribution.sample(500, &Generator::new(seed));
        let found = Coverage::of(&draw(1), &draw(2), Some(&modes));
        let of_modes = found.modes.unwrap();
        assert_eq!((of_modes.covered, of_modes.count), (8, 8));
        // P(‖z‖ ≤ 3) of a normal z in the plane is 1 − e^(−9/2) = 0.9889.
        assert!((of_modes.good_samples - 0.9889).abs() < 0.02, "{}", of_modes.good_samples);
        assert!(found.samples_near_data > 0.99 && found.data_near_samples > 0.99);
    }

    #[test]
    fn a_mode_counts_from_a_quarter_of_its_share_on() {
        let (_, modes) = eight();
        // A fair share of 320 samples is 40, a quarter of it 10.
        let samples = |there: usize| {
            let at = |k: usize, count| std::iter::repeat_n(modes.centres[k], count);
            at(0, 320 - there).chain(at(3, there)).collect::<Vec<_>>()
        };
        let covered = |there| Coverage::of(&samples(there), &[], Some(&modes)).modes.unwrap().covered;
        assert_eq!((covered(0), covered(9), covered(10)), (1, 1, 2));
    }

    #[test]
    fn samples_elsewhere_or_not_numbers_cover_nothing() {
        let (_, modes) = eight();
        for sample in [[0.0, 0.0], [1.2, 0.0], [f32::NAN, f32::NAN], [f32::INFINITY, 0.0]] {
            let found = Coverage::of(&vec![sample; 100], &modes.centres, Some(&modes));
            let of_modes = found.modes.unwrap();
            assert_eq!((of_modes.covered, of_modes.good_samples), (0, 0.0), "{sample:?}");
            assert_eq!((found.samples_near_data, found.data_near_samples), (0.0, 0.0), "{sample:?}");
        }
        assert_eq!(Coverage::of(&[], &[], Some(&modes)).modes.unwrap().covered, 0);
    }

    #[test]
    fn precision_and_recall_are_told_apart() {
        let (distribution, modes) = eight();
        let data = distribution.sample(500, &Generator::new(3));
        let found = Coverage::of(&[modes.centres[0]; 50], &data, None);
        assert_eq!((found.modes, found.samples_near_data), (None, 1.0));
        assert!((found.data_near_samples - 0.125).abs() < 0.05, "{}", found.data_near_samples);
    }
}
