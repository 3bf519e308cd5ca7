//! Distances between many vectors, by one matrix product for each portion of them.

use wengert_tensor::{DType, Tensor, no_grad};

/// Distances held at a time.
const PORTION: usize = 1 << 21;

/// Calls `visit` with the number and the squared Euclidean distances of each row of `from` `[N, D]` to all rows of `to`
/// `[M, D]`, in order.
///
/// Distances are `‖a‖² + ‖b‖² − 2·aᵀb`, taken from the middle of `to` so that little cancels, and never below 0.
pub fn for_each_row(from: &Tensor, to: &Tensor, mut visit: impl FnMut(usize, &[f64])) {
    no_grad(|| {
        let centre = to.mean(&[0], true);
        let (from, to) = (from - &centre, to - &centre);
        let columns = to.t();
        let to_norms = to.square().sum(&[1], false).unsqueeze(0);
        let (count, others) = (from.dims()[0], to.dims()[0]);
        let portion = (PORTION / others.max(1)).max(1);
        for start in (0..count).step_by(portion) {
            let rows = from.narrow(0, start, portion.min(count - start));
            let norms = rows.square().sum(&[1], true);
            let squares = (rows.matmul(&columns) * -2.0 + &to_norms + &norms).clamp(Some(0.0), None);
            let squares = squares.to_dtype(DType::F64).to_vec::<f64>();
            squares.chunks_exact(others).enumerate().for_each(|(row, squares)| visit(start + row, squares));
        }
    });
}

/// The nearest other vector of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// Its row.
    pub indices: Vec<usize>,
    /// Its squared distance.
    pub squares: Vec<f64>,
}

/// The nearest row of `to` for each row of `from`; of equals the first.
///
/// # Panics
/// When `to` has no rows.
pub fn nearest(from: &Tensor, to: &Tensor) -> Nearest {
    let mut found = Nearest { indices: Vec::new(), squares: Vec::new() };
    for_each_row(from, to, |_, squares| {
        let best = squares.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
        let (index, &square) = best.expect("there is a row to be near to");
        found.indices.push(index);
        found.squares.push(square);
    });
    found
}

/// The squared distance of each row to its `k`-th nearest other row of the same matrix.
///
/// # Panics
/// When there are not more than `k` rows, or `k` is 0.
pub fn neighbour_squares(rows: &Tensor, k: usize) -> Vec<f64> {
    assert!(k > 0 && rows.dims()[0] > k, "{k} neighbours take more than {k} vectors");
    let mut radii = Vec::new();
    let mut others = Vec::new();
    for_each_row(rows, rows, |row, squares| {
        others.clear();
        others
            .extend(squares.iter().enumerate().filter(|(index, _)| *index != row).map(|(_, square)| *square));
        let (_, radius, _) = others.select_nth_unstable_by(k - 1, f64::total_cmp);
        radii.push(*radius);
    });
    radii
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::Generator;

    #[test]
    fn agrees_with_differences() {
        let rng = Generator::new(1);
        let (a, b) = (rng.normal([300, 7], 3.0, 1.0, DType::F32), rng.normal([40, 7], 3.0, 1.0, DType::F32));
        let (left, right) = (a.to_vec::<f32>(), b.to_vec::<f32>());
        let mut rows = 0;
        for_each_row(&a, &b, |row, squares| {
            for (other, square) in squares.iter().enumerate() {
                let pairs = left[row * 7..][..7].iter().zip(&right[other * 7..][..7]);
                let direct: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
                assert!((square - direct).abs() < 1e-4, "{square} {direct}");
            }
            rows += 1;
        });
        assert_eq!(rows, 300);
    }

    #[test]
    fn neighbours_on_a_line() {
        let line = Tensor::from_slice(&[0.0f64, 1.0, 3.0, 7.0], [4, 1]);
        assert_eq!(neighbour_squares(&line, 1), [1.0, 1.0, 4.0, 16.0]);
        assert_eq!(neighbour_squares(&line, 2), [9.0, 4.0, 9.0, 36.0]);
        let found = nearest(&Tensor::from_slice(&[6.0f64, -2.0, 2.0], [3, 1]), &line);
        assert_eq!(found, Nearest { indices: vec![3, 0, 1], squares: vec![1.0, 4.0, 1.0] });
    }
}
