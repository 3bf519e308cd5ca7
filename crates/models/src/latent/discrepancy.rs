//! How far apart two samples of codes are, as losses: the maximum mean discrepancy of a kernel, and the sliced
//! Wasserstein distance. Both compare the codes that an encoder gives with codes drawn from the prior.

use serde::{Deserialize, Serialize};
use wengert_tensor::{DType, Generator, Tensor};

/// A positive definite function of two codes that falls with their distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// Inverse multiquadrics, C / (C + ‖a − b‖²), summed over C = 2·d·s with s = 0.1, 0.2, 0.5, 1, 2, 5, 10, where d is
    /// the size of a code: heavy tails, so that codes far from the prior still feel a pull (Tolstikhin et al., 2018).
    InverseMultiquadratic,
    /// exp(−‖a − b‖² / d). The code of Zhao et al., 2017, divides by d².
    Gaussian,
}

/// The s of [`Kernel::InverseMultiquadratic`].
const SCALES: [f64; 7] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

impl Kernel {
    /// The kernel of codes of size `size` at the given squared distances.
    fn at(self, squared_distances: &Tensor, size: usize) -> Tensor {
        match self {
            Kernel::InverseMultiquadratic => {
                let terms = SCALES.map(|scale| {
                    let base = 2.0 * size as f64 * scale;
                    base / (squared_distances + base)
                });
                terms.into_iter().reduce(|sum, term| sum + term).expect("there are scales")
            }
            Kernel::Gaussian => (squared_distances * (-1.0 / size as f64)).exp(),
        }
    }
}

/// ‖aᵢ − bⱼ‖² of the rows of `a`, `[n, d]`, and of `b`, `[m, d]`, as `[n, m]`.
fn squared_distances(a: &Tensor, b: &Tensor) -> Tensor {
    let squares = |codes: &Tensor| codes.square().sum(&[1], true);
    let distances = squares(a) + squares(b).t() - a.matmul(&b.t()) * 2.0;
    // Rounding can leave a distance of 0 just below it.
    distances.clamp(Some(0.0), None)
}

/// The squared maximum mean discrepancy of two samples of codes, `[n, d]` and `[m, d]`, n and m at least 2:
///
/// `mean_{i≠j} k(aᵢ, aⱼ) + mean_{i≠j} k(bᵢ, bⱼ) − 2·mean k(aᵢ, bⱼ)`
///
/// It is unbiased, so it may fall below 0 (Gretton et al., 2012, lemma 6). A sample of one has no pairs, and its mean
/// over them counts as 0.
pub fn maximum_mean_discrepancy(a: &Tensor, b: &Tensor, kernel: Kernel) -> Tensor {
    let size = a.dims()[1];
    let within = |codes: &Tensor| {
        let count = codes.dims()[0];
        let values = kernel.at(&squared_distances(codes, codes), size);
        let pairs = (count * count - count).max(1) as f64;
        (values.sum_all() - values.diagonal(0, 1).sum_all()) / pairs
    };
    within(a) + within(b) - kernel.at(&squared_distances(a, b), size).mean_all() * 2.0
}

/// `count` directions spread evenly over the sphere of dimension `size`, as the columns of `[size, count]`.
pub fn random_directions(size: usize, count: usize, rng: &Generator) -> Tensor {
    let normal = rng.normal([size, count], 0.0, 1.0, DType::F32);
    // The length of a normal vector is 0 only if every number drawn is.
    &normal / &(normal.norm(2.0, &[0], true) + f64::from(f32::MIN_POSITIVE))
}

/// The squared sliced 2-Wasserstein distance of two samples of codes of the same number, `[n, d]`: on each of the
/// directions, `[d, directions]`, both are projected and sorted, and the squared distances of the pairs of equal rank
/// are averaged (Kolouri et al., 2019).
pub fn sliced_wasserstein(a: &Tensor, b: &Tensor, directions: &Tensor) -> Tensor {
    let sorted = |codes: &Tensor| codes.matmul(directions).sort(0, false).0;
    (sorted(a) - sorted(b)).square().mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::autograd::{Check, gradcheck};

    /// The discrepancy by its definition, one pair at a time.
    fn by_pairs(a: &[[f64; 3]], b: &[[f64; 3]], kernel: impl Fn(f64) -> f64) -> f64 {
        let k = |a: &[f64; 3], b: &[f64; 3]| kernel(a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum());
        let (n, m) = (a.len(), b.len());
        let mut sums = [0.0; 3];
        for i in 0..n {
            sums[0] += (0..n).filter(|&j| j != i).map(|j| k(&a[i], &a[j])).sum::<f64>();
            sums[2] += (0..m).map(|j| k(&a[i], &b[j])).sum::<f64>();
        }
        for i in 0..m {
            sums[1] += (0..m).filter(|&j| j != i).map(|j| k(&b[i], &b[j])).sum::<f64>();
        }
        sums[0] / (n * (n - 1)) as f64 + sums[1] / (m * (m - 1)) as f64 - 2.0 * sums[2] / (n * m) as f64
    }

    fn tensor(rows: &[[f64; 3]]) -> Tensor {
        Tensor::from_slice(&rows.concat(), [rows.len(), 3]).requires_grad_(true)
    }

    const A: [[f64; 3]; 4] = [[0.0, 1.0, 2.0], [0.5, -1.0, 0.3], [1.5, 0.2, -0.7], [-2.0, 0.1, 0.4]];
    const B: [[f64; 3]; 3] = [[1.0, 1.0, 1.0], [-0.5, 2.0, 0.0], [0.3, 0.3, -1.2]];

    #[test]
    fn the_discrepancy_is_the_sum_over_pairs() {
        let multiquadratic = |squared: f64| {
            [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0].iter().map(|s| 6.0 * s / (6.0 * s + squared)).sum()
        };
        for (kernel, expected) in [
            (Kernel::InverseMultiquadratic, by_pairs(&A, &B, multiquadratic)),
            (Kernel::Gaussian, by_pairs(&A, &B, |squared| (-squared / 3.0).exp())),
        ] {
            let found = maximum_mean_discrepancy(&tensor(&A), &tensor(&B), kernel).item();
            assert!((found - expected).abs() < 1e-12, "{kernel:?}: {found} {expected}");
            let loss = |inputs: &[Tensor]| maximum_mean_discrepancy(&inputs[0], &inputs[1], kernel);
            let report = gradcheck(loss, &[tensor(&A), tensor(&B)], Check::default()).unwrap();
            assert!(report.passed(), "{report:?}");
        }
    }

    #[test]
    fn the_discrepancy_tells_a_shifted_sample_from_an_equal_one() {
        let rng = Generator::new(3);
        let draw = |shift| rng.normal([200, 8], shift, 1.0, DType::F32);
        for kernel in [Kernel::InverseMultiquadratic, Kernel::Gaussian] {
            let equal = maximum_mean_discrepancy(&draw(0.0), &draw(0.0), kernel).item();
            let shifted = maximum_mean_discrepancy(&draw(0.5), &draw(0.0), kernel).item();
            assert!(shifted > 10.0 * equal.abs(), "{kernel:?}: {equal} {shifted}");
        }
        let one = maximum_mean_discrepancy(&draw(0.0).narrow(0, 0, 1), &draw(0.0), Kernel::Gaussian);
        assert!(one.item().is_finite());
    }

    #[test]
    fn slices_pair_equal_ranks() {
        // Sorted: −1, 2, 5 and 0, 3, 3: squared differences 1, 1 and 4, on any direction of a line.
        let a = Tensor::from_slice(&[2.0f32, -1.0, 5.0], [3, 1]);
        let b = Tensor::from_slice(&[3.0f32, 3.0, 0.0], [3, 1]);
        let directions = random_directions(1, 4, &Generator::new(0));
        assert_eq!(directions.square().to_vec::<f32>(), [1.0; 4]);
        assert_eq!(sliced_wasserstein(&a, &b, &directions).item(), 2.0);
        // On the axes of the plane: (1, 0) → 0 and 1 against 2 and 4, (0, 1) → 0 and 3 against 1 and 1.
        let a = Tensor::from_slice(&[0.0, 3.0, 1.0, 0.0], [2, 2]).requires_grad_(true);
        let b = Tensor::from_slice(&[4.0, 1.0, 2.0, 1.0], [2, 2]);
        let loss = |inputs: &[Tensor]| sliced_wasserstein(&inputs[0], &b, &Tensor::eye(2, DType::F64));
        assert_eq!(loss(std::slice::from_ref(&a)).item(), (4.0 + 9.0 + 1.0 + 4.0) / 4.0);
        assert!(gradcheck(loss, &[a], Check::default()).unwrap().passed());
    }

    #[test]
    fn directions_lie_on_the_sphere_and_the_distance_of_a_shift_is_known() {
        let rng = Generator::new(1);
        let directions = random_directions(5, 4000, &rng);
        assert!(
            directions.norm(2.0, &[0], false).to_vec::<f32>().iter().all(|norm| (norm - 1.0).abs() < 1e-5)
        );
        // A sample moved by a vector v: the mean over directions of (θ·v)² is ‖v‖²/d.
        let a = rng.normal([50, 5], 0.0, 1.0, DType::F32);
        let shift = Tensor::from_slice(&[1.0f32, -2.0, 0.0, 0.5, 2.0], [1, 5]);
        let distance = sliced_wasserstein(&(&a + &shift), &a, &directions).item();
        assert!((distance - 9.25 / 5.0).abs() < 0.1, "{distance}");
    }
}
