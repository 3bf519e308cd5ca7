//! t-SNE: a map on which neighbours stay neighbours, while far and farther mean little.
//!
//! With p(j|i) ∝ exp(−‖xᵢ − xⱼ‖² / 2σᵢ²), where σᵢ gives the distribution the wanted perplexity, pᵢⱼ = (p(j|i) + p(i|j)) / 2N
//! and qᵢⱼ ∝ 1 / (1 + ‖yᵢ − yⱼ‖²), the places y descend KL(p ‖ q), whose gradient is
//! 4 Σⱼ (pᵢⱼ − qᵢⱼ)(yᵢ − yⱼ) / (1 + ‖yᵢ − yⱼ‖²). All pairs are computed, so the work of a step grows with N².
//!
//! Van der Maaten and Hinton: Visualizing Data using t-SNE, 2008, <https://jmlr.org/papers/v9/vandermaaten08a.html>: momentum
//! 0.5, later 0.8, gains by the signs of steps, early exaggeration. Its factor 12 and the step length N / 12 are those of
//! Belkina et al., 2019, <https://doi.org/10.1038/s41467-019-13055-y>.

use crate::metrics::distance::for_each_row;
use wengert_tensor::{DType, Tensor};

/// How a map is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TsneOptions {
    /// About how many neighbours a vector has; lowered to a third of the vectors where there are few.
    pub perplexity: f64,
    /// Steps of the descent, the first quarter of them with exaggeration.
    pub steps: usize,
}

impl Default for TsneOptions {
    fn default() -> Self {
        Self { perplexity: 30.0, steps: 500 }
    }
}

/// Deviation of the places that the descent begins at.
const START: f64 = 1e-4;
const EXAGGERATION: f64 = 12.0;
const LEAST_GAIN: f64 = 0.01;
/// Halvings in the search for a σ.
const HALVINGS: usize = 60;

/// The places of vectors `[N, D]` on the map. The descent begins at `start`, two coordinates a vector, such as those of the
/// first principal components, at a much smaller scale. `observer` is shown the number of each step and the places, and ends the
/// descent by `false`: then there is no map.
///
/// # Panics
/// When `start` has not N places.
pub fn t_sne(
    vectors: &Tensor,
    start: &[[f64; 2]],
    options: &TsneOptions,
    observer: &mut dyn FnMut(usize, &[[f64; 2]]) -> bool,
) -> Option<Vec<[f64; 2]>> {
    let count = vectors.dims()[0];
    assert_eq!(start.len(), count, "a place for each vector");
    if count < 4 {
        return Some(start.to_vec());
    }
    let shares = joint(vectors, options.perplexity.min((count - 1) as f64 / 3.0));
    let spread = (start.iter().flatten().map(|value| value * value).sum::<f64>() / (2 * count) as f64).sqrt();
    let mut places: Vec<[f64; 2]> =
        start.iter().map(|place| place.map(|value| value * START / spread.max(f64::MIN_POSITIVE))).collect();
    let mut moves = vec![[0.0f64; 2]; count];
    let mut gains = vec![[1.0f64; 2]; count];
    let rate = (count as f64 / EXAGGERATION).max(50.0);
    for step in 0..options.steps {
        let is_early = step < options.steps / 4;
        let (exaggeration, momentum) = if is_early { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
        let slopes = slopes(&shares, &places, exaggeration);
        for (((place, slope), motion), gain) in places.iter_mut().zip(&slopes).zip(&mut moves).zip(&mut gains)
        {
            for axis in 0..2 {
                let goes_on = slope[axis] * motion[axis] < 0.0;
                gain[axis] = if goes_on { gain[axis] + 0.2 } else { (gain[axis] * 0.8).max(LEAST_GAIN) };
                motion[axis] = momentum * motion[axis] - rate * gain[axis] * slope[axis];
                place[axis] += motion[axis];
            }
        }
        if !observer(step, &places) {
            return None;
        }
    }
    Some(places)
}

/// pᵢⱼ of all pairs, row by row.
fn joint(vectors: &Tensor, perplexity: f64) -> Vec<f64> {
    let vectors = vectors.to_dtype(DType::F64);
    let count = vectors.dims()[0];
    let mut conditional = Vec::with_capacity(count * count);
    for_each_row(&vectors, &vectors, |row, squares| conditional.extend(neighbours(row, squares, perplexity)));
    let pair = |index: usize| {
        let (row, column) = (index / count, index % count);
        (conditional[index] + conditional[column * count + row]) / (2 * count) as f64
    };
    (0..count * count).map(pair).collect()
}

/// p(j|i) of one vector: the precision 1 / 2σ² is halved or doubled, then bisected, until the entropy is that of the perplexity.
fn neighbours(own: usize, squares: &[f64], perplexity: f64) -> Vec<f64> {
    let nearest = squares
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != own)
        .map(|(_, square)| *square)
        .fold(f64::INFINITY, f64::min);
    let weights = |precision: f64| -> Vec<f64> {
        // Less the nearest, so that no row is all zeros.
        let weight = |(other, square): (usize, &f64)| {
            if other == own { 0.0 } else { (-precision * (square - nearest)).exp() }
        };
        let weights: Vec<f64> = squares.iter().enumerate().map(weight).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    };
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..HALVINGS {
        let entropy: f64 =
            weights(precision).iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum();
        if (entropy - perplexity.ln()).abs() < 1e-4 {
            break;
        }
        if entropy > perplexity.ln() {
            low = precision;
            precision = if high.is_finite() { (low + high) / 2.0 } else { precision * 2.0 };
        } else {
            high = precision;
            precision = (low + high) / 2.0;
        }
    }
    weights(precision)
}

/// The gradient at each place.
fn slopes(shares: &[f64], places: &[[f64; 2]], exaggeration: f64) -> Vec<[f64; 2]> {
    let count = places.len();
    let closeness = |a: [f64; 2], b: [f64; 2]| 1.0 / (1.0 + (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2));
    let mut total = 0.0;
    for (index, place) in places.iter().enumerate() {
        total += places[index + 1..].iter().map(|other| 2.0 * closeness(*place, *other)).sum::<f64>();
    }
    let mut slopes = vec![[0.0; 2]; count];
    for one in 0..count {
        for other in one + 1..count {
            let (a, b) = (places[one], places[other]);
            let close = closeness(a, b);
            let force = 4.0 * (exaggeration * shares[one * count + other] - close / total) * close;
            for axis in 0..2 {
                let pull = force * (a[axis] - b[axis]);
                slopes[one][axis] += pull;
                slopes[other][axis] -= pull;
            }
        }
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::Generator;

    #[test]
    fn groups_stay_together_and_apart() {
        let rng = Generator::new(5);
        // Three groups in ten dimensions, mixed up with each other in order.
        let noise = rng.normal([60, 10], 0.0, 0.3, DType::F32).to_vec::<f32>();
        let values =
            (0..600).map(|index| noise[index] + if index % 10 == index / 10 % 3 { 5.0 } else { 0.0 });
        let vectors = Tensor::from_vec(values.collect(), [60, 10]);
        let start: Vec<[f64; 2]> = rng
            .normal([60, 2], 0.0, 1.0, DType::F64)
            .to_vec::<f64>()
            .chunks(2)
            .map(|place| [place[0], place[1]])
            .collect();
        let mut steps = 0;
        let map = t_sne(&vectors, &start, &TsneOptions { perplexity: 10.0, steps: 300 }, &mut |_, _| {
            steps += 1;
            true
        });
        let map = map.unwrap();
        assert_eq!(steps, 300);
        let square = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
        for one in 0..60 {
            let nearest = (0..60)
                .filter(|&other| other != one)
                .min_by(|&a, &b| square(map[one], map[a]).total_cmp(&square(map[one], map[b])));
            assert_eq!(nearest.unwrap() % 3, one % 3);
        }
    }

    #[test]
    fn slopes_are_those_of_the_divergence() {
        let rng = Generator::new(6);
        let shares = joint(&rng.normal([8, 3], 0.0, 1.0, DType::F64), 2.0);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let mut places: Vec<[f64; 2]> = rng
            .normal([8, 2], 0.0, 1.0, DType::F64)
            .to_vec::<f64>()
            .chunks(2)
            .map(|place| [place[0], place[1]])
            .collect();
        let divergence = |places: &[[f64; 2]]| {
            let close = |index: usize| {
                let (a, b) = (places[index / 8], places[index % 8]);
                if index / 8 == index % 8 {
                    0.0
                } else {
                    1.0 / (1.0 + (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2))
                }
            };
            let total: f64 = (0..64).map(close).sum();
            (0..64)
                .filter(|&index| shares[index] > 0.0)
                .map(|index| shares[index] * (shares[index] * total / close(index)).ln())
                .sum::<f64>()
        };
        let found = slopes(&shares, &places, 1.0);
        for place in 0..8 {
            for axis in 0..2 {
                let mut at = |by: f64| {
                    places[place][axis] += by;
                    let value = divergence(&places);
                    places[place][axis] -= by;
                    value
                };
                let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (difference - found[place][axis]).abs() < 1e-6,
                    "{difference} {}",
                    found[place][axis]
                );
            }
        }
    }

    #[test]
    fn who_looks_on_can_end_it() {
        let vectors = Generator::new(7).normal([10, 3], 0.0, 1.0, DType::F32);
        let mut last = 0;
        let map = t_sne(&vectors, &[[0.0, 1.0]; 10], &TsneOptions::default(), &mut |step, _| {
            last = step;
            step < 3
        });
        assert_eq!((map, last), (None, 3));
    }
}
