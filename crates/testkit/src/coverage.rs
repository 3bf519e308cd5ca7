//! Which ops the cases exercise, forward and backward.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use wengert_tensor::{DType, inspect};

use crate::case::Case;
use crate::derivative::{derivatives, highest_order};
use crate::modes::attempt;

/// Names of the ops that ran while a case was computed and differentiated as often as it allows.
///
/// # Errors
/// Why the case could not be run.
pub fn ops_of(case: &Case) -> Result<BTreeSet<&'static str>, String> {
    let names = Rc::new(RefCell::new(BTreeSet::new()));
    let seen = names.clone();
    let watch = move |event: &inspect::OpEvent| {
        seen.borrow_mut().insert(event.op.name());
    };
    attempt(|| {
        inspect::observe(watch, || derivatives(case, &case.tensors(DType::F64), highest_order(case)))
    })?;
    Ok(names.take())
}
