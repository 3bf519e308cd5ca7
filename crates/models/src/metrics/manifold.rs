//! Precision, recall, density and coverage: how samples lie among real vectors.

use super::distance::{for_each_row, neighbour_squares};
use wengert_tensor::{DType, Tensor};

/// How two sets of vectors lie in each other. B(x) is the closed ball around x that reaches to its k-th nearest
/// neighbour of its own set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manifold {
    /// Share of the samples that lie in the ball of any real vector: are they realistic?
    pub precision: f64,
    /// Share of the real vectors that lie in the ball of any sample: is everything made?
    pub recall: f64,
    /// Mean over the samples of the number of real balls they lie in, over k; an outlier among the real vectors, with
    /// its great ball, weighs little. May exceed 1.
    pub density: f64,
    /// Share of the real vectors whose ball holds any sample.
    pub coverage: f64,
}

impl Manifold {
    /// Compares samples `[M, D]` with real vectors `[N, D]`, with `k` neighbours.
    ///
    /// Precision and recall after Kynkäänniemi et al., 2019, <https://arxiv.org/abs/1904.06991>; density and coverage
    /// after Naeem et al., 2020, <https://arxiv.org/abs/2002.09797>, who recommend k = 5.
    ///
    /// # Panics
    /// When either set has not more than `k` vectors, or `k` is 0.
    pub fn compare(real: &Tensor, samples: &Tensor, k: usize) -> Manifold {
        let [real, samples] = [real, samples].map(|rows| rows.to_dtype(DType::F64));
        let (real_radii, sample_radii) = (neighbour_squares(&real, k), neighbour_squares(&samples, k));
        let mut balls = vec![0usize; sample_radii.len()];
        let (mut recalled, mut covered) = (0usize, 0usize);
        for_each_row(&real, &samples, |row, squares| {
            let radius = real_radii[row];
            let (mut is_recalled, mut is_covered) = (false, false);
            for ((square, reach), balls) in squares.iter().zip(&sample_radii).zip(&mut balls) {
                let inside = *square <= radius;
                *balls += usize::from(inside);
                is_covered |= inside;
                is_recalled |= square <= reach;
            }
            recalled += usize::from(is_recalled);
            covered += usize::from(is_covered);
        });
        let (real, samples) = (real_radii.len() as f64, sample_radii.len() as f64);
        Manifold {
            precision: balls.iter().filter(|&&balls| balls > 0).count() as f64 / samples,
            recall: recalled as f64 / real,
            density: balls.iter().sum::<usize>() as f64 / (k as f64 * samples),
            coverage: covered as f64 / real,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::Generator;

    fn line(points: &[f64]) -> Tensor {
        Tensor::from_slice(points, [points.len(), 1])
    }

    #[test]
    fn points_on_a_line_by_hand() {
        // k = 1. Radii of the real points 0, 1, 3, 10: 1, 1, 2, 7. Radii of the samples 0.5, 2.5, 4, 30: 2, 1.5, 1.5, 26.
        let compared = Manifold::compare(&line(&[0.0, 1.0, 3.0, 10.0]), &line(&[0.5, 2.5, 4.0, 30.0]), 1);
        // 0.5 lies in the balls of 0 and 1; 2.5 in that of 3; 4 in those of 3 and 10; 30 in none.
        assert_eq!(compared.precision, 3.0 / 4.0);
        assert_eq!(compared.density, 5.0 / 4.0);
        // 0, 1 lie in the ball of 0.5, 3 in those of 2.5 and 4, 10 in that of 30.
        assert_eq!(compared.recall, 1.0);
        // 10 reaches to 4, so every ball holds a sample.
        assert_eq!(compared.coverage, 1.0);
    }

    #[test]
    fn an_outlier_spoils_precision_but_not_density() {
        // Naeem et al., figure 3a: a single real outlier, whose ball takes in samples far from all other real points.
        let real = line(&[0.0, 0.1, 0.2, 0.3, 100.0]);
        let samples = line(&[40.0, 50.0, 60.0, 70.0]);
        let compared = Manifold::compare(&real, &samples, 2);
        assert_eq!(compared.precision, 1.0);
        assert_eq!(compared.density, 4.0 / (2.0 * 4.0));
        assert_eq!(compared.coverage, 1.0 / 5.0);
        // And their figure 3b: great balls of few samples recall everything, while coverage does not let them.
        let (real, samples) = (line(&[1.0, 2.0, 3.0, 4.0, 5.0]), line(&[-20.0, 3.2, 30.0]));
        let compared = Manifold::compare(&real, &samples, 1);
        assert_eq!(compared.recall, 1.0);
        assert_eq!(compared.coverage, 2.0 / 5.0);
    }

    #[test]
    fn two_samples_of_one_distribution_agree() {
        // Naeem et al., section 3.3: the expected coverage of identical distributions is 1 − (1/2)^k in the limit.
        let rng = Generator::new(9);
        let [real, samples] = [0, 1].map(|_| rng.normal([1500, 3], 0.0, 1.0, DType::F32));
        let compared = Manifold::compare(&real, &samples, 5);
        assert!((compared.density - 1.0).abs() < 0.08, "{compared:?}");
        assert!((compared.coverage - 31.0 / 32.0).abs() < 0.02, "{compared:?}");
        let apart = Manifold::compare(&real, &(&samples + 50.0), 5);
        assert_eq!(apart, Manifold { precision: 0.0, recall: 0.0, density: 0.0, coverage: 0.0 });
    }
}
