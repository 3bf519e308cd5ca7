//! MNIST-M: MNIST's digits blended with pieces of colour photographs (Ganin et al., 2016, arXiv:1505.07818).
//!
//! Each channel of a pixel is |photograph − digit|, over a 28×28 piece of a photograph of BSDS500 cut at random. The
//! published set was cut from other crops of the same photographs, so this one is of its kind, not its bytes.

use crate::catalogue::Split;
use crate::dataset::ImageDataset;
use crate::error::{Error, Result};
use crate::load::load_images;
use crate::places::Places;
use crate::random;
use wengert_cpu::rng::Position;

/// Seed of the cuts. It is fixed, because it decides what the data set is.
const SEED: u64 = 0;

/// The images of a split; the digit of each is that of MNIST's image of the same number.
pub(crate) fn make(split: Split, places: &Places) -> Result<ImageDataset> {
    let digits = load_images("mnist", split, places)?;
    // The photographs have no split; the digits and the places of the cuts differ.
    let photographs = load_images("bsds500-crops", split, places)?;
    blend("mnist-m", &digits, &photographs)
}

/// Grey `digits` on pieces of `photographs` in colour: |piece − digit| in each channel.
fn blend(name: &str, digits: &ImageDataset, photographs: &ImageDataset) -> Result<ImageDataset> {
    let ([_, height, width], [channels, high, wide]) = (digits.shape(), photographs.shape());
    if high < height || wide < width || digits.shape()[0] != 1 {
        let found = format!("{:?} for digits of {:?}", photographs.shape(), digits.shape());
        return Err(Error::argument("photographs", found, "photographs no smaller than the grey digits"));
    }
    let stream = random::BACKGROUNDS.wrapping_add(u64::from(digits.split() == Split::Test));
    let cuts = Position { seed: SEED, stream, offset: 0 };
    let mut images = Vec::with_capacity(digits.len() * channels * height * width);
    for index in 0..digits.len() {
        let words = cuts.block(index as u64).map(|word| word as usize);
        let photograph = photographs.image(words[0] % photographs.len());
        let (top, left) = (words[1] % (high - height + 1), words[2] % (wide - width + 1));
        for plane in photograph.chunks_exact(high * wide) {
            let rows = plane.chunks_exact(wide).skip(top);
            for (row, digit) in rows.zip(digits.image(index).chunks_exact(width)) {
                images.extend(row[left..].iter().zip(digit).map(|(&back, &pixel)| back.abs_diff(pixel)));
            }
        }
    }
    let labels = digits.labels().to_vec();
    let shape = [channels, height, width];
    ImageDataset::new(name, digits.split(), shape, images, labels, digits.classes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::owned;

    fn images(split: Split, shape: [usize; 3], bytes: Vec<u8>) -> ImageDataset {
        let count = bytes.len() / shape.iter().product::<usize>();
        ImageDataset::new("made", split, shape, bytes, vec![0; count], owned(&["one"])).unwrap()
    }

    #[test]
    fn a_pixel_is_the_distance_of_digit_and_photograph_in_each_channel() {
        // Photographs of one colour, so that the place of the cut makes no difference.
        let photographs = images(Split::Train, [3, 4, 4], [[10; 16], [200; 16], [255; 16]].concat());
        let digits = images(Split::Train, [1, 1, 2], vec![0, 255]);
        let blended = blend("x", &digits, &photographs).unwrap();
        assert_eq!(blended.shape(), [3, 1, 2]);
        assert_eq!(blended.image(0), [10, 245, 200, 55, 255, 0]);
    }

    #[test]
    fn cuts_lie_anywhere_in_the_photograph_and_are_the_same_each_time() {
        let photographs = images(Split::Train, [1, 3, 4], (0..12).collect());
        let of = |split| blend("x", &images(split, [1, 2, 2], vec![0; 4 * 600]), &photographs).unwrap();
        let train = of(Split::Train);
        let mut corners: Vec<u8> = (0..600).map(|index| train.image(index)[0]).collect();
        assert!((0..600).all(|index| train.image(index)[3] == corners[index] + 5));
        assert_eq!(train, of(Split::Train));
        assert_ne!(train.images(), of(Split::Test).images());
        corners.sort_unstable();
        corners.dedup();
        assert_eq!(corners, [0, 1, 2, 4, 5, 6]);
    }

    #[test]
    fn photographs_smaller_than_digits_are_refused() {
        let digits = images(Split::Train, [1, 5, 5], vec![0; 25]);
        assert!(blend("x", &digits, &images(Split::Train, [3, 4, 9], vec![0; 108])).is_err());
    }
}
