//! What a classifier learns from samples alone.

use super::classifier::{Classifier, ClassifierOptions, ClassifierProgress};
use super::inception::{agreement, predictions};
use crate::Result;
use std::sync::Arc;
use wengert_data::{ImageDataset, Split};
use wengert_tensor::Tensor;

/// The accuracy on test images of a LeNet that was trained on samples `[N, C, H, W]` in 0..1 and their labels: the
/// classification accuracy score of Ravuri and Vinyals, 2019, <https://arxiv.org/abs/1905.10887>. It is low where
/// samples are of poor quality, where they do not show what was asked for, and where whole parts of the data are absent.
///
/// # Errors
/// Those of [`Classifier::train`].
pub fn accuracy_from_samples(
    samples: &Tensor,
    labels: &[i64],
    test: &Tensor,
    test_labels: &[i64],
    classes: usize,
    options: &ClassifierOptions,
    observer: &mut dyn FnMut(ClassifierProgress),
) -> Result<f64> {
    let dims = samples.dims();
    let bytes = samples.to_vec::<f32>().iter().map(|value| (value * 255.0).round() as u8).collect();
    let labels = labels.iter().map(|&label| label as u8).collect();
    let names = (0..classes).map(|class| class.to_string()).collect();
    let shape = [dims[1], dims[2], dims[3]];
    let set = ImageDataset::new("samples", Split::Train, shape, bytes, labels, names)?;
    let student = Classifier::train(&Arc::new(set), options, observer)?;
    Ok(agreement(&predictions(&student.judge(test).logits), test_labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::{DType, Generator};

    #[test]
    fn right_labels_teach_and_wrong_ones_mislead() {
        let rng = Generator::new(1);
        let labels: Vec<i64> = (0..128).map(|index| index % 2).collect();
        let sides: Vec<f32> = labels
            .iter()
            .flat_map(|&label| (0..144).map(move |pixel| if (pixel % 12 / 6) == label { 0.7 } else { 0.0 }))
            .collect();
        let images = || {
            let noise = rng.uniform([128, 1, 12, 12], 0.0, 0.3, DType::F32);
            &noise + &Tensor::from_slice(&sides, [128, 1, 12, 12])
        };
        let options = ClassifierOptions { width: 4, epochs: 8, batch: 32, ..ClassifierOptions::default() };
        let accuracy = |samples: &[i64]| {
            accuracy_from_samples(&images(), samples, &images(), &labels, 2, &options, &mut |_| ()).unwrap()
        };
        assert!(accuracy(&labels) > 0.98);
        let wrong: Vec<i64> = labels.iter().map(|label| 1 - label).collect();
        assert!(accuracy(&wrong) < 0.02);
    }
}
