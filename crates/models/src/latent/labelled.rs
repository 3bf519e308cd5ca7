//! The few labelled images that semi-supervised training is shown.

use crate::{Dataset, Error, Result};
use wengert_data::Position;
use wengert_tensor::{Generator, PadMode, Tensor};

/// Labelled images, the same number of each class.
#[derive(Debug)]
pub struct Labelled {
    /// `[count, channels, height, width]`.
    images: Tensor,
    /// `[count]`.
    labels: Tensor,
}

impl Labelled {
    /// The first `count` training images of `data` that are evenly many of each class.
    ///
    /// # Errors
    /// When there are too few images of a class, or the count is not a multiple of the number of classes; `key` is the
    /// option that gave the count.
    pub fn new(data: &Dataset, count: usize, key: &str) -> Result<Labelled> {
        let classes = data.image_set().classes;
        let indices = first_of_each_class(data.train.dataset().labels(), count, classes)
            .map_err(|detail| Error::Range { key: key.into(), detail })?;
        Ok(Labelled::of(data.train.images(&indices, Position::default()), data.train.labels(&indices)))
    }

    /// These images with their labels.
    pub fn of(images: Tensor, labels: Tensor) -> Labelled {
        Labelled { images, labels }
    }

    /// Draws so many, and as many as there are at most, each moved up to `shift` pixels along both sides.
    pub fn draw(&self, count: usize, shift: usize, rng: &Generator) -> (Tensor, Tensor) {
        let all = self.labels.numel();
        let chosen = rng.randint(0, all as i64, count.min(all));
        (shifted(&self.images.index_select(0, &chosen), shift, rng), self.labels.index_select(0, &chosen))
    }
}

/// The first indices of each class, `count` in all, class by class, or what is wrong with the count.
fn first_of_each_class(
    labels: &[u8],
    count: usize,
    classes: usize,
) -> std::result::Result<Vec<usize>, String> {
    if !count.is_multiple_of(classes) {
        return Err(format!("is {count}; it must be a multiple of {classes}, the number of classes"));
    }
    let mut indices = Vec::with_capacity(count);
    for class in 0..classes {
        let of_class = labels.iter().enumerate().filter(|&(_, &label)| usize::from(label) == class);
        indices.extend(of_class.map(|(index, _)| index).take(count / classes));
        if indices.len() < (class + 1) * (count / classes) {
            return Err(format!("is {count}; there are too few images of class {class} for that"));
        }
    }
    Ok(indices)
}

/// Images each moved by −`distance` to `distance` pixels along both sides, drawn evenly; zeros move in.
fn shifted(images: &Tensor, distance: usize, rng: &Generator) -> Tensor {
    if distance == 0 {
        return images.clone();
    }
    let &[count, channels, height, width] = images.dims() else {
        panic!("images must be [count, channels, height, width], not {:?}", images.dims());
    };
    let margin = distance as isize;
    let framed = images.pad(&[(0, 0), (0, 0), (margin, margin), (margin, margin)], PadMode::Constant(0.0));
    let breadth = width + 2 * distance;
    let plane = breadth * (height + 2 * distance);
    let corners = rng.randint(0, 2 * distance as i64 + 1, [count, 2]).to_vec::<i64>();
    let mut places = Vec::with_capacity(images.numel());
    for (image, corner) in corners.chunks(2).enumerate() {
        for channel in 0..channels {
            let start = (image * channels + channel) * plane;
            for row in 0..height {
                let first = (start + (row + corner[0] as usize) * breadth + corner[1] as usize) as i64;
                places.extend(first..first + width as i64);
            }
        }
    }
    let places = Tensor::from_slice(&places, places.len());
    framed.flatten(0, -1).index_select(0, &places).reshape(images.dims())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn labels_are_evenly_many_of_each_class() {
        let labels = [2, 0, 0, 1, 2, 1, 0, 2];
        assert_eq!(first_of_each_class(&labels, 6, 3).unwrap(), [1, 2, 3, 5, 0, 4]);
        let refusal = |count| first_of_each_class(&labels, count, 3).unwrap_err();
        assert!(refusal(7).contains("a multiple of 3"), "{}", refusal(7));
        assert!(refusal(9).contains("too few images of class 1"), "{}", refusal(9));
    }

    #[test]
    fn shifts_move_whole_images_and_all_distances_occur() {
        let rng = Generator::new(1);
        let mut image = vec![0.0f32; 2 * 5 * 6];
        // One bright pixel in the middle of each of two channels, told apart by their values.
        (image[2 * 6 + 3], image[30 + 2 * 6 + 3]) = (1.0, 2.0);
        let images = Tensor::from_slice(&image, [1, 2, 5, 6]).tile(&[200, 1, 1, 1]);
        let moved = shifted(&images, 1, &rng).to_vec::<f32>();
        let mut seen = [[0; 3]; 3];
        for image in moved.chunks(60) {
            let place = image[..30].iter().position(|&value| value == 1.0).unwrap();
            assert_eq!(image[30 + place], 2.0);
            assert_eq!(image.iter().filter(|&&value| value != 0.0).count(), 2);
            seen[place / 6 - 1][place % 6 - 2] += 1;
        }
        assert!(seen.iter().flatten().all(|&times| times > 5), "{seen:?}");
        let still = rng.uniform([2, 1, 3, 3], 0.0, 1.0, DType::F32);
        assert_eq!(shifted(&still, 0, &rng).to_vec::<f32>(), still.to_vec::<f32>());
    }
}
