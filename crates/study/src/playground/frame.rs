//! What a page gets of a session, several times a second.

use super::coverage::Coverage;
use super::distribution::Point;
use serde::Serialize;
use std::collections::BTreeMap;

/// How things stand after a step. Coordinates are in thousandths, x and y by turns.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Frame {
    /// Steps so far.
    pub step: u64,
    /// Moves so far, the discriminator's and the generator's.
    pub moves: Option<[u64; 2]>,
    /// Whether steps follow.
    pub running: bool,
    /// Why training cannot go on.
    pub fault: Option<String>,
    /// What the generator or the decoder makes of codes.
    pub samples: Vec<Option<i32>>,
    /// What the discriminator makes of the plane.
    pub heat: Option<Heat>,
    /// What the autoencoder makes of the first points of the data.
    pub reconstructions: Option<Vec<Option<i32>>>,
    /// The means of their codes, the first two numbers of each.
    pub means: Option<Vec<Option<i32>>>,
    /// Losses by name.
    pub losses: Named,
    /// Norms of gradients by name.
    pub gradients: Named,
    /// What the samples cover.
    pub coverage: Option<Coverage>,
}

impl Frame {
    /// The frame as a line of JSON.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"fault\": \"{error}\"}}"))
    }
}

/// Numbers by name.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct Named(pub BTreeMap<&'static str, f64>);

impl Named {
    /// Those that there are.
    pub fn of<const N: usize>(values: [(&'static str, Option<f64>); N]) -> Named {
        Named(values.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

/// The discriminator's verdict on the cells of a grid, row by row from the bottom left.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heat {
    /// From 0 at `low` to 255 at `high`.
    pub cells: Vec<u8>,
    /// The lowest verdict.
    pub low: f32,
    /// The highest.
    pub high: f32,
    /// The verdict above which a point is taken for real; none where verdicts only compare.
    pub boundary: Option<f64>,
}

impl Heat {
    /// Of verdicts; those that are not finite count as the lowest.
    pub fn of(verdicts: &[f32], boundary: Option<f64>) -> Heat {
        let finite = || verdicts.iter().copied().filter(|verdict| verdict.is_finite());
        let (low, high) =
            (finite().reduce(f32::min).unwrap_or(0.0), finite().reduce(f32::max).unwrap_or(0.0));
        let span = f64::from(high) - f64::from(low);
        // A cast of what is out of range or not a number gives the nearest, or 0.
        let level = |verdict: f32| match span > 0.0 {
            true => ((f64::from(verdict) - f64::from(low)) / span * 255.0).round() as u8,
            false => 0,
        };
        let level = |verdict: &f32| if verdict.is_finite() { level(*verdict) } else { 0 };
        Heat { cells: verdicts.iter().map(level).collect(), low, high, boundary }
    }
}

/// Coordinates in thousandths, x and y by turns; what is no number is left out, what is far away is brought to a hundred.
pub fn thousandths(points: &[Point]) -> Vec<Option<i32>> {
    let whole = |x: f32| (!x.is_nan()).then(|| (x.clamp(-100.0, 100.0) * 1000.0).round() as i32);
    points.iter().flatten().map(|x| whole(*x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_reaches_from_its_lowest_to_its_highest() {
        let heat = Heat::of(&[-1.0, 0.0, 1.0, f32::NAN, f32::INFINITY], None);
        assert_eq!((heat.cells, heat.low, heat.high), (vec![0, 128, 255, 0, 0], -1.0, 1.0));
        assert_eq!(Heat::of(&[2.0, 2.0], None).cells, [0, 0]);
        assert_eq!(Heat::of(&[f32::NAN], None).high, 0.0);
        let wide = Heat::of(&[f32::MIN, f32::MAX], None);
        assert_eq!(wide.cells, [0, 255]);
    }

    #[test]
    fn coordinates_are_whole_and_bounded() {
        let points = [[0.1234, -0.5], [f32::NAN, f32::INFINITY]];
        assert_eq!(thousandths(&points), [Some(123), Some(-500), None, Some(100_000)]);
    }
}
