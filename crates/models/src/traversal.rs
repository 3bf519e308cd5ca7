//! Rows of images in which one part of the code changes and the rest stays, to see what the part stands for.

use crate::{CodePart, Model, pictures};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// Codes drawn to learn which values a number of the code takes.
const DRAWS: usize = 512;

/// Parts that are tried at most: the first ones of a longer code.
const LONGEST: usize = 128;

/// The rows of a traversal, those first that change the image most.
#[derive(Debug, Clone)]
pub struct Traversal {
    /// f32 `[rows × columns, channels, height, width]`, in 0..1; black where a category has no more values.
    pub images: Tensor,
    /// What changes in each row.
    pub rows: Vec<Row>,
}

/// One row of a traversal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The part that changes.
    pub part: CodePart,
    /// Where the part begins in the code.
    pub start: usize,
    /// Root of the mean square of the pixels about the mean image of the row.
    pub change: f64,
}

/// Changes every part of one drawn code in turn and keeps the `rows` parts that change the image most; `None` for a
/// model that makes no images. A number goes through quantiles of what the prior draws for it, a category through its
/// values. A conditional model draws its first class. The model must be in evaluation mode.
pub fn traverse(model: &dyn Model, rows: usize, columns: usize, rng: &Generator) -> Option<Traversal> {
    if model.code_size() == 0 {
        return None;
    }
    no_grad(|| {
        let drawn = model.draw_codes(DRAWS, rng);
        let draws = drawn.t().contiguous().to_vec::<f32>();
        let base = drawn.narrow(0, 0, 1).to_vec::<f32>();
        let mut found = Vec::new();
        let mut start = 0;
        for part in model.code_parts().into_iter().take(LONGEST) {
            let mut codes = Vec::new();
            for column in 0..columns.min(part.values()) {
                let mut code = base.clone();
                match part {
                    CodePart::Number => {
                        code[start] = quantile(&draws[start * DRAWS..(start + 1) * DRAWS], column, columns);
                    }
                    CodePart::Category(values) => {
                        code[start..start + values].fill(0.0);
                        code[start + column] = 1.0;
                    }
                }
                codes.extend(code);
            }
            let codes = Tensor::from_slice(&codes, [codes.len() / base.len(), base.len()]);
            let first_class = model.classes().map(|_| Tensor::zeros([codes.dims()[0]], DType::I64));
            let images = pictures::decode(model, &codes, first_class.as_ref())?;
            let mean = images.mean(&[0], true);
            let change = (&images - &mean).square().mean_all().item().sqrt();
            found.push((Row { part, start, change }, images));
            start += part.width();
        }
        found.sort_by(|(one, _), (other, _)| other.change.total_cmp(&one.change));
        found.truncate(rows);
        let rows = found.iter().map(|(row, _)| *row).collect();
        let images: Vec<Tensor> = found.iter().map(|(_, images)| filled(images, columns)).collect();
        Some(Traversal { images: Tensor::cat(&images.iter().collect::<Vec<_>>(), 0), rows })
    })
}

/// The middle of the `column`-th of `columns` equal shares of values.
pub(crate) fn quantile(values: &[f32], column: usize, columns: usize) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted[(2 * column + 1) * sorted.len() / (2 * columns)]
}

/// A row of images filled with black ones.
fn filled(images: &Tensor, columns: usize) -> Tensor {
    let mut dims = images.dims().to_vec();
    dims[0] = columns - dims[0];
    Tensor::cat(&[images, &Tensor::zeros(dims, images.dtype())], 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::module;

    /// A code of a number, a category of three and another number; the pixel is 0.1 × the first + the category's value.
    #[derive(Debug)]
    struct Dial;
    module!(Dial {});

    impl Model for Dial {
        fn image_shape(&self) -> [usize; 3] {
            [1, 1, 1]
        }

        fn code_size(&self) -> usize {
            5
        }

        fn code_parts(&self) -> Vec<CodePart> {
            vec![CodePart::Number, CodePart::Category(3), CodePart::Number]
        }

        fn draw_codes(&self, count: usize, rng: &Generator) -> Tensor {
            let category = Tensor::from_slice(&[0f32, 1.0, 0.0], [1, 3]).expand([count, 3]);
            let number = || rng.uniform([count, 1], 0.0, 1.0, DType::F32);
            Tensor::cat(&[&number(), &category, &number()], 1)
        }

        fn decode(&self, codes: &Tensor, _labels: Option<&Tensor>) -> Option<Tensor> {
            let weights = Tensor::from_slice(&[0.1f32, 0.0, 0.3, 0.6, 0.0], [5, 1]);
            Some(codes.matmul(&weights).reshape([codes.dims()[0], 1, 1, 1]))
        }
    }

    #[test]
    fn rows_change_one_part_and_come_by_how_much_it_matters() {
        let Traversal { images, rows } = traverse(&Dial, 2, 4, &Generator::new(1)).unwrap();
        assert_eq!(rows.iter().map(|row| row.start).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(rows[0].part, CodePart::Category(3));
        let pixels = images.to_vec::<f32>();
        // The category's values 0, 0.3 and 0.6 over what the first number adds, then black for want of a fourth.
        let first = pixels[0];
        for (pixel, value) in pixels[..3].iter().zip([0.0, 0.3, 0.6]) {
            assert!((pixel - first - value).abs() < 1e-6);
        }
        assert_eq!(pixels[3], 0.0);
        let spread = (0.06f64).sqrt();
        assert!((rows[0].change - spread).abs() < 1e-6);
        // Quantiles 1/8, 3/8, 5/8, 7/8 of a uniform number, times 0.1, beside the 0.3 of the category that stays.
        for (pixel, value) in pixels[4..].iter().zip([0.0125, 0.0375, 0.0625, 0.0875]) {
            assert!((pixel - 0.3 - value).abs() < 0.01, "{pixel}");
        }
    }
}
