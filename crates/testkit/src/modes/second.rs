//! Gradients of gradients against PyTorch and central differences.

use wengert_tensor::DType;

use crate::case::Case;
use crate::compare::floats_of;
use crate::derivative::{Order, derivatives, highest_order, projection};
use crate::finite_difference;
use crate::golden::Goldens;

/// The gradient of the gradient in f64 is PyTorch's, and that of central differences of the gradient.
pub fn second_gradient(case: &Case, goldens: &Goldens) -> Result<(), String> {
    if highest_order(case) < Order::Second {
        return Ok(());
    }
    let inputs = case.tensors(DType::F64);
    let found = derivatives(case, &inputs, Order::Second)?;
    if let Some(golden) = goldens.of(case)? {
        for (index, gradient) in case.differentiated().iter().zip(&found.second) {
            golden.holds(&format!("second{index}"), gradient, case.tolerance)?;
        }
    }
    finite_difference::check(case, &inputs, &found.second, |inputs| {
        let gradients = derivatives(case, inputs, Order::First)?.first;
        let projected = case.differentiated().into_iter().zip(&gradients).map(|(index, gradient)| {
            let weights = floats_of(&projection(gradient.dims(), index + 1, DType::F64));
            floats_of(gradient).iter().zip(weights).map(|(gradient, weight)| gradient * weight).sum::<f64>()
        });
        Ok(projected.sum())
    })
}
