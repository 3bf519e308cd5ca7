//! What one wants to know of a tensor at a glance.

use crate::{DType, Spec, Tensor};
use std::fmt;

/// Values shown one by one.
const FIRST: usize = 5;

/// The range, mean and norm of a tensor, and its first values.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistic {
    /// Shape and type.
    pub spec: Spec,
    /// The smallest finite value.
    pub min: f64,
    /// The mean of the finite values.
    pub mean: f64,
    /// The largest finite value.
    pub max: f64,
    /// The root of the sum of the squares of the finite values.
    pub norm: f64,
    /// How many values are NaN or infinite.
    pub not_finite: usize,
    /// The first values in row-major order.
    pub first: Vec<f64>,
}

impl Statistic {
    /// Reads every element of a tensor of numbers.
    pub fn of(tensor: &Tensor) -> Statistic {
        let tensor = tensor.detach();
        let values = match tensor.dtype() {
            DType::F64 => tensor.to_vec::<f64>(),
            DType::F32 => tensor.to_vec::<f32>().into_iter().map(f64::from).collect(),
            _ => tensor.to_dtype(DType::F64).to_vec::<f64>(),
        };
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let count = finite().count();
        Statistic {
            min: finite().fold(f64::INFINITY, f64::min),
            mean: finite().sum::<f64>() / count as f64,
            max: finite().fold(f64::NEG_INFINITY, f64::max),
            norm: finite().map(|value| value * value).sum::<f64>().sqrt(),
            not_finite: values.len() - count,
            first: values.iter().copied().take(FIRST).collect(),
            spec: tensor.spec(),
        }
    }

    /// One number for the tensor: `= 0.5` where it has one value, else its norm, `norm 4.472`.
    pub fn brief(&self) -> String {
        match self.count() {
            1 => format!("= {}", short(self.first[0])),
            _ => format!("norm {}", short(self.norm)),
        }
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.spec.shape.numel()
    }
}

impl fmt::Display for Statistic {
    /// `min -1.2  mean 0.031  max 2  norm 14.1   0.5, -1.2, 2, …`; one value is shown as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<String> = self.first.iter().map(|&value| short(value)).collect();
        let rest = if self.count() > first.len() { ", …" } else { "" };
        match self.count() {
            0 => f.write_str("no values"),
            1 => f.write_str(&first[0]),
            count if count == self.not_finite => write!(f, "nothing finite   {}{rest}", first.join(", ")),
            _ => {
                let [min, mean, max, norm] = [self.min, self.mean, self.max, self.norm].map(short);
                write!(f, "min {min}  mean {mean}  max {max}  norm {norm}   {}{rest}", first.join(", "))?;
                match self.not_finite {
                    0 => Ok(()),
                    some => write!(f, "   {some} not finite!"),
                }
            }
        }
    }
}

/// A number in four digits.
pub fn short(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() || !(1e-4..1e6).contains(&magnitude) {
        return if value.is_finite() { format!("{value:.2e}") } else { value.to_string() };
    }
    let decimals = (3 - magnitude.log10().floor() as i32).clamp(0, 7) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_four_digits() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (-0.03125, "-0.03125"),
            (545.3219, "545.3"),
            (123456.7, "123457"),
            (1.5e9, "1.50e9"),
            (3.2e-7, "3.20e-7"),
            (100.0, "100"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn a_tensor_is_summed_up() {
        let of = |values: &[f32]| Statistic::of(&Tensor::from_slice(values, values.len())).to_string();
        assert_eq!(of(&[3.0, -4.0]), "min -4  mean -0.5  max 3  norm 5   3, -4");
        assert_eq!(of(&[7.0]), "7");
        assert_eq!(of(&[]), "no values");
        assert!(of(&[1.0; 9]).ends_with("1, 1, 1, 1, 1, …"));
        assert!(of(&[1.0, f32::NAN, 2.0]).ends_with("1 not finite!"));
        assert_eq!(of(&[f32::NAN, f32::INFINITY]), "nothing finite   NaN, inf");
    }
}
