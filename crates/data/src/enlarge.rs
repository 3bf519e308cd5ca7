//! Images brought to the shape of a larger data set, so that one network reads both.

use crate::dataset::ImageDataset;
use crate::error::{Error, Result};

impl ImageDataset {
    /// The same images in a larger shape: sides by bilinear interpolation between the centres of pixels (as PyTorch's
    /// `interpolate` with `align_corners=False`), rounded to the nearest byte; a grey channel is repeated.
    ///
    /// # Errors
    /// When `shape` is smaller in a side, or has another number of channels than these images and they are not grey.
    pub fn enlarged(self, shape: [usize; 3]) -> Result<Self> {
        let ([channels, height, width], [new_channels, high, wide]) = (self.shape(), shape);
        if shape == self.shape() {
            return Ok(self);
        }
        if high < height || wide < width || (new_channels != channels && channels != 1) {
            let expected = format!(
                "sides of at least {height} × {width} and {}",
                if channels == 1 {
                    "any number of channels".to_owned()
                } else {
                    format!("{channels} channels")
                }
            );
            return Err(Error::argument("new shape", format!("{shape:?}"), expected));
        }
        let (rows, columns) = (taps(height, high), taps(width, wide));
        let mut images = Vec::with_capacity(self.len() * shape.iter().product::<usize>());
        for plane in self.images().chunks_exact(height * width) {
            let start = images.len();
            for row in &rows {
                images.extend(columns.iter().map(|column| {
                    let along = |line: usize| {
                        column.mix(plane[line * width + column.low], plane[line * width + column.high])
                    };
                    // Half is added, because a cast cuts.
                    (row.mix(along(row.low), along(row.high)) + 0.5) as u8
                }));
            }
            for _ in channels..new_channels {
                images.extend_from_within(start..start + high * wide);
            }
        }
        let labels = self.labels().to_vec();
        let new = Self::new(self.name(), self.split(), shape, images, labels, self.classes().to_vec())?;
        match self.groups() {
            Some(groups) => new.with_groups(groups.clone()),
            None => Ok(new),
        }
    }
}

/// The two old pixels that a new one lies between, along an axis, and how far it is from the lower one.
struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

impl Tap {
    fn mix(&self, low: impl Into<f32>, high: impl Into<f32>) -> f32 {
        let (low, high) = (low.into(), high.into());
        low + (high - low) * self.weight
    }
}

/// Where each of `new` pixels lies among `old` ones: the ends of the axis, not the outer pixels' centres, coincide.
fn taps(old: usize, new: usize) -> Vec<Tap> {
    let tap = |index: usize| {
        let place = ((index as f32 + 0.5) * old as f32 / new as f32 - 0.5).max(0.0);
        let low = (place as usize).min(old - 1);
        Tap { low, high: (low + 1).min(old - 1), weight: place - low as f32 }
    };
    (0..new).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Split;
    use crate::dataset::{Groups, owned};
    use wengert_tensor::{DType, Generator, Resize, Tensor};

    #[test]
    fn sides_grow_as_the_engine_interpolates() {
        let bytes: Vec<u8> = Generator::new(1)
            .uniform([2 * 16 * 10], 0.0, 255.99, DType::F32)
            .to_vec::<f32>()
            .iter()
            .map(|&x| x as u8)
            .collect();
        let images =
            ImageDataset::new("x", Split::Test, [1, 16, 10], bytes.clone(), vec![0, 1], owned(&["a", "b"]))
                .unwrap();
        let grown = images.enlarged([1, 28, 28]).unwrap();
        let floats = Tensor::from_vec(bytes.iter().map(|&x| f32::from(x)).collect(), [2, 1, 16, 10]);
        let expected = floats.upsample_bilinear2d(Resize::Size([28, 28]), false).to_vec::<f32>();
        assert_eq!((grown.shape(), grown.labels()), ([1, 28, 28], &[0u8, 1][..]));
        for (index, (&byte, value)) in grown.images().iter().zip(&expected).enumerate() {
            assert!((f32::from(byte) - value).abs() < 0.501, "pixel {index}: {byte} for {value}");
        }
    }

    #[test]
    fn grey_is_repeated_and_groups_are_kept() {
        let groups = Groups { of: vec![1], names: owned(&["a", "b"]) };
        let image = ImageDataset::new("x", Split::Train, [1, 1, 2], vec![7, 9], vec![0], owned(&["one"]))
            .and_then(|image| image.with_groups(groups.clone()))
            .unwrap();
        let colour = image.enlarged([3, 1, 2]).unwrap();
        assert_eq!(colour.image(0), [7, 9, 7, 9, 7, 9]);
        assert_eq!(colour.groups(), Some(&groups));
        assert!(colour.clone().enlarged([4, 1, 2]).is_err());
        assert!(colour.enlarged([3, 1, 1]).unwrap_err().to_string().contains("1 × 2"));
    }
}
