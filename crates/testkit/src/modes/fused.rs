//! Fused ops against what they decompose into.

use std::cell::RefCell;
use std::rc::Rc;

use wengert_tensor::{DType, inspect, unfused};

use crate::case::Case;
use crate::compare;
use crate::derivative::{Derivatives, derivatives, highest_order};
use crate::golden::Goldens;

/// How far a fused form may stray from the plain one in f64.
const TOLERANCE: (f64, f64) = (1e-9, 1e-11);

/// A fused op has the value, the gradient and the second gradient of what it decomposes into.
pub fn fused(case: &Case, _: &Goldens) -> Result<(), String> {
    let (fused_ops, fused) = run(case)?;
    let (plain_ops, plain) = unfused(|| run(case))?;
    if fused_ops == plain_ops {
        return Ok(());
    }
    let pairs = [("value", std::slice::from_ref(&fused.value), std::slice::from_ref(&plain.value))];
    let pairs = pairs.into_iter().chain([("gradient", &fused.first[..], &plain.first[..])]);
    for (name, fused, plain) in pairs.chain([("second gradient", &fused.second[..], &plain.second[..])]) {
        for (index, (fused, plain)) in fused.iter().zip(plain).enumerate() {
            compare::matches(fused, plain.dims(), &compare::elements(plain), TOLERANCE)
                .map_err(|difference| format!("{name} {index} of the fused form: {difference}"))?;
        }
    }
    Ok(())
}

/// The derivatives of a case and the names of the ops that ran.
fn run(case: &Case) -> Result<(Vec<&'static str>, Derivatives), String> {
    let names = Rc::new(RefCell::new(Vec::new()));
    let seen = names.clone();
    let watch = move |event: &inspect::OpEvent| seen.borrow_mut().push(event.op.name());
    let found =
        inspect::observe(watch, || derivatives(case, &case.tensors(DType::F64), highest_order(case)))?;
    Ok((names.take(), found))
}
