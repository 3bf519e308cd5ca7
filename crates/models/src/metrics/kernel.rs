//! The kernel inception distance.

use super::likelihood::Mean;
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// The kernel inception distance of features `[N, D]` and `[M, D]`: the unbiased squared maximum mean discrepancy under
/// `k(x, y) = (xᵀy / D + 1)³`,
///
/// `Σ_{i≠j} k(xᵢ, xⱼ) / n(n−1) + Σ_{i≠j} k(yᵢ, yⱼ) / n(n−1) − 2 Σᵢⱼ k(xᵢ, yⱼ) / n²`,
///
/// averaged, with the standard error of the blocks, over disjoint blocks of n = `block` vectors of each (Bińkowski et al., 2018,
/// <https://arxiv.org/abs/1801.01401>). It may be below 0, and its expectation does not depend on the number of images. Which
/// vectors share a block is drawn: the halves of a test set may differ, and blocks in the order of the files would then be
/// further apart than the sets are.
///
/// # Panics
/// When there are not two vectors of each.
pub fn kernel_distance(first: &Tensor, second: &Tensor, block: usize, rng: &Generator) -> Mean {
    let count = first.dims()[0].min(second.dims()[0]);
    let block = block.min(count);
    assert!(block > 1, "an unbiased estimate takes at least two vectors of each");
    no_grad(|| {
        let [first, second] = [first, second]
            .map(|rows| rows.index_select(0, &rng.randperm(rows.dims()[0])).to_dtype(DType::F64));
        let values: Vec<f64> = (0..count / block)
            .map(|index| {
                let [x, y] = [&first, &second].map(|rows| rows.narrow(0, index * block, block));
                discrepancy(&x, &y)
            })
            .collect();
        Mean::of(&values)
    })
}

fn discrepancy(x: &Tensor, y: &Tensor) -> f64 {
    let n = x.dims()[0] as f64;
    let size = x.dims()[1] as f64;
    // The sum of the kernel over inner products.
    let sum = |products: Tensor| {
        let shifted = products * (1.0 / size) + 1.0;
        (&shifted.square() * &shifted).sum_all().item()
    };
    let others = |a: &Tensor| (sum(a.matmul(&a.t())) - sum(a.square().sum(&[1], false))) / (n * (n - 1.0));
    others(x) + others(y) - 2.0 * sum(x.matmul(&y.t())) / (n * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula as it stands, term by term.
    fn directly(x: &[Vec<f64>], y: &[Vec<f64>]) -> f64 {
        let kernel = |a: &[f64], b: &[f64]| {
            (a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / a.len() as f64 + 1.0).powi(3)
        };
        let n = x.len() as f64;
        let mut sum = 0.0;
        for i in 0..x.len() {
            for j in 0..x.len() {
                if i != j {
                    sum += (kernel(&x[i], &x[j]) + kernel(&y[i], &y[j])) / (n * (n - 1.0));
                }
                sum -= 2.0 * kernel(&x[i], &y[j]) / (n * n);
            }
        }
        sum
    }

    #[test]
    fn agrees_with_the_double_loop_in_each_block() {
        let rng = Generator::new(2);
        let x = rng.normal([13, 5], 0.0, 1.0, DType::F64);
        let y = rng.normal([12, 5], 0.5, 2.0, DType::F64);
        let draws = Generator::new(3);
        let [x_order, y_order] = [13, 12].map(|count| draws.randperm(count));
        let [x_drawn, y_drawn] = [x.index_select(0, &x_order), y.index_select(0, &y_order)];
        let rows = |tensor: &Tensor, from: usize, count: usize| -> Vec<Vec<f64>> {
            tensor.narrow(0, from, count).to_vec::<f64>().chunks(5).map(<[f64]>::to_vec).collect()
        };
        let whole = kernel_distance(&x, &y, 1000, &Generator::new(3));
        assert!((whole.mean - directly(&rows(&x_drawn, 0, 12), &rows(&y_drawn, 0, 12))).abs() < 1e-12);
        assert_eq!(whole.standard_error, 0.0);
        let blocks = kernel_distance(&x, &y, 6, &Generator::new(3));
        let [a, b] = [0, 6].map(|from| directly(&rows(&x_drawn, from, 6), &rows(&y_drawn, from, 6)));
        assert!((blocks.mean - (a + b) / 2.0).abs() < 1e-12);
        assert!((blocks.standard_error - (a - b).abs() / 2.0).abs() < 1e-12);
    }

    #[test]
    fn vanishes_between_samples_of_one_distribution() {
        let rng = Generator::new(4);
        let [x, y] = [0, 1].map(|_| rng.normal([4000, 4], 0.0, 1.0, DType::F32));
        let same = kernel_distance(&x, &y, 500, &rng);
        assert!(same.mean.abs() < 4.0 * same.standard_error, "{same:?}");
        let other = kernel_distance(&x, &(&y + 1.0), 500, &rng);
        assert!(other.mean > 20.0 * other.standard_error, "{other:?}");
    }

    /// The same two clusters in both sets, one after the other in the first and the other way round in the second.
    #[test]
    fn does_not_depend_on_the_order_of_the_files() {
        let rng = Generator::new(5);
        let cluster = |mean| rng.normal([1000, 4], mean, 1.0, DType::F32);
        let x = Tensor::cat(&[&cluster(-2.0), &cluster(2.0)], 0);
        let y = Tensor::cat(&[&cluster(2.0), &cluster(-2.0)], 0);
        let same = kernel_distance(&x, &y, 500, &rng);
        assert!(same.mean.abs() < 4.0 * same.standard_error, "{same:?}");
    }
}
