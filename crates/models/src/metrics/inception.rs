//! The inception score, and shares of classes.

use wengert_tensor::{DType, Tensor, no_grad};

/// The inception score `exp(E_x KL(p(y|x) ‖ p(y)))` of a classifier's logits `[N, classes]`, over all N at once: 1 where
/// every image looks the same to the classifier, the number of classes where each image is surely of one and all are
/// equally frequent (Salimans et al., 2016, <https://arxiv.org/abs/1606.03498>).
pub fn inception_score(logits: &Tensor) -> f64 {
    no_grad(|| {
        let logarithms = logits.to_dtype(DType::F64).log_softmax(1);
        let probabilities = logarithms.exp();
        let marginal = probabilities.mean(&[0], true).clamp(Some(f64::MIN_POSITIVE), None).log();
        // 0·ln 0 is 0: a probability that underflows has a finite logarithm here, so the product vanishes by itself.
        let divergence = (&probabilities * &(&logarithms - &marginal)).sum(&[1], false);
        divergence.mean_all().item().exp()
    })
}

/// The share of each class among labels.
///
/// # Panics
/// When a label is not below `classes`.
pub fn class_histogram(labels: &[i64], classes: usize) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts.into_iter().map(|count| count as f64 / labels.len().max(1) as f64).collect()
}

/// The class of the highest logit in each row of `[N, classes]`.
pub fn predictions(logits: &Tensor) -> Vec<i64> {
    no_grad(|| logits.argmax(1, false).to_vec::<i64>())
}

/// The share of places where two lists of labels agree.
///
/// # Panics
/// When the lists differ in length.
pub fn agreement(found: &[i64], wanted: &[i64]) -> f64 {
    assert_eq!(found.len(), wanted.len(), "labels are compared one by one");
    let equal = found.iter().zip(wanted).filter(|(found, wanted)| found == wanted).count();
    equal as f64 / wanted.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_between_one_and_the_number_of_classes() {
        let uniform = Tensor::full([20, 10], 0.3, DType::F32);
        assert!((inception_score(&uniform) - 1.0).abs() < 1e-12);
        // One image surely of each class.
        let one_hot = Tensor::eye(10, DType::F32) * 1e4;
        assert!((inception_score(&one_hot) - 10.0).abs() < 1e-9, "{}", inception_score(&one_hot));
        // All surely of the same class: the mean equals each.
        let collapsed = one_hot.narrow(0, 3, 1).expand([7, 10]);
        assert!((inception_score(&collapsed) - 1.0).abs() < 1e-12);
        // Two images, (3/4, 1/4) and (1/4, 3/4): exp(ln 2 − H(3/4)).
        let logits = Tensor::from_slice(&[3f64.ln(), 0.0, 0.0, 3f64.ln()], [2, 2]);
        let entropy = -(0.75 * 0.75f64.ln() + 0.25 * 0.25f64.ln());
        assert!((inception_score(&logits) - (2f64.ln() - entropy).exp()).abs() < 1e-12);
    }

    #[test]
    fn labels_are_counted_and_compared() {
        assert_eq!(class_histogram(&[0, 2, 2, 1], 4), [0.25, 0.25, 0.5, 0.0]);
        assert_eq!(predictions(&Tensor::from_slice(&[0.1f32, 0.7, 0.2, 3.0, -1.0, 2.0], [2, 3])), [1, 0]);
        assert_eq!(agreement(&[1, 2, 3, 4], &[1, 0, 3, 0]), 0.5);
    }
}
