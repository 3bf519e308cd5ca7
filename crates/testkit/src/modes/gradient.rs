//! Gradients against PyTorch and central differences.

use wengert_tensor::{DType, Tensor};

use crate::case::Case;
use crate::compare::floats_of;
use crate::derivative::{Order, derivatives, derivatives_by, highest_order, projection};
use crate::finite_difference;
use crate::golden::Goldens;

/// Outputs up to this size have their whole Jacobian checked, a row an output element.
const TINY: usize = 8;

/// The gradient in f64 is PyTorch's, and that of central differences.
pub fn gradient(case: &Case, goldens: &Goldens) -> Result<(), String> {
    if highest_order(case) < Order::First {
        return Ok(());
    }
    let inputs = case.tensors(DType::F64);
    let found = derivatives(case, &inputs, Order::First)?;
    if let Some(golden) = goldens.of(case)? {
        for (index, gradient) in case.differentiated().iter().zip(&found.first) {
            golden.holds(&format!("gradient{index}"), gradient, case.tolerance)?;
        }
    }
    if !case.differences {
        return Ok(());
    }
    let shape = found.value.dims();
    check(case, &inputs, &projection(shape, 0, DType::F64))?;
    let count = found.value.numel();
    if (2..=TINY).contains(&count) {
        for position in 0..count {
            let mut row = vec![0.0; count];
            row[position] = 1.0;
            check(case, &inputs, &Tensor::from_vec(row, shape))?;
        }
    }
    Ok(())
}

/// Holds the gradient of Σ output·weights against differences.
fn check(case: &Case, inputs: &[Tensor], weights: &Tensor) -> Result<(), String> {
    let gradients = derivatives_by(case, inputs, Order::First, |_| weights.clone())?.first;
    let weights = floats_of(weights);
    finite_difference::check(case, inputs, &gradients, |inputs| {
        let value = derivatives(case, inputs, Order::Value)?.value;
        Ok(floats_of(&value).iter().zip(&weights).map(|(value, weight)| value * weight).sum())
    })
}
