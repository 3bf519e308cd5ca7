//! The few labelled images of semi-supervised learning.

use crate::{Dataset, Error, Result};
use wengert_data::{Batch, Position};
use wengert_tensor::{Generator, Tensor};

/// Images with their classes.
#[derive(Debug, Clone)]
pub struct FewLabels {
    /// f32 `[N, C, H, W]` in 0..1.
    pub images: Tensor,
    /// i64 `[N]`.
    pub labels: Tensor,
}

impl FewLabels {
    /// The first training images of each class, as many of one as of another, `count` in all. `key` is the option that
    /// asked for so many.
    ///
    /// # Errors
    /// When `count` is no multiple of the number of classes, or a class has too few images.
    pub fn first_of_each_class(data: &Dataset, count: usize, key: &str) -> Result<FewLabels> {
        let images = data.train.dataset();
        let indices = first_of_each_class(images.labels(), count, images.classes().len())
            .map_err(|detail| Error::Range { key: key.into(), detail })?;
        Ok(FewLabels {
            images: data.train.images(&indices, Position::default()),
            labels: data.train.labels(&indices),
        })
    }

    /// All images of a batch with their classes.
    pub fn of_batch(batch: &Batch) -> FewLabels {
        FewLabels { images: batch.images.clone(), labels: batch.labels.clone() }
    }

    /// At most so many: all, or a draw of them.
    pub fn draw(&self, count: usize, rng: &Generator) -> FewLabels {
        let all = self.labels.numel();
        if count >= all {
            return self.clone();
        }
        let chosen = rng.randint(0, all as i64, [count]);
        FewLabels {
            images: self.images.index_select(0, &chosen),
            labels: self.labels.index_select(0, &chosen),
        }
    }
}

/// Indices of the first `count / classes` labels of each class, class by class; an error says what `count` should be.
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
        let of_class = labels.iter().enumerate().filter(|(_, label)| usize::from(**label) == class);
        indices.extend(of_class.map(|(index, _)| index).take(count / classes));
        if indices.len() != (class + 1) * (count / classes) {
            return Err(format!("is {count}; there are too few images of class {class} for that"));
        }
    }
    Ok(indices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;

    #[test]
    fn as_many_of_one_class_as_of_another() {
        let labels = [1, 0, 1, 1, 2, 0, 2];
        assert_eq!(first_of_each_class(&labels, 6, 3).unwrap(), [1, 5, 0, 2, 4, 6]);
        assert!(first_of_each_class(&labels, 4, 3).unwrap_err().contains("multiple of 3"));
        assert!(first_of_each_class(&labels, 9, 3).unwrap_err().contains("class 0"));
    }

    #[test]
    fn a_draw_keeps_images_and_labels_together() {
        let labels = Tensor::arange(0, 8, 1);
        let images = labels.to_dtype(DType::F32).reshape([8, 1, 1, 1]);
        let few = FewLabels { images, labels };
        let drawn = few.draw(5, &Generator::new(2));
        assert_eq!(drawn.images.dims(), [5, 1, 1, 1]);
        let labels: Vec<f32> = drawn.labels.to_vec::<i64>().iter().map(|&label| label as f32).collect();
        assert_eq!(drawn.images.to_vec::<f32>(), labels);
        assert_eq!(few.draw(8, &Generator::new(2)).labels.to_vec::<i64>(), few.labels.to_vec::<i64>());
    }
}
