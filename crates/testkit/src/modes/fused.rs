//! Fused ops against what they decompose into.

use std::cell::RefCell;
use std::rc::Rc;

use wengert_tensor::{DType, inspect, unfused};

use crate::case::Case;
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
    fused.matches(&plain, TOLERANCE).map_err(|difference| format!("fused form: {difference}"))
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
