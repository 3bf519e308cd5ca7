//! The Fréchet distance between Gaussians that are fitted to features.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use wengert_tensor::{DType, Tensor, no_grad};

/// Eigenvalues of a correlation matrix up to this are 0 but for rounding.
const SINGULAR: f64 = 1e-9;

/// A normal distribution fitted to vectors, in f64.
#[derive(Debug, Clone)]
pub struct Gaussian {
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

/// The directions in which vectors differ most.
#[derive(Debug, Clone)]
pub struct PrincipalComponents {
    /// Vectors of length 1 at right angles, the first of the largest variance: f64 `[count, D]`.
    pub directions: Tensor,
    /// The variance along each.
    pub variances: Vec<f64>,
    /// The variance in all directions together.
    pub total: f64,
}

impl Gaussian {
    /// The `count` directions of the largest variance. The largest number of each is positive, so that the same vectors
    /// give the same directions.
    ///
    /// # Panics
    /// When there are fewer directions than that.
    pub fn principal_components(&self, count: usize) -> PrincipalComponents {
        let size = self.mean.len();
        assert!(count <= size, "vectors of {size} numbers have no {count} principal components");
        let SymmetricEigen { eigenvectors, eigenvalues } = self.covariance.clone().symmetric_eigen();
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|&one, &other| eigenvalues[other].total_cmp(&eigenvalues[one]));
        order.truncate(count);
        let direction = |&column: &usize| {
            let vector = eigenvectors.column(column);
            let sign = vector[vector.iamax()].signum();
            vector.iter().map(|value| sign * value).collect::<Vec<f64>>()
        };
        PrincipalComponents {
            directions: Tensor::from_vec(order.iter().flat_map(direction).collect(), [count, size]),
            variances: order.iter().map(|&column| eigenvalues[column].max(0.0)).collect(),
            total: self.covariance.trace(),
        }
    }

    /// The mean and the unbiased covariance of the rows of `[N, D]`.
    ///
    /// # Panics
    /// When there are fewer than two rows.
    pub fn fit(rows: &Tensor) -> Gaussian {
        let [count, size] = rows.dims()[..] else { panic!("a Gaussian is fitted to the rows of a matrix") };
        assert!(count > 1, "a covariance takes at least two vectors, not {count}");
        no_grad(|| {
            let rows = rows.to_dtype(DType::F64);
            let mean = rows.mean(&[0], true);
            let centred = &rows - &mean;
            let covariance = centred.t().matmul(&centred) * (1.0 / (count - 1) as f64);
            Gaussian {
                mean: DVector::from_vec(mean.to_vec::<f64>()),
                covariance: DMatrix::from_vec(size, size, covariance.to_vec::<f64>()),
            }
        })
    }

    /// The squared Fréchet (Wasserstein-2) distance of two Gaussians,
    ///
    /// `‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2·(Σ₁^½ Σ₂ Σ₁^½)^½)`.
    ///
    /// With the features of a classifier it is the FID of Heusel et al., 2017, <https://arxiv.org/abs/1706.08500>. The
    /// product under the root is the symmetric form of their Σ₁Σ₂, with the same trace of its root, so that a symmetric
    /// eigen-solver does and no imaginary part has to be thrown away.
    pub fn frechet_distance(&self, other: &Gaussian) -> f64 {
        let root = square_root(&self.covariance);
        let product = &root * &other.covariance * &root;
        let shared: f64 = product.symmetric_eigenvalues().iter().map(|&value| value.max(0.0).sqrt()).sum();
        let traces = self.covariance.trace() + other.covariance.trace();
        ((&self.mean - &other.mean).norm_squared() + traces - 2.0 * shared).max(0.0)
    }

    /// The total correlation of the Gaussian, in nats: `½ (Σᵢ ln Σᵢᵢ − ln det Σ)`, which is 0 where the components are
    /// independent. Components whose variance is below `floor` are left out, because nothing depends on a constant; `None`
    /// where others give one of them without error: the total correlation is infinite then.
    pub fn total_correlation(&self, floor: f64) -> Option<f64> {
        let kept: Vec<usize> =
            (0..self.mean.len()).filter(|&index| self.covariance[(index, index)] > floor).collect();
        let correlation = DMatrix::from_fn(kept.len(), kept.len(), |row, column| {
            let (row, column) = (kept[row], kept[column]);
            let scale = (self.covariance[(row, row)] * self.covariance[(column, column)]).sqrt();
            self.covariance[(row, column)] / scale
        });
        let eigenvalues = correlation.symmetric_eigenvalues();
        let regular = eigenvalues.iter().all(|&value| value > SINGULAR);
        regular.then(|| -0.5 * eigenvalues.iter().map(|value| value.ln()).sum::<f64>())
    }
}

/// The symmetric root of a symmetric matrix without negative eigenvalues but for rounding.
fn square_root(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let SymmetricEigen { eigenvectors, eigenvalues } = matrix.clone().symmetric_eigen();
    let roots = DMatrix::from_diagonal(&eigenvalues.map(|value| value.max(0.0).sqrt()));
    &eigenvectors * roots * eigenvectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::Generator;

    fn gaussian(mean: &[f64], covariance: &[f64]) -> Gaussian {
        let size = mean.len();
        Gaussian {
            mean: DVector::from_row_slice(mean),
            covariance: DMatrix::from_row_slice(size, size, covariance),
        }
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{value} is not {expected}");
    }

    #[test]
    fn gaussians_have_their_distance_in_closed_form() {
        // Diagonal covariances commute: ‖μ₁ − μ₂‖² + Σ (σ₁ − σ₂)².
        let a = gaussian(&[1.0, 0.0, 2.0], &[4.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.25]);
        let b = gaussian(&[0.0, 2.0, 2.0], &[1.0, 0.0, 0.0, 0.0, 16.0, 0.0, 0.0, 0.0, 1.0]);
        close(a.frechet_distance(&b), 5.0 + 1.0 + 1.0 + 0.25);
        close(b.frechet_distance(&a), 7.25);
        assert!(a.frechet_distance(&a) < 1e-12);
        // Turning the axes of both changes nothing: these are diag(9, 1) and diag(1, 9), turned by 45°.
        let (a, b) =
            (gaussian(&[0.0; 2], &[5.0, 4.0, 4.0, 5.0]), gaussian(&[0.0; 2], &[5.0, -4.0, -4.0, 5.0]));
        close(a.frechet_distance(&b), 8.0);
        // Covariances that do not commute: for two dimensions tr √M = √(tr M + 2 √det M), with M of the trace and
        // determinant of Σ₁Σ₂.
        let (a, b) =
            (gaussian(&[0.0; 2], &[2.0, 1.0, 1.0, 3.0]), gaussian(&[0.0; 2], &[4.0, -1.0, -1.0, 1.0]));
        let (trace, determinant) = (2.0 * 4.0 - 1.0 - 1.0 + 3.0, 5.0 * 3.0f64);
        close(a.frechet_distance(&b), 10.0 - 2.0 * (trace + 2.0 * determinant.sqrt()).sqrt());
        // A covariance without full rank has a root all the same.
        close(
            gaussian(&[0.0; 2], &[1.0, 1.0, 1.0, 1.0]).frechet_distance(&gaussian(&[0.0; 2], &[0.0; 4])),
            2.0,
        );
    }

    #[test]
    fn principal_components_come_by_their_variance() {
        // diag(1, 9) turned by 45°.
        let found = gaussian(&[0.0; 2], &[5.0, 4.0, 4.0, 5.0]).principal_components(2);
        close(found.variances[0], 9.0);
        close(found.variances[1], 1.0);
        close(found.total, 10.0);
        let directions = found.directions.to_vec::<f64>();
        let half = 0.5f64.sqrt();
        close(directions[0], half);
        close(directions[1], half);
        close(directions[2].abs(), half);
        close(directions[2] + directions[3], 0.0);
    }

    #[test]
    fn fits_the_moments_of_rows() {
        let rows = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 6.0, 5.0, 1.0], [3, 2]);
        let fitted = Gaussian::fit(&rows);
        assert_eq!(fitted.mean.as_slice(), [3.0, 3.0]);
        // Deviations (−2, −1), (0, 3), (2, −2), over N − 1 = 2.
        assert_eq!(fitted.covariance.as_slice(), [4.0, -1.0, -1.0, 7.0]);
    }

    #[test]
    fn samples_of_a_gaussian_come_near_its_distance() {
        let rng = Generator::new(3);
        let a = rng.normal([20_000, 3], 0.0, 1.0, DType::F64);
        let b = rng.normal([20_000, 3], 2.0, 3.0, DType::F64);
        let distance = Gaussian::fit(&a).frechet_distance(&Gaussian::fit(&b));
        assert!((distance - 3.0 * (4.0 + 4.0)).abs() < 0.5, "{distance}");
    }

    #[test]
    fn total_correlation_of_two_correlated_numbers() {
        // −½ ln(1 − ρ²) with ρ = 0.6, and a third component that never changes.
        let correlated = gaussian(&[0.0; 3], &[4.0, 1.2, 0.0, 1.2, 1.0, 0.0, 0.0, 0.0, 0.0]);
        close(correlated.total_correlation(1e-6).unwrap(), -0.5 * 0.64f64.ln());
        close(gaussian(&[0.0; 2], &[4.0, 0.0, 0.0, 9.0]).total_correlation(1e-6).unwrap(), 0.0);
        let twice = gaussian(&[0.0; 2], &[1.0, -1.0, -1.0, 1.0]);
        assert_eq!(twice.total_correlation(1e-6), None);
    }
}
