//! Images of the second domain, beside those of the first.

use crate::{Dataset, Result};
use wengert_data::{Loader, Position};
use wengert_tensor::{DType, Reduction, Tensor};

/// Labelled images. The labels of the target domain serve to measure only.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// f32 `[N, C, H, W]` in 0..1.
    pub images: Tensor,
    /// i64 `[N]`.
    pub labels: Tensor,
}

/// The target domain's images.
#[derive(Debug)]
pub struct Targets {
    train: Loader,
    test: Loader,
    /// An epoch and the order of its images, made once for all its steps.
    order: (u64, Vec<usize>),
}

impl Targets {
    /// The second domain of the data.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(data: &Dataset) -> Result<Targets> {
        let target = data.target()?;
        let (train, test) = (target.train.clone(), target.test.clone());
        let order = (0, train.order(0));
        Ok(Targets { train, test, order })
    }

    /// The batch of a step: the target images are gone through in an order of their own, however many the source has.
    pub fn of_step(&mut self, step: u64) -> Labelled {
        let batches = self.train.batches_per_epoch();
        let position = Position { epoch: step / batches, batch: step % batches };
        if self.order.0 != position.epoch {
            self.order = (position.epoch, self.train.order(position.epoch));
        }
        let size = self.train.options().batch_size;
        let rest = &self.order.1[position.batch as usize * size..];
        let indices = &rest[..size.min(rest.len())];
        Labelled { images: self.train.images(indices, position), labels: self.train.labels(indices) }
    }

    /// The test images of the same numbers as those of a batch of the source; from the first on again where the target
    /// has fewer.
    pub fn beside(&self, indices: &[usize]) -> Labelled {
        let count = self.test.dataset().len();
        let indices: Vec<usize> = indices.iter().map(|index| index % count).collect();
        Labelled {
            images: self.test.images(&indices, Position::default()),
            labels: self.test.labels(&indices),
        }
    }
}

/// The share of rows whose largest logit is that of the label.
pub fn accuracy(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.detach().argmax(1, false).eq(labels).to_dtype(DType::F32).mean_all()
}

/// Cross-entropy of domain logits `[N, 1]`, 1 for the source and 0 for the target, with the share that is told rightly.
pub fn domain_loss(logits: &Tensor, sources: usize) -> (Tensor, Tensor) {
    let count = logits.dims()[0];
    let ones = Tensor::ones([sources, 1], DType::F32);
    let domains = Tensor::cat(&[&ones, &Tensor::zeros([count - sources, 1], DType::F32)], 0);
    let told = logits.detach().gt_scalar(0.0).to_dtype(DType::F32).eq(&domains).to_dtype(DType::F32);
    (logits.binary_cross_entropy_with_logits(&domains, Reduction::Mean), told.mean_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_told_by_the_sign_of_the_logit() {
        // The source's logits come first: 2 and -1; then the target's: -3.
        let logits = Tensor::from_slice(&[2.0f32, -1.0, -3.0], [3, 1]);
        let (loss, share) = domain_loss(&logits, 2);
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        let expected = (softplus(-2.0) + softplus(1.0) + softplus(-3.0)) / 3.0;
        assert!((loss.item() - expected).abs() < 1e-6);
        assert!((share.item() - 2.0 / 3.0).abs() < 1e-6);
        let labels = Tensor::from_slice(&[0i64, 1], 2);
        let logits = Tensor::from_slice(&[1.0f32, 0.0, 3.0, 2.0], [2, 2]);
        assert_eq!(accuracy(&logits, &labels).item(), 0.5);
    }
}
