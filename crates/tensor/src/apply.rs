//! The one door through which every op passes: infer, run, record, show.

use crate::autograd::{Recording, inspect_for_anomaly, is_grad_enabled};
use crate::inspect::{finish_observation, start_observation};
use crate::op::{Op, Spec};
use crate::unfused::is_unfused;
use crate::{Result, Tensor, ops};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::Arc;

/// Runs `op` on `inputs` and records it where a gradient may be asked for.
///
/// # Errors
/// Whatever the op's [`infer`](Op::infer) finds wrong with shapes, types and attributes, or its
/// [`forward`](Op::forward) with the contents.
#[track_caller]
pub fn apply(op: impl Op, inputs: &[&Tensor]) -> Result<Tensor> {
    pass(Arc::new(op), inputs.iter().map(|&tensor| tensor.clone()).collect(), Location::caller())
}

/// As [`apply`], giving the operands away: the op may write its result into the memory of one that nobody else holds.
///
/// # Errors
/// As [`apply`].
#[track_caller]
pub fn apply_owned(op: impl Op, inputs: SmallVec<[Tensor; 4]>) -> Result<Tensor> {
    pass(Arc::new(op), inputs, Location::caller())
}

/// Turns an error into a panic with its message: for tensor methods and operators, where it is a programmer's mistake.
#[track_caller]
pub(crate) fn must<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

// Not generic, so that it is compiled once and not for every op.
fn pass(
    op: Arc<dyn Op>,
    inputs: SmallVec<[Tensor; 4]>,
    location: &'static Location<'static>,
) -> Result<Tensor> {
    debug_assert!(
        op.is_custom() || ops::is_registered(op.name()),
        "op '{}' is not in its family's OPS",
        op.name()
    );
    let specs: SmallVec<[Spec; 4]> = inputs.iter().map(Tensor::spec).collect();
    let output = op.infer(&specs)?;
    output.shape.checked_numel(op.name())?;
    if is_unfused()
        && let Some(plain) = op.decompose(&inputs)
    {
        return Ok(plain);
    }
    let recorded = is_grad_enabled() && output.dtype.is_float() && inputs.iter().any(Tensor::requires_grad);
    let recording = recorded.then(|| Recording::start(op.saves(), &inputs));
    let watch = start_observation();
    let values = inputs.into_iter().map(Tensor::into_value).collect();
    let value = op.forward(values, &output)?;
    debug_assert_eq!(
        (value.shape(), value.dtype()),
        (&output.shape, output.dtype),
        "{} did not make what it inferred",
        op.name()
    );
    finish_observation(watch, &*op, &specs, &output, &value);
    let node = recording.map(|recording| recording.finish(op.clone(), specs, output, &value, location));
    let tensor = Tensor::computed(value, node);
    inspect_for_anomaly(op.name(), &tensor, location);
    Ok(tensor)
}
