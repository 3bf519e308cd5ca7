//! Tensors as text, as PyTorch prints them; the dtype is left out where PyTorch leaves it out (f32, i64, bool).

use crate::{DType, Tensor, Value};
use std::fmt::{self, Write};

/// Columns of a line.
const LINE_WIDTH: usize = 80;
/// Tensors with more elements show the ends of their axes only.
const THRESHOLD: usize = 1000;
/// How many elements are shown at either end.
const EDGE: usize = 3;
/// Digits behind the point.
const PRECISION: usize = 4;
/// What stands before the elements; further lines are indented by its length.
const PREFIX: &str = "tensor(";

/// The elements as PyTorch prints them, with `dtype=`, `grad_fn=` and `requires_grad=` where they say something.
impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::from(PREFIX);
        let mut suffixes = Vec::new();
        if self.numel() == 0 {
            text.push_str("[]");
            if self.rank() != 1 {
                suffixes.push(format!("size={}", self.shape()));
            }
        } else {
            text.push_str(&elements(self.value()));
        }
        let obvious = match self.dtype() {
            DType::F32 => true,
            // Nothing in an empty list tells integers and truth values from floats.
            DType::I64 | DType::Bool => self.numel() > 0,
            DType::F64 | DType::U8 => false,
        };
        if !obvious {
            suffixes.push(format!("dtype={}", self.dtype()));
        }
        suffixes.extend(history(self));

        let mut column = text.len() - text.rfind('\n').map_or(0, |newline| newline + 1) + 2;
        for suffix in suffixes {
            if column + suffix.len() + 2 > LINE_WIDTH {
                write!(text, ",\n{:indent$}{suffix}", "", indent = PREFIX.len())?;
                column = PREFIX.len() + suffix.len();
            } else {
                write!(text, ", {suffix}")?;
                column += suffix.len() + 2;
            }
        }
        write!(f, "{text})")
    }
}

/// One line without elements, such as `Tensor(f32[2, 3], grad_fn=<mul>)`.
impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({}", self.spec())?;
        if let Some(history) = history(self) {
            write!(f, ", {history}")?;
        }
        f.write_str(")")
    }
}

/// `grad_fn=<mul>` or `requires_grad=True`, or nothing for a constant.
fn history(tensor: &Tensor) -> Option<String> {
    match tensor.grad_fn() {
        Some(name) => Some(format!("grad_fn=<{name}>")),
        None => tensor.requires_grad().then(|| "requires_grad=True".to_string()),
    }
}

/// All elements, or those at the ends of long axes, between brackets.
fn elements(value: &Value) -> String {
    let shape = value.shape();
    let summarize = value.numel() > THRESHOLD;
    let mut shown = vec![0];
    for &size in shape.iter() {
        let places: Vec<usize> = places(size, summarize).into_iter().flatten().collect();
        shown = shown.iter().flat_map(|start| places.iter().map(move |place| start * size + place)).collect();
    }
    let (texts, width) = texts(value, &shown);
    let mut texts = texts.into_iter().map(|text| format!("{text:>width$}"));
    let mut out = String::new();
    brackets(shape, summarize, width, PREFIX.len(), &mut texts, &mut out);
    out
}

/// Positions of an axis that are shown, and `None` where some are left out.
fn places(size: usize, summarize: bool) -> Vec<Option<usize>> {
    if summarize && size > 2 * EDGE {
        return (0..EDGE).map(Some).chain([None]).chain((size - EDGE..size).map(Some)).collect();
    }
    (0..size).map(Some).collect()
}

/// Appends the next elements of `texts` in the brackets of `shape`, whose first one stands at column `indent`.
fn brackets(
    shape: &[usize],
    summarize: bool,
    width: usize,
    indent: usize,
    texts: &mut impl Iterator<Item = String>,
    out: &mut String,
) {
    let Some((&size, inner)) = shape.split_first() else {
        out.extend(texts.next());
        return;
    };
    let places = places(size, summarize);
    let line =
        if inner.is_empty() { ((LINE_WIDTH - indent.min(LINE_WIDTH)) / (width + 2)).max(1) } else { 1 };
    out.push('[');
    for (i, place) in places.iter().enumerate() {
        if i > 0 {
            out.push(',');
            if i % line == 0 {
                // Blank lines keep matrices, and stacks of them, apart.
                out.extend(std::iter::repeat_n('\n', inner.len().max(1)));
                out.extend(std::iter::repeat_n(' ', indent + 1));
            } else {
                out.push(' ');
            }
        }
        match place {
            Some(_) => brackets(inner, summarize, width, indent + 1, texts, out),
            None => out.push_str(if inner.is_empty() { " ..." } else { "..." }),
        }
    }
    out.push(']');
}

/// The elements at these row-major positions, each as text, and the width to pad them to. Zeros, infinities and NaN
/// do not widen a column of floats.
fn texts(value: &Value, positions: &[usize]) -> (Vec<String>, usize) {
    let read = value.read();
    let all: Vec<String> = match value.dtype() {
        DType::F32 => {
            return float_texts(positions.iter().map(|&i| f64::from(read.view::<f32>().at(i))).collect());
        }
        DType::F64 => return float_texts(positions.iter().map(|&i| read.view::<f64>().at(i)).collect()),
        DType::I64 => positions.iter().map(|&i| read.view::<i64>().at(i).to_string()).collect(),
        DType::U8 => positions.iter().map(|&i| read.view::<u8>().at(i).to_string()).collect(),
        DType::Bool => {
            let name = |&i: &usize| if read.view::<bool>().at(i) { "True" } else { "False" };
            positions.iter().map(|i| name(i).to_string()).collect()
        }
    };
    let width = all.iter().map(String::len).max().unwrap_or(0);
    (all, width)
}

fn float_texts(values: Vec<f64>) -> (Vec<String>, usize) {
    let notation = Notation::of(&values);
    let texts: Vec<String> = values.iter().map(|&value| notation.format(value)).collect();
    let ordinary = values.iter().zip(&texts).filter(|(value, _)| value.is_finite() && **value != 0.0);
    let width = ordinary.map(|(_, text)| text.len()).max().unwrap_or(1);
    (texts, width)
}

/// How all floats of one tensor are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Notation {
    /// `3.`, where all are whole numbers.
    Whole,
    /// `3.1416`.
    Fixed,
    /// `3.1416e+00`, where they are large, small, or far apart.
    Scientific,
}

impl Notation {
    fn of(values: &[f64]) -> Self {
        let finite = values.iter().copied().filter(|value| value.is_finite() && *value != 0.0);
        let smallest = finite.clone().map(f64::abs).fold(f64::INFINITY, f64::min);
        let largest = finite.clone().map(f64::abs).fold(0.0, f64::max);
        if largest / smallest > 1000.0 || largest > 1e8 || smallest < 1e-4 {
            return Self::Scientific;
        }
        if finite.clone().all(|value| value.fract() == 0.0) { Self::Whole } else { Self::Fixed }
    }

    fn format(self, value: f64) -> String {
        if value.is_nan() {
            return "nan".into();
        }
        if value.is_infinite() {
            return if value > 0.0 { "inf".into() } else { "-inf".into() };
        }
        match self {
            Self::Whole => format!("{value:.0}."),
            Self::Fixed => format!("{value:.PRECISION$}"),
            Self::Scientific => {
                let text = format!("{value:.PRECISION$e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let exponent: i32 = exponent.parse().unwrap_or(0);
                let sign = if exponent < 0 { '-' } else { '+' };
                format!("{digits}e{sign}{:02}", exponent.abs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;

    #[track_caller]
    fn shows(tensor: Tensor, expected: &str) {
        assert_eq!(tensor.to_string(), expected, "\n{tensor}");
    }

    fn floats<const N: usize>(elements: [f32; N], shape: impl Into<Shape>) -> Tensor {
        Tensor::from_slice(&elements, shape)
    }

    fn count(end: i64, shape: impl Into<Shape>) -> Tensor {
        Tensor::from_vec((0..end).collect::<Vec<i64>>(), shape)
    }

    // What PyTorch 2 prints for the same elements, but for our names of the dtypes.

    #[test]
    fn floats_choose_a_notation() {
        shows(Tensor::scalar(2.14f32), "tensor(2.1400)");
        shows(floats([1.0, 2.0, -30.0], 3), "tensor([  1.,   2., -30.])");
        shows(
            floats([1.5, -2.25, 0.0, 100.0], [2, 2]),
            &["tensor([[  1.5000,  -2.2500],", "        [  0.0000, 100.0000]])"].join("\n"),
        );
        shows(floats([1e-5, 1.0, -2.5e10], 3), "tensor([ 1.0000e-05,  1.0000e+00, -2.5000e+10])");
        shows(floats([1e9], 1), "tensor([1.0000e+09])");
        shows(floats([f32::NAN, 1.0, f32::NEG_INFINITY], 3), "tensor([nan, 1., -inf])");
        shows(floats([f32::NAN, f32::INFINITY, 0.0], 3), "tensor([nan, inf, 0.])");
        shows(floats([1e-5, f32::NAN, 0.0], 3), "tensor([1.0000e-05,        nan, 0.0000e+00])");
        shows(floats([-0.0, 1.0], 2), "tensor([-0., 1.])");
        shows(floats([0.0; 4], [2, 2]), &["tensor([[0., 0.],", "        [0., 0.]])"].join("\n"));
    }

    #[test]
    fn other_dtypes() {
        shows(
            Tensor::from_slice(&[1i64, -20, 300, 4], [2, 2]),
            &["tensor([[  1, -20],", "        [300,   4]])"].join("\n"),
        );
        shows(Tensor::from_slice(&[true, false], 2), "tensor([ True, False])");
        shows(Tensor::from_slice(&[1u8, 2], 2), "tensor([1, 2], dtype=u8)");
        shows(Tensor::from_slice(&[0.1, 0.2], 2), "tensor([0.1000, 0.2000], dtype=f64)");
        shows(Tensor::from_slice(&[0f32; 0], 0), "tensor([])");
        shows(Tensor::from_slice(&[0f32; 0], [2, 0]), "tensor([], size=[2, 0])");
        shows(Tensor::from_slice(&[0i64; 0], 0), "tensor([], dtype=i64)");
    }

    #[test]
    fn blank_lines_and_line_breaks() {
        shows(
            Tensor::from_vec((0..12).map(|i| i as f32 / 4.0).collect(), [2, 3, 2]),
            &[
                "tensor([[[0.0000, 0.2500],",
                "         [0.5000, 0.7500],",
                "         [1.0000, 1.2500]],",
                "",
                "        [[1.5000, 1.7500],",
                "         [2.0000, 2.2500],",
                "         [2.5000, 2.7500]]])",
            ]
            .join("\n"),
        );
        shows(
            count(8, [2, 2, 1, 2]),
            &[
                "tensor([[[[0, 1]],",
                "",
                "         [[2, 3]]],",
                "",
                "",
                "        [[[4, 5]],",
                "",
                "         [[6, 7]]]])",
            ]
            .join("\n"),
        );
        shows(
            Tensor::from_vec((0..40).map(|i| i * 1000i64).collect(), 40),
            &[
                "tensor([    0,  1000,  2000,  3000,  4000,  5000,  6000,  7000,  8000,  9000,",
                "        10000, 11000, 12000, 13000, 14000, 15000, 16000, 17000, 18000, 19000,",
                "        20000, 21000, 22000, 23000, 24000, 25000, 26000, 27000, 28000, 29000,",
                "        30000, 31000, 32000, 33000, 34000, 35000, 36000, 37000, 38000, 39000])",
            ]
            .join("\n"),
        );
    }

    #[test]
    fn long_axes_show_their_ends() {
        shows(
            Tensor::from_vec((0..2000).map(|i| i as f32).collect(), 2000),
            &[
                "tensor([0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 1.9970e+03, 1.9980e+03,",
                "        1.9990e+03])",
            ]
            .join("\n"),
        );
        shows(
            count(40000, [200, 200]),
            &[
                "tensor([[    0,     1,     2,  ...,   197,   198,   199],",
                "        [  200,   201,   202,  ...,   397,   398,   399],",
                "        [  400,   401,   402,  ...,   597,   598,   599],",
                "        ...,",
                "        [39400, 39401, 39402,  ..., 39597, 39598, 39599],",
                "        [39600, 39601, 39602,  ..., 39797, 39798, 39799],",
                "        [39800, 39801, 39802,  ..., 39997, 39998, 39999]])",
            ]
            .join("\n"),
        );
        shows(
            Tensor::from_vec((0..1500).map(|i| i as f32 / 7.0).collect(), [5, 300]),
            &[
                "tensor([[0.0000e+00, 1.4286e-01, 2.8571e-01,  ..., 4.2429e+01, 4.2571e+01,",
                "         4.2714e+01],",
                "        [4.2857e+01, 4.3000e+01, 4.3143e+01,  ..., 8.5286e+01, 8.5429e+01,",
                "         8.5571e+01],",
                "        [8.5714e+01, 8.5857e+01, 8.6000e+01,  ..., 1.2814e+02, 1.2829e+02,",
                "         1.2843e+02],",
                "        [1.2857e+02, 1.2871e+02, 1.2886e+02,  ..., 1.7100e+02, 1.7114e+02,",
                "         1.7129e+02],",
                "        [1.7143e+02, 1.7157e+02, 1.7171e+02,  ..., 2.1386e+02, 2.1400e+02,",
                "         2.1414e+02]])",
            ]
            .join("\n"),
        );
        let stack = count(8000, [20, 20, 20]).to_string();
        assert_eq!((stack.lines().count(), stack.matches("...").count()), (49, 43));
        assert!(stack.contains("1197, 1198, 1199]],\n\n        ...,\n\n        [[6800, 6801"), "{stack}");
    }

    #[test]
    fn history_is_named() {
        shows(floats([1.0, 2.0], 2).requires_grad_(true), "tensor([1., 2.], requires_grad=True)");
        shows(
            Tensor::from_vec((0..15).map(|i| i as f32).collect(), 15).requires_grad_(true),
            &[
                "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,",
                "        14.], requires_grad=True)",
            ]
            .join("\n"),
        );
        let flipped = floats([1.0, 2.0], 2).requires_grad_(true).flip(&[0]);
        assert_eq!(flipped.to_string(), "tensor([2., 1.], grad_fn=<flip>)");
        assert_eq!(format!("{flipped:?}"), "Tensor(f32[2], grad_fn=<flip>)");
    }
}
