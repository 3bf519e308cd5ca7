//! f32 against f64.

use wengert_tensor::DType;

use crate::case::{Case, Elements};
use crate::compare;
use crate::derivative::{Order, derivatives, highest_order};
use crate::golden::Goldens;

/// Value and gradient in f32 are close to those in f64, and stay in f32.
pub fn single(case: &Case, _: &Goldens) -> Result<(), String> {
    if !case.single {
        return Ok(());
    }
    let order = highest_order(case).min(Order::First);
    let double = derivatives(case, &case.tensors(DType::F64), order)?;
    let single = derivatives(case, &case.tensors(DType::F32), order)?;
    let named = double.first.iter().zip(&single.first).zip(case.differentiated());
    let named = named.map(|((double, single), index)| (format!("gradient{index}"), double, single));
    for (name, double, single) in
        [("value".to_owned(), &double.value, &single.value)].into_iter().chain(named)
    {
        let expected = compare::elements(double);
        if matches!(expected, Elements::Floats(_)) && single.dtype() != DType::F32 {
            return Err(format!("{name}: found {}, expected f32", single.dtype()));
        }
        compare::matches(single, double.dims(), &expected, case.single_tolerance)
            .map_err(|difference| format!("{name}: {difference}"))?;
    }
    Ok(())
}
