//! Means over the guesses of a classifier: what images without labels can teach it.

use wengert_tensor::Tensor;

/// Σ_y p_y·v_y, both `[N, classes]`: a mean per image.
pub(super) fn expected(probabilities: &Tensor, values: &Tensor) -> Tensor {
    (probabilities * values).sum(&[1], false).mean_all()
}

/// The entropy of probabilities `[N, classes]` in nats: a mean per image.
pub(super) fn entropy(probabilities: &Tensor) -> Tensor {
    // The bound keeps 0·ln 0 a number, in the gradient too.
    -expected(probabilities, &probabilities.clamp(Some(1e-8), None).log())
}

/// ‖p − p′‖² of two guesses `[N, classes]` at the same images: a mean per image.
pub(super) fn disagreement(guess: &Tensor, again: &Tensor) -> Tensor {
    (guess - again).square().sum(&[1], false).mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &Tensor, expected: f64) {
        assert!((found.item() - expected).abs() < 1e-5, "{found} {expected}");
    }

    #[test]
    fn means_over_classes_by_hand() {
        let shares = Tensor::from_slice(&[0.125f32, 0.25, 0.625, 0.0, 1.0, 0.0], [2, 3]);
        let values = Tensor::from_slice(&[1f32, 2.0, 4.0, 5.0, 6.0, 7.0], [2, 3]);
        close(&expected(&shares, &values), (0.125 + 0.5 + 2.5 + 6.0) / 2.0);
        let first = -(0.125 * 0.125f64.ln() + 0.25 * 0.25f64.ln() + 0.625 * 0.625f64.ln());
        close(&entropy(&shares), first / 2.0);
        let other = Tensor::from_slice(&[0.125f32, 0.5, 0.375, 0.0, 0.0, 1.0], [2, 3]);
        close(&disagreement(&shares, &other), (2.0 / 16.0 + 2.0) / 2.0);
    }
}
