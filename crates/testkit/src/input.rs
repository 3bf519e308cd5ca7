//! What a case feeds to its op: a shape and a way to fill it, the same on every machine.

use wengert_tensor::{DType, Tensor};

use crate::random::SplitMix;

/// One input of a case: its shape and how its elements are drawn.
#[derive(Clone, Debug)]
pub struct Input {
    shape: Vec<usize>,
    fill: Fill,
}

#[derive(Clone, Debug)]
enum Fill {
    Normal,
    Uniform { low: f64, high: f64 },
    AwayFrom { kinks: Vec<f64>, margin: f64 },
    Distinct,
    Integers { low: i64, high: i64 },
    Booleans,
    Floats(Vec<f64>),
    Indices(Vec<i64>),
}

/// Floats of mean 0 and standard deviation 1, within ±6.
pub fn normal(shape: impl Into<Vec<usize>>) -> Input {
    Input { shape: shape.into(), fill: Fill::Normal }
}

/// Floats spread evenly over `low..high`.
pub fn uniform(shape: impl Into<Vec<usize>>, low: f64, high: f64) -> Input {
    Input { shape: shape.into(), fill: Fill::Uniform { low, high } }
}

/// Floats spread evenly over `0.5..2.5`: far enough from 0 for logarithms, roots and quotients.
pub fn positive(shape: impl Into<Vec<usize>>) -> Input {
    uniform(shape, 0.5, 2.5)
}

/// Normal floats, none of them within `margin` of a kink: central differences must not straddle one.
pub fn away_from(shape: impl Into<Vec<usize>>, kinks: &[f64], margin: f64) -> Input {
    Input { shape: shape.into(), fill: Fill::AwayFrom { kinks: kinks.to_vec(), margin } }
}

/// Floats in shuffled order, any two of them at least 0.03 apart: for maxima and sorting.
pub fn distinct(shape: impl Into<Vec<usize>>) -> Input {
    Input { shape: shape.into(), fill: Fill::Distinct }
}

/// i64 in `low..high`.
pub fn integers(shape: impl Into<Vec<usize>>, low: i64, high: i64) -> Input {
    Input { shape: shape.into(), fill: Fill::Integers { low, high } }
}

/// Booleans, each true with probability one half.
pub fn booleans(shape: impl Into<Vec<usize>>) -> Input {
    Input { shape: shape.into(), fill: Fill::Booleans }
}

/// These very floats, row-major: for ties, kinks and special values.
pub fn floats(shape: impl Into<Vec<usize>>, values: impl Into<Vec<f64>>) -> Input {
    Input { shape: shape.into(), fill: Fill::Floats(values.into()) }
}

/// These very i64, row-major: for indices that must repeat or must not.
pub fn indices(shape: impl Into<Vec<usize>>, values: impl Into<Vec<i64>>) -> Input {
    Input { shape: shape.into(), fill: Fill::Indices(values.into()) }
}

/// The elements of an input, before they become a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// f64, each of them exact in f32 too, so that the two precisions compute with the same numbers.
    Floats(Vec<f64>),
    /// i64.
    Integers(Vec<i64>),
    /// bool.
    Booleans(Vec<bool>),
}

impl Input {
    /// Sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the elements are floats, and so may be differentiated.
    pub fn is_float(&self) -> bool {
        !matches!(self.fill, Fill::Integers { .. } | Fill::Booleans | Fill::Indices(_))
    }

    /// Draws the elements; the same `seed` gives the same elements on every machine.
    pub fn elements(&self, seed: u64) -> Elements {
        let mut random = SplitMix::new(seed);
        let count = self.shape.iter().product();
        let floats = |draw: &mut dyn FnMut() -> f64| {
            Elements::Floats((0..count).map(|_| f64::from(draw() as f32)).collect())
        };
        match &self.fill {
            Fill::Normal => floats(&mut || random.normal()),
            Fill::Uniform { low, high } => floats(&mut || low + (high - low) * random.unit()),
            Fill::AwayFrom { kinks, margin } => floats(&mut || {
                loop {
                    let value = random.normal();
                    if kinks.iter().all(|kink| (value - kink).abs() > *margin) {
                        return value;
                    }
                }
            }),
            Fill::Distinct => {
                let ranks = random.permutation(count);
                let mut ranks = ranks.iter();
                floats(&mut || {
                    let rank = *ranks.next().expect("one rank an element");
                    0.05 * (rank as f64 - 0.5 * count as f64 + 0.4 * random.unit())
                })
            }
            Fill::Integers { low, high } => {
                let width = (high - low) as u64;
                Elements::Integers((0..count).map(|_| low + (random.next() % width) as i64).collect())
            }
            Fill::Booleans => Elements::Booleans((0..count).map(|_| random.next() >> 63 == 1).collect()),
            Fill::Floats(values) => {
                assert_eq!(values.len(), count, "as many values as the shape has elements");
                Elements::Floats(values.clone())
            }
            Fill::Indices(values) => {
                assert_eq!(values.len(), count, "as many values as the shape has elements");
                Elements::Integers(values.clone())
            }
        }
    }

    /// The input as a tensor, floats in `float` (f32 or f64).
    pub fn tensor(&self, seed: u64, float: DType) -> Tensor {
        self.elements(seed).tensor(&self.shape, float)
    }
}

impl Elements {
    /// The elements as a tensor, floats in `float` (f32 or f64).
    pub fn tensor(self, shape: &[usize], float: DType) -> Tensor {
        match self {
            Elements::Floats(values) if float == DType::F32 => {
                Tensor::from_vec(values.into_iter().map(|value| value as f32).collect(), shape)
            }
            Elements::Floats(values) => Tensor::from_vec(values, shape),
            Elements::Integers(values) => Tensor::from_vec(values, shape),
            Elements::Booleans(values) => Tensor::from_vec(values, shape),
        }
    }
}
