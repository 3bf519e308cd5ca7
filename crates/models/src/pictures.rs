//! Images out of a trained model.

use crate::Model;
use crate::run::Picture;
use wengert_tensor::{Generator, Tensor, no_grad};

/// Images decoded at a time, so that a large count does not need the activations of all at once.
const PORTION: usize = 256;

/// Images drawn from a model.
#[derive(Debug, Clone)]
pub struct Samples {
    /// f32 `[count, channels, height, width]`, in 0..1.
    pub images: Tensor,
    /// f32 `[count, code size]`.
    pub codes: Tensor,
    /// i64 `[count]`, counting through the classes; only for a conditional model.
    pub labels: Option<Tensor>,
}

/// Draws images: codes from the prior and, for a conditional model, the classes in turn; `None` for a model that makes no
/// images. The model must be in evaluation mode.
pub fn draw(model: &dyn Model, count: usize, rng: &Generator) -> Option<Samples> {
    samples(model, count, |model| model.draw_codes(count, rng))
}

/// As [`draw`], for images that are judged beside those of the data set.
pub fn draw_to_judge(model: &dyn Model, count: usize, rng: &Generator) -> Option<Samples> {
    samples(model, count, |model| model.draw_codes_to_judge(count, rng))
}

fn samples(model: &dyn Model, count: usize, draw: impl FnOnce(&dyn Model) -> Tensor) -> Option<Samples> {
    if model.code_size() == 0 {
        return None;
    }
    no_grad(|| {
        let codes = draw(model);
        let labels = model.classes().map(|classes| {
            let labels: Vec<i64> = (0..count).map(|i| (i % classes) as i64).collect();
            Tensor::from_vec(labels, [count])
        });
        let images = decode(model, &codes, labels.as_ref())?;
        Some(Samples { images, codes, labels })
    })
}

/// The images of codes `[N, code size]`, under labels where the model takes some; `None` for a model that makes no images.
/// The model must be in evaluation mode.
pub fn decode(model: &dyn Model, codes: &Tensor, labels: Option<&Tensor>) -> Option<Tensor> {
    no_grad(|| {
        in_portions(codes.dims()[0], |start, length| {
            let labels = labels.map(|labels| labels.narrow(0, start, length));
            model.decode(&codes.narrow(0, start, length), labels.as_ref())
        })
    })
}

/// The codes of images `[N, channels, height, width]`; `None` for a model without an encoder. The model must be in
/// evaluation mode.
pub fn encode(model: &dyn Model, images: &Tensor, labels: &Tensor) -> Option<Tensor> {
    no_grad(|| {
        let labels = model.classes().map(|_| labels);
        in_portions(images.dims()[0], |start, length| {
            let labels = labels.map(|labels| labels.narrow(0, start, length));
            model.encode(&images.narrow(0, start, length), labels.as_ref())
        })
    })
}

/// Images as the model gives them back; `None` for a model that does not. The model must be in evaluation mode.
pub fn reconstruct(model: &dyn Model, images: &Tensor, labels: &Tensor) -> Option<Tensor> {
    no_grad(|| {
        let labels = model.classes().map(|_| labels);
        in_portions(images.dims()[0], |start, length| {
            let labels = labels.map(|labels| labels.narrow(0, start, length));
            model.reconstruct(&images.narrow(0, start, length), labels.as_ref())
        })
    })
}

/// A grid of images, about as wide as it is high.
pub fn grid(images: &Tensor) -> Picture {
    let columns = (images.dims()[0] as f64).sqrt().ceil() as usize;
    Picture::grid(&images.to_vec::<f32>(), image_shape(images), columns)
}

/// Rows of originals, each above the row of their reconstructions.
pub fn pairs(originals: &Tensor, reconstructions: &Tensor) -> Picture {
    let shape = image_shape(originals);
    let columns = originals.dims()[0].clamp(1, 10);
    let row = columns * shape.iter().product::<usize>();
    let (originals, reconstructions) = (originals.to_vec::<f32>(), reconstructions.to_vec::<f32>());
    let mut images = Vec::with_capacity(2 * originals.len());
    for (above, below) in originals.chunks(row).zip(reconstructions.chunks(row)) {
        for part in [above, below] {
            images.extend_from_slice(part);
            // A last row that is not full is filled with black, so that pairs stay above each other.
            images.resize(images.len().next_multiple_of(row), 0.0);
        }
    }
    Picture::grid(&images, shape, columns)
}

fn image_shape(images: &Tensor) -> [usize; 3] {
    let dims = images.dims();
    [dims[1], dims[2], dims[3]]
}

/// Joins what `part` gives for each portion of `count` images: the first and the length of the portion go in.
pub fn in_portions(count: usize, part: impl Fn(usize, usize) -> Option<Tensor>) -> Option<Tensor> {
    let starts = (0..count).step_by(PORTION);
    let parts: Option<Vec<Tensor>> = starts.map(|start| part(start, PORTION.min(count - start))).collect();
    Some(Tensor::cat(&parts?.iter().collect::<Vec<_>>(), 0))
}
