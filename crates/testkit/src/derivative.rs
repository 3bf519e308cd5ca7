//! Value, gradient and second gradient of a case, contracted with fixed projections.

use wengert_tensor::autograd::{GradOptions, grad};
use wengert_tensor::{DType, Tensor};

use crate::case::Case;
use crate::compare;

/// Fixed weights in −1..1 for the elements of an array of that shape; scripts/goldens.py computes the same ones.
pub fn projection(shape: &[usize], start: usize, float: DType) -> Tensor {
    let weight = |index: usize| ((index * 7919 + 104_729) % 2003) as f64 / 1001.0 - 1.0;
    let count: usize = shape.iter().product();
    let weights: Vec<f64> = (start..start + count).map(weight).collect();
    match float {
        DType::F32 => Tensor::from_vec(weights.into_iter().map(|weight| weight as f32).collect(), shape),
        _ => Tensor::from_vec(weights, shape),
    }
}

/// How far to differentiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// Not at all.
    Value,
    /// Once.
    First,
    /// Twice.
    Second,
}

/// What differentiating a case yields.
#[derive(Debug)]
pub struct Derivatives {
    /// y = f(x₀, x₁, …).
    pub value: Tensor,
    /// gᵢ = ∂ Σ y·p / ∂xᵢ for each differentiated input.
    pub first: Vec<Tensor>,
    /// ∂ Σⱼ Σ gⱼ·pⱼ / ∂xᵢ for each differentiated input.
    pub second: Vec<Tensor>,
}

impl Derivatives {
    /// Holds value, gradients and second gradients against `expected`.
    ///
    /// # Errors
    /// What differs first.
    pub fn matches(&self, expected: &Derivatives, tolerance: (f64, f64)) -> Result<(), String> {
        let parts = [
            ("value", std::slice::from_ref(&self.value), std::slice::from_ref(&expected.value)),
            ("gradient", &self.first[..], &expected.first[..]),
            ("second gradient", &self.second[..], &expected.second[..]),
        ];
        for (name, found, expected) in parts {
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                compare::matches(found, expected.dims(), &compare::elements(expected), tolerance)
                    .map_err(|difference| format!("{name} {index}: {difference}"))?;
            }
        }
        Ok(())
    }
}

/// The most that can be asked of a case.
pub fn highest_order(case: &Case) -> Order {
    match (case.differentiated().is_empty(), case.smooth) {
        (true, _) => Order::Value,
        (false, false) => Order::First,
        (false, true) => Order::Second,
    }
}

/// Runs a case on `inputs`, which keep their layout, and differentiates it.
///
/// # Errors
/// The engine's message.
pub fn derivatives(case: &Case, inputs: &[Tensor], order: Order) -> Result<Derivatives, String> {
    derivatives_by(case, inputs, order, |value| projection(value.dims(), 0, value.dtype()))
}

/// As [`derivatives`], the output contracted with weights of one's own.
///
/// # Errors
/// The engine's message.
pub fn derivatives_by(
    case: &Case,
    inputs: &[Tensor],
    order: Order,
    weights: impl FnOnce(&Tensor) -> Tensor,
) -> Result<Derivatives, String> {
    if order == Order::Value {
        let value = case.call(inputs);
        return Ok(Derivatives { value, first: Vec::new(), second: Vec::new() });
    }
    let differentiated = case.differentiated();
    let leaf =
        |(index, input): (usize, &Tensor)| input.detach().requires_grad_(differentiated.contains(&index));
    let leaves: Vec<Tensor> = inputs.iter().enumerate().map(leaf).collect();
    let targets: Vec<&Tensor> = differentiated.iter().map(|&index| &leaves[index]).collect();
    let options =
        GradOptions { create_graph: order == Order::Second, unused_as_zeros: true, ..GradOptions::default() };
    let value = case.call(&leaves);
    let projected = (&value * &weights(&value)).sum_all();
    let first = grad(&[&projected], &targets, options).map_err(|error| error.to_string())?;
    let mut second = Vec::new();
    if order == Order::Second {
        let parts = differentiated.iter().zip(&first);
        let parts = parts.map(|(&index, g)| (g * &projection(g.dims(), index + 1, g.dtype())).sum_all());
        let sum = parts.reduce(|sum, part| sum + part).expect("at least one differentiated input");
        second = if sum.requires_grad() {
            let options = GradOptions { create_graph: false, ..options };
            grad(&[&sum], &targets, options).map_err(|error| error.to_string())?
        } else {
            targets.iter().map(|target| target.zeros_like()).collect()
        };
    }
    Ok(Derivatives { value, first, second })
}
