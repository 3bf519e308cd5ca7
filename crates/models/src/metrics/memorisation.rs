//! Whether a model gives back the images it was trained on.

use super::distance::nearest;
use crate::pictures;
use crate::run::Picture;
use wengert_tensor::{DType, Tensor};

/// Samples beside the training images nearest to them.
#[derive(Debug, Clone)]
pub struct Memorisation {
    /// Row of the training image nearest to each sample.
    pub indices: Vec<usize>,
    /// Median Euclidean distance of a sample to the nearest training image, over the pixels.
    pub sample_distance: f64,
    /// The same of test images, which nobody can have memorised.
    pub test_distance: f64,
    /// Share of the samples that are nearer to a training image than all but one in a hundred test images are: about
    /// 0.01 for a perfect model, towards 1 for one that memorises. Blurred samples are near to everything.
    pub suspicious: f64,
}

impl Memorisation {
    /// Looks for the training image nearest to each sample and to each test image; all are `[N, C, H, W]`.
    pub fn look(samples: &Tensor, test: &Tensor, train: &Tensor) -> Memorisation {
        let train = train.flatten(1, -1);
        let [of_samples, of_test] = [samples, test].map(|images| nearest(&images.flatten(1, -1), &train));
        let mut test_squares = of_test.squares;
        test_squares.sort_by(f64::total_cmp);
        let near = test_squares[test_squares.len() / 100];
        let suspicious = of_samples.squares.iter().filter(|&&square| square < near).count();
        Memorisation {
            suspicious: suspicious as f64 / of_samples.squares.len() as f64,
            sample_distance: median(&of_samples.squares).sqrt(),
            test_distance: median(&test_squares).sqrt(),
            indices: of_samples.indices,
        }
    }

    /// Rows of the first `count` samples, each above the row of the training images nearest to them.
    pub fn picture(&self, samples: &Tensor, train: &Tensor, count: usize) -> Picture {
        let count = count.min(self.indices.len());
        let indices: Vec<i64> = self.indices[..count].iter().map(|&index| index as i64).collect();
        let neighbours = train.index_select(0, &Tensor::from_slice(&indices, count));
        pictures::pairs(&samples.narrow(0, 0, count).to_dtype(DType::F32), &neighbours)
    }
}

/// The median; of an even number the mean of the middle two.
///
/// # Panics
/// When there are no values.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which a share of all lie, on straight lines between neighbours, as NumPy's default has it.
///
/// # Panics
/// When there are no values, or `share` is not within 0 and 1.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    assert!(
        !values.is_empty() && (0.0..=1.0).contains(&share),
        "a quantile of nothing, or of a share of {share}"
    );
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::Generator;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(
            [0.0, 0.25, 0.75, 1.0].map(|share| quantile(&[0.0, 10.0, 20.0], share)),
            [0.0, 5.0, 15.0, 20.0]
        );
    }

    #[test]
    fn copies_are_noticed_and_fresh_images_are_not() {
        let rng = Generator::new(6);
        let images = |count: usize| rng.uniform([count, 1, 4, 4], 0.0, 1.0, DType::F32);
        let (train, test) = (images(300), images(200));
        let copies = train.narrow(0, 40, 30);
        let memorised = Memorisation::look(&copies, &test, &train);
        assert_eq!(memorised.indices, (40..70).collect::<Vec<_>>());
        assert!(memorised.sample_distance < 2e-3, "{memorised:?}");
        assert_eq!(memorised.suspicious, 1.0);
        let fresh = Memorisation::look(&images(200), &test, &train);
        assert!(
            fresh.suspicious < 0.1 && (fresh.sample_distance / fresh.test_distance - 1.0).abs() < 0.1,
            "{fresh:?}"
        );
        assert_eq!(memorised.picture(&copies, &train, 10).height(), 2 * 4 + 6);
    }
}
