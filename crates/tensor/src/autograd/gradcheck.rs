//! Comparing gradients with finite differences.

use super::backward::{GradOptions, grad_from};
use super::modes::with_grad;
use crate::{DType, Error, Result, Tensor};
use std::fmt;

/// How finely and how strictly [`gradcheck`] compares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// Distance of the two points of a central difference.
    pub epsilon: f64,
    /// Allowed error in proportion to the numeric gradient.
    pub relative: f64,
    /// Allowed error beside that.
    pub absolute: f64,
}

impl Default for Check {
    fn default() -> Self {
        Self { epsilon: 1e-6, relative: 1e-3, absolute: 1e-5 }
    }
}

/// The analytic and the numeric derivative of ⟨f(x), projection⟩ with respect to every element of every input.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// What was allowed.
    pub check: Check,
    /// For each differentiated input, its position and pairs of (analytic, numeric) in row-major order.
    pub inputs: Vec<(usize, Vec<(f64, f64)>)>,
}

impl CheckReport {
    /// Whether every pair agrees.
    pub fn passed(&self) -> bool {
        self.worst().is_none_or(|(.., excess)| excess <= 1.0)
    }

    /// Largest error in units of what is allowed.
    pub fn excess(&self) -> f64 {
        self.worst().map_or(0.0, |(.., excess)| excess)
    }

    /// Input, element, analytic, numeric and error in units of what is allowed, where that is largest.
    fn worst(&self) -> Option<(usize, usize, f64, f64, f64)> {
        self.inputs
            .iter()
            .flat_map(|(input, pairs)| {
                pairs.iter().enumerate().map(move |(i, &(a, n))| (*input, i, a, n, self.error(a, n)))
            })
            .max_by(|left, right| left.4.total_cmp(&right.4))
    }

    fn error(&self, analytic: f64, numeric: f64) -> f64 {
        let excess = (analytic - numeric).abs() / (self.check.absolute + self.check.relative * numeric.abs());
        // A NaN never agrees, not even with itself.
        if excess.is_nan() { f64::INFINITY } else { excess }
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.worst() {
            None => write!(f, "nothing to compare"),
            Some((input, element, analytic, numeric, excess)) => write!(
                f,
                "worst at input {input}, element {element}: analytic {analytic:.9e}, numeric {numeric:.9e}, {excess:.2} × \
                 the allowed error"
            ),
        }
    }
}

/// Compares the gradient of ⟨f(inputs), projection⟩ with central differences in f64, for every f64 input that requires a
/// gradient. The projection is a fixed vector without zeros, so that every output element counts.
///
/// # Errors
/// When the inputs are not leaves of f64 that require gradients, or f cannot be differentiated. A gradient that
/// disagrees is not an error but a report that has not [passed](CheckReport::passed).
pub fn gradcheck(f: impl Fn(&[Tensor]) -> Tensor, inputs: &[Tensor], check: Check) -> Result<CheckReport> {
    let positions: Vec<usize> = (0..inputs.len()).filter(|&i| inputs[i].requires_grad()).collect();
    if positions.is_empty() {
        return Err(Error::autograd("gradcheck: no input requires a gradient"));
    }
    if let Some(i) = positions.iter().find(|&&i| inputs[i].dtype() != DType::F64) {
        return Err(Error::dtype(
            "gradcheck",
            format!("input {i} is {}; finite differences need f64", inputs[*i].dtype()),
        ));
    }
    let output = with_grad(true, || f(inputs));
    let projection = projection(output.shape(), output.dtype());
    let targets: Vec<&Tensor> = positions.iter().map(|&i| &inputs[i]).collect();
    let options = GradOptions { unused_as_zeros: true, ..Default::default() };
    let analytic = grad_from(&[&output], &[&projection], &targets, options)?;
    let weights = projection.to_vec::<f64>();
    let numeric = |position: usize, element: usize| {
        let at = |distance: f64| {
            let mut moved = inputs.to_vec();
            let mut elements = inputs[position].to_vec::<f64>();
            elements[element] += distance;
            moved[position] = Tensor::from_slice(&elements, inputs[position].shape()).requires_grad_(true);
            // Recording stays on: f may itself differentiate.
            with_grad(true, || f(&moved)).to_vec::<f64>()
        };
        let (above, below) = (at(check.epsilon), at(-check.epsilon));
        let difference: f64 = above.iter().zip(&below).zip(&weights).map(|((a, b), w)| (a - b) * w).sum();
        difference / (2.0 * check.epsilon)
    };
    let compared = positions.iter().zip(analytic).map(|(&position, analytic)| {
        let pairs = analytic
            .to_vec::<f64>()
            .into_iter()
            .enumerate()
            .map(|(i, a)| (a, numeric(position, i)))
            .collect();
        (position, pairs)
    });
    Ok(CheckReport { check, inputs: compared.collect() })
}

/// As [`gradcheck`] for the gradient itself: compares the second derivatives of ⟨f(inputs), projection⟩.
///
/// # Errors
/// As [`gradcheck`], and when the gradient cannot be differentiated.
pub fn gradgradcheck(
    f: impl Fn(&[Tensor]) -> Tensor,
    inputs: &[Tensor],
    check: Check,
) -> Result<CheckReport> {
    let first = |inputs: &[Tensor]| -> Result<Tensor> {
        let output = f(inputs);
        // The cotangent is an argument like the others: the second derivative flows through it as well.
        let projection = projection(output.shape(), output.dtype());
        let targets: Vec<&Tensor> = inputs.iter().filter(|input| input.requires_grad()).collect();
        let options = GradOptions { create_graph: true, unused_as_zeros: true, ..Default::default() };
        let gradients = grad_from(&[&output], &[&projection], &targets, options)?;
        let flat: Vec<Tensor> =
            gradients.iter().map(|gradient| gradient.reshape([gradient.numel()])).collect();
        Ok(Tensor::cat(&flat.iter().collect::<Vec<_>>(), 0))
    };
    // Once to report an error; after that the same calls succeed.
    let gradient = with_grad(true, || first(inputs))?;
    if !gradient.requires_grad() {
        // Linear in every input: the second derivative is zero and there is no graph to walk.
        return Ok(CheckReport { check, inputs: Vec::new() });
    }
    gradcheck(|inputs| crate::apply::must(first(inputs)), inputs, check)
}

/// Numbers between 0.5 and 1.5 that follow no pattern of the op's.
fn projection(shape: &crate::Shape, dtype: DType) -> Tensor {
    let weights: Vec<f64> =
        (0..shape.numel()).map(|i| 0.5 + ((i as f64 + 1.0) * 0.618_033_988_749_895).fract()).collect();
    Tensor::from_slice(&weights, shape).to_dtype(dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_a_right_gradient_and_refuses_a_wrong_one() {
        let x = Tensor::from_slice(&[0.3, -1.2, 2.0], 3).requires_grad_(true);
        let right = |x: &[Tensor]| x[0].sin() * &x[0];
        assert!(gradcheck(right, std::slice::from_ref(&x), Check::default()).unwrap().passed());
        assert!(gradgradcheck(right, std::slice::from_ref(&x), Check::default()).unwrap().passed());
        let wrong = |x: &[Tensor]| x[0].sin() * x[0].detach();
        let report = gradcheck(wrong, &[x], Check::default()).unwrap();
        assert!(!report.passed() && report.to_string().contains("worst at input 0"), "{report}");
    }
}
