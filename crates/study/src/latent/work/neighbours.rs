//! The training images nearest to an image.

use crate::answer::Refusal;
use crate::latent::images::from_bytes;
use crate::latent::jobs::Progress;
use crate::latent::opened::Opened;
use serde::Deserialize;
use serde_json::{Value, json as object};

/// Images that are shown.
const SHOWN: usize = 6;
/// Images that are compared between two words of progress.
const PORTION: usize = 5000;

/// An image to find the neighbours of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    image: Vec<u8>,
}

/// A list of `{"index", "label", "distance", "image"}`, the nearest first. Distances are Euclidean over pixels in 0..1.
pub fn neighbours(opened: &Opened, wanted: Wanted, progress: &Progress) -> Result<Value, Refusal> {
    progress.say("reading the training images", 0, 0)?;
    let data = opened.data()?;
    let images = data.train.dataset();
    from_bytes(&wanted.image, images.shape())?;
    let size = wanted.image.len().max(1);
    // On the bytes themselves: exact, and without a copy of all images as numbers.
    let mut nearest: Vec<(u64, usize)> = Vec::new();
    for (index, image) in images.images().chunks_exact(size).enumerate() {
        if index % PORTION == 0 {
            progress.say("comparing with the training images", index, images.len())?;
        }
        let square = squares(image, &wanted.image);
        if nearest.len() < SHOWN || square < nearest[nearest.len() - 1].0 {
            let place = nearest.partition_point(|(other, _)| *other <= square);
            nearest.insert(place, (square, index));
            nearest.truncate(SHOWN);
        }
    }
    let show = |(square, index): (u64, usize)| {
        object!({
            "index": index,
            "label": images.labels()[index],
            "name": images.classes()[usize::from(images.labels()[index])],
            "distance": (square as f64).sqrt() / 255.0,
            "image": images.images()[index * size..][..size],
        })
    };
    Ok(nearest.into_iter().map(show).collect())
}

/// Σ (aᵢ − bᵢ)².
fn squares(a: &[u8], b: &[u8]) -> u64 {
    a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::squares;

    #[test]
    fn squares_are_exact() {
        assert_eq!(squares(&[0, 255, 3], &[255, 0, 1]), 2 * 65_025 + 4);
    }
}
