//! Attribute arithmetic: what sets the codes of one class apart from those of another, added to codes.
//!
//! Larsen et al.: Autoencoding beyond pixels using a learned similarity metric, 2015, <https://arxiv.org/abs/1512.09300>,
//! section 4.2; with words, Mikolov et al., 2013.

use wengert_tensor::{DType, Tensor, no_grad};

/// The mean of the codes `[N, code size]` with the label `to`, less that of those with the label `from`: `[1, code size]`
/// in f32. None where there is no code of one of them.
pub fn direction(codes: &Tensor, labels: &[i64], from: i64, to: i64) -> Option<Tensor> {
    no_grad(|| Some((mean(codes, labels, to)? - mean(codes, labels, from)?).to_dtype(DType::F32)))
}

/// The mean code of a label, in f64.
fn mean(codes: &Tensor, labels: &[i64], label: i64) -> Option<Tensor> {
    let rows: Vec<i64> =
        (0i64..).zip(labels).filter(|(_, found)| **found == label).map(|(row, _)| row).collect();
    let count = rows.len();
    let chosen = || codes.index_select(0, &Tensor::from_vec(rows, [count]));
    (count > 0).then(|| chosen().to_dtype(DType::F64).mean(&[0], true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_leads_from_mean_to_mean() {
        let codes = Tensor::from_slice(&[0f32, 0.0, 2.0, 4.0, 10.0, 10.0, 9.0, 9.0], [4, 2]);
        let labels = [3, 3, 8, 1];
        assert_eq!(direction(&codes, &labels, 3, 8).unwrap().to_vec::<f32>(), [9.0, 8.0]);
        assert_eq!(direction(&codes, &labels, 8, 3).unwrap().to_vec::<f32>(), [-9.0, -8.0]);
        assert!(direction(&codes, &labels, 3, 5).is_none());
    }
}
