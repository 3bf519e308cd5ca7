//! A data set on a device, as bytes.

use crate::batch::Loader;
use crate::pixels::Binarisation;
use wengert_tensor::Tensor;

/// All images of a [`Loader`] on the default device, a byte a pixel, and how a byte becomes a number. A batch is picked from
/// them without the host.
#[derive(Clone, Debug)]
pub struct Resident {
    /// u8, N×C×H×W.
    pictures: Tensor,
    /// i64, N.
    labels: Tensor,
    /// f32, C×256.
    levels: Tensor,
}

impl Resident {
    /// Copies the images; `None` where each step draws its own bits of them ([`Binarisation::Dynamic`]).
    ///
    /// # Panics
    /// When the device has no memory for them.
    pub fn new(loader: &Loader) -> Option<Resident> {
        let (dataset, binarisation) = (loader.dataset(), loader.options().binarisation);
        if matches!(binarisation, Binarisation::Dynamic { .. }) {
            return None;
        }
        let (count, [channels, height, width]) = (dataset.len(), dataset.shape());
        let pictures = Tensor::build([count, channels, height, width], |out: &mut [u8]| {
            for (index, out) in out.chunks_exact_mut(dataset.pixels()).enumerate() {
                out.copy_from_slice(dataset.image(index));
                // Only a dynamic binarisation asks for the step and the row.
                binarisation.apply(out, index as u64, 0, 0);
            }
        });
        let all: Vec<usize> = (0..count).collect();
        let levels = loader.levels().concat();
        Some(Resident {
            pictures,
            labels: loader.labels(&all),
            levels: Tensor::from_slice(&levels, [channels, 256]),
        })
    }

    /// The images of these numbers, i64 `[B]`, as f32 B×C×H×W, with the bits of [`Loader::images`], and their labels.
    ///
    /// # Panics
    /// When a number is not below the number of images.
    pub fn batch(&self, numbers: &Tensor) -> (Tensor, Tensor) {
        (self.pictures.index_pixels(numbers, &self.levels), self.labels.index_select(0, numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchOptions, ImageDataset, Position, Split};
    use std::sync::Arc;

    #[test]
    fn a_batch_has_the_bits_of_the_loader() {
        let pixels: Vec<u8> = (0..5 * 12).map(|i| (i * 37 % 256) as u8).collect();
        let classes = ["a", "b"].map(String::from).to_vec();
        let images =
            ImageDataset::new("some", Split::Train, [3, 2, 2], pixels, vec![0, 1, 1, 0, 1], classes).unwrap();
        let images = Arc::new(images);
        for binarisation in [Binarisation::None, Binarisation::Threshold(90), Binarisation::Static { seed: 3 }] {
            let options = BatchOptions { binarisation, ..BatchOptions::default() };
            let loader = Loader::new(images.clone(), options).unwrap();
            let numbers = [4, 0, 4];
            let resident = Resident::new(&loader).unwrap();
            let (found, labels) = resident.batch(&Tensor::from_slice(&[4i64, 0, 4], 3));
            let expected = loader.images(&numbers, Position::default());
            assert_eq!(found.dims(), expected.dims());
            assert_eq!(found.to_vec::<f32>(), expected.to_vec::<f32>());
            assert_eq!(labels.to_vec::<i64>(), [1, 0, 1]);
        }
        let binarisation = Binarisation::Dynamic { seed: 3 };
        let options = BatchOptions { binarisation, ..BatchOptions::default() };
        assert!(Resident::new(&Loader::new(images, options).unwrap()).is_none());
    }
}
