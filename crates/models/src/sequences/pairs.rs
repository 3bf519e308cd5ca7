//! Losses over all pairs of a batch: of one speaker, or of two.

use wengert_tensor::{DType, Tensor};

/// Which pairs (i, j) of different images of a batch are of one speaker and which of two, as f32 `[N, N]` that add up to
/// 1 each, or to 0 where there is no such pair: one weighs as much as the other however many there are.
#[derive(Debug, Clone)]
pub struct Pairs {
    same: Tensor,
    different: Tensor,
    /// Each image's share in the mean over the images of its speaker, itself among them, `[N, N]`.
    within: Tensor,
}

impl Pairs {
    /// Of the speakers of a batch, i64 `[N]`.
    pub fn new(speakers: &Tensor) -> Pairs {
        let count = speakers.dims()[0];
        let equal = speakers.unsqueeze(1).eq(&speakers.unsqueeze(0)).to_dtype(DType::F32);
        let share = |mask: Tensor| {
            let pairs = mask.sum_all().item();
            mask / pairs.max(1.0)
        };
        Pairs {
            same: share(&equal - Tensor::eye(count, DType::F32)),
            different: share(1.0 - &equal),
            within: &equal / equal.sum(&[1], true),
        }
    }

    /// For each image the mean of the codes `[N, L]` of its speaker's images in the batch.
    pub fn mean_of_speaker(&self, codes: &Tensor) -> Tensor {
        self.within.matmul(codes)
    }

    /// Mean of `same` over the pairs of one speaker, and of `different` over those of two; both `[N, N]`.
    fn means(&self, same: &Tensor, different: &Tensor) -> [Tensor; 2] {
        [(same * &self.same).sum_all(), (different * &self.different).sum_all()]
    }

    /// What a discriminator of pairs descends, by its logits `[N, N]`, above 0 for one speaker: half of the mean of
    /// softplus(−d) over pairs of one speaker plus half of that of softplus(d) over pairs of two.
    pub fn discrimination(&self, logits: &Tensor) -> Tensor {
        let [same, different] = self.means(&(-logits).softplus(), &logits.softplus());
        (same + different) * 0.5
    }

    /// Shares of the pairs of one speaker, and of two, that the logits tell.
    pub fn accuracies(&self, logits: &Tensor) -> [Tensor; 2] {
        let logits = logits.detach();
        let share = |right: Tensor| right.to_dtype(DType::F32);
        self.means(&share(logits.gt_scalar(0.0)), &share(logits.le_scalar(0.0)))
    }

    /// What an encoder descends that wants a discriminator not to know: the cross-entropy to one half,
    /// ½·softplus(d) + ½·softplus(−d), least at d = 0, where it is ln 2.
    pub fn confusion(&self, logits: &Tensor) -> Tensor {
        let each = (logits.softplus() + (-logits).softplus()) * 0.5;
        let [same, different] = self.means(&each, &each);
        (same + different) * 0.5
    }

    /// Contrast of codes `[N, L]`: ‖a − b‖² for pairs of one speaker, and what a distance of two is short of the margin,
    /// (margin − ‖a − b‖²)⁺.
    pub fn contrast(&self, codes: &Tensor, margin: f64) -> Tensor {
        let distances = squared_distances(codes);
        let [same, different] = self.means(&distances, &(margin - &distances).relu());
        same + different
    }
}

/// ‖a − b‖² of all pairs of codes `[N, L]`: `[N, N]`.
pub fn squared_distances(codes: &Tensor) -> Tensor {
    (codes.unsqueeze(1) - codes.unsqueeze(0)).square().sum(&[2], false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn softplus(x: f64) -> f64 {
        (1.0 + x.exp()).ln()
    }

    /// Images 0 and 2 are of one speaker: the pairs (0, 2) and (2, 0), against (0, 1), (1, 0), (1, 2) and (2, 1).
    fn setting() -> (Pairs, Tensor) {
        let logits = Tensor::from_slice(&[9.0f32, 1.0, 2.0, -1.0, 9.0, 0.5, -3.0, 0.25, 9.0], [3, 3]);
        (Pairs::new(&Tensor::from_slice(&[4i64, 1, 4], 3)), logits)
    }

    #[test]
    fn pairs_are_weighed_by_hand() {
        let (pairs, logits) = setting();
        let same = (softplus(-2.0) + softplus(3.0)) / 2.0;
        let different = (softplus(1.0) + softplus(-1.0) + softplus(0.5) + softplus(0.25)) / 4.0;
        assert!((pairs.discrimination(&logits).item() - (same + different) / 2.0).abs() < 1e-6);
        assert_eq!(pairs.accuracies(&logits).map(|share| share.item()), [0.5, 0.25]);
    }

    #[test]
    fn confusion_is_least_where_nothing_is_known() {
        let (pairs, logits) = setting();
        assert!((pairs.confusion(&(&logits * 0.0)).item() - 2f64.ln()).abs() < 1e-6);
        let both = |x: f64| (softplus(x) + softplus(-x)) / 2.0;
        let expected =
            ((both(2.0) + both(3.0)) / 2.0 + (both(1.0) + both(1.0) + both(0.5) + both(0.25)) / 4.0) / 2.0;
        assert!((pairs.confusion(&logits).item() - expected).abs() < 1e-6);
    }

    #[test]
    fn contrast_pulls_one_speaker_together_and_pushes_two_apart() {
        let (pairs, _) = setting();
        let codes = Tensor::from_slice(&[0.0f32, 0.0, 1.0, 0.0, 0.0, 3.0], [3, 2]);
        // Squared distances: 0–1 is 1, 0–2 is 9, 1–2 is 10; the margin is 4.
        assert!((pairs.contrast(&codes, 4.0).item() - (9.0 + (3.0 + 0.0) / 2.0)).abs() < 1e-6);
    }

    #[test]
    fn a_mean_is_over_the_images_of_one_speaker() {
        let (pairs, _) = setting();
        let codes = Tensor::from_slice(&[1.0f32, 5.0, 2.0], [3, 1]);
        assert_eq!(pairs.mean_of_speaker(&codes).to_vec::<f32>(), [1.5, 5.0, 1.5]);
    }

    #[test]
    fn a_batch_of_one_speaker_has_no_pairs_of_two() {
        let pairs = Pairs::new(&Tensor::from_slice(&[1i64, 1], 2));
        let logits = Tensor::zeros([2, 2], DType::F32);
        assert!((pairs.discrimination(&logits).item() - 2f64.ln() / 2.0).abs() < 1e-6);
    }
}
