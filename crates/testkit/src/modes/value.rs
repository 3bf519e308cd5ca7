//! Values against PyTorch.

use wengert_tensor::DType;

use crate::case::Case;
use crate::derivative::{Order, derivatives};
use crate::golden::Goldens;

/// The value in f64 is PyTorch's.
pub fn value(case: &Case, goldens: &Goldens) -> Result<(), String> {
    let found = derivatives(case, &case.tensors(DType::F64), Order::Value)?.value;
    match goldens.of(case)? {
        Some(golden) => golden.holds("value", &found, case.tolerance),
        None => Ok(()),
    }
}
