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

    /// Contrast of codes `[N, L]`: ‖a − b‖² for pairs of one speaker, and what a distance of two is short of the margin,
    /// (margin − ‖a − b‖²)⁺.
    pub fn contrast(&self, codes: &Tensor, margin: f64) -> Tensor {
        let distances = (codes.unsqueeze(1) - codes.unsqueeze(0)).square().sum(&[2], false);
        let [same, different] = self.means(&distances, &(margin - &distances).relu());
        same + different
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images 0 and 2 are of one speaker: the pairs (0, 2) and (2, 0), against (0, 1), (1, 0), (1, 2) and (2, 1).
    fn pairs() -> Pairs {
        Pairs::new(&Tensor::from_slice(&[4i64, 1, 4], 3))
    }

    #[test]
    fn contrast_pulls_one_speaker_together_and_pushes_two_apart() {
        let pairs = pairs();
        let codes = Tensor::from_slice(&[0.0f32, 0.0, 1.0, 0.0, 0.0, 3.0], [3, 2]);
        // Squared distances: 0–1 is 1, 0–2 is 9, 1–2 is 10; the margin is 4.
        assert!((pairs.contrast(&codes, 4.0).item() - (9.0 + (3.0 + 0.0) / 2.0)).abs() < 1e-6);
    }

    #[test]
    fn a_mean_is_over_the_images_of_one_speaker() {
        let pairs = pairs();
        let codes = Tensor::from_slice(&[1.0f32, 5.0, 2.0], [3, 1]);
        assert_eq!(pairs.mean_of_speaker(&codes).to_vec::<f32>(), [1.5, 5.0, 1.5]);
    }

    #[test]
    fn a_batch_of_one_speaker_has_no_pairs_of_two() {
        let pairs = Pairs::new(&Tensor::from_slice(&[1i64, 1], 2));
        let codes = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 2.0], [2, 2]);
        assert_eq!(pairs.contrast(&codes, 100.0).item(), 4.0);
    }
}
