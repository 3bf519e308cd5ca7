//! The one door through which every op passes: infer, run, record, show.

use crate::autograd::{Node, Recording, inspect_for_anomaly, is_grad_enabled};
use crate::device::default_device;
use crate::inspect::{finish_observation, note_for_history, start_observation};
use crate::op::{Op, Specs, Values};
use crate::unfused::is_unfused;
use crate::{Device, Error, Result, Tensor, Value, attempt, onnx, ops};
use smallvec::SmallVec;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// What an op is given: a tensor that its caller keeps, or one whose memory the op may overwrite where nobody else holds
/// it.
pub(crate) enum Operand<'a> {
    Lent(&'a Tensor),
    Given(Tensor),
}

type Operands<'a> = SmallVec<[Operand<'a>; 2]>;

impl Deref for Operand<'_> {
    type Target = Tensor;
    fn deref(&self) -> &Tensor {
        match self {
            Operand::Lent(tensor) => tensor,
            Operand::Given(tensor) => tensor,
        }
    }
}

impl From<Tensor> for Operand<'_> {
    fn from(tensor: Tensor) -> Self {
        Operand::Given(tensor)
    }
}

impl<'a> From<&'a Tensor> for Operand<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Operand::Lent(tensor)
    }
}

/// Runs `op` on `inputs` and records it where a gradient may be asked for.
///
/// # Errors
/// Whatever the op's [`infer`](Op::infer) finds wrong with shapes, types and attributes, or its
/// [`forward`](Op::forward) with the contents.
#[track_caller]
pub fn apply(op: impl Op, inputs: &[&Tensor]) -> Result<Tensor> {
    pass(op, inputs.iter().copied().map(Operand::Lent).collect())
}

/// As [`apply`], giving the operands away: the op may write its result into the memory of one that nobody else holds.
///
/// # Errors
/// As [`apply`].
#[track_caller]
pub fn apply_owned(op: impl Op, inputs: SmallVec<[Tensor; 4]>) -> Result<Tensor> {
    pass(op, inputs.into_iter().map(Operand::Given).collect())
}

/// Turns an error into a panic with its message: for tensor methods and operators, where it is a programmer's mistake.
#[track_caller]
pub(crate) fn must<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => attempt::fail(error),
    }
}

/// As [`apply`], with operands of both kinds.
#[track_caller]
pub(crate) fn pass(op: impl Op, inputs: Operands<'_>) -> Result<Tensor> {
    let location = Location::caller();
    // An op that is not recorded needs no node.
    if is_grad_enabled() && inputs.iter().any(|input| input.requires_grad()) {
        run(Passing::Recorded(Node::before(op)), inputs, location)
    } else {
        run(Passing::Constant(&op), inputs, location)
    }
}

/// An op on its way through the door.
enum Passing<'a> {
    /// It goes onto the tape where its output can have a gradient.
    Recorded(Arc<Node>),
    Constant(&'a dyn Op),
}

// Not generic, so that it is compiled once and not for every op.
fn run(passing: Passing<'_>, inputs: Operands<'_>, location: &'static Location<'static>) -> Result<Tensor> {
    let op = match &passing {
        Passing::Recorded(node) => node.op(),
        Passing::Constant(op) => *op,
    };
    debug_assert!(
        op.is_custom() || ops::is_registered(op.name()),
        "op '{}' is not in its family's OPS",
        op.name()
    );
    let mut specs = Specs::new();
    inputs.iter().for_each(|input| specs.push(input.spec()));
    let output = op.infer(&specs)?;
    output.shape.checked_numel(op.name())?;
    if is_unfused() || onnx::wants_plain(op, &specs, &output) {
        let tensors: SmallVec<[Tensor; 4]> = inputs.iter().map(|input| Tensor::clone(input)).collect();
        if let Some(plain) = op.decompose(&tensors) {
            return Ok(plain);
        }
    }
    let mut recording = match &passing {
        Passing::Recorded(_) if output.dtype.is_float() => Some(Recording::start(op.saves(), &inputs)),
        _ => None,
    };
    let watch = start_observation();
    let mut values = Values::new();
    for input in inputs {
        values.push(match &mut recording {
            Some(recording) => recording.read(input),
            None => input.into_value(),
        });
    }
    let operands = onnx::operands(&values);
    let value = match device_of(op.name(), &values)? {
        Device::Cpu => op.forward(values, &output)?,
        Device::Cuda(ordinal) => op.forward_cuda(values, &output, &wengert_cuda::Device::get(ordinal)?)?,
    };
    debug_assert_eq!(
        (value.shape(), value.dtype()),
        (&output.shape, output.dtype),
        "{} did not make what it inferred",
        op.name()
    );
    finish_observation(watch, op, &specs, &output, &value);
    onnx::note(op, operands, &specs, &value, location);
    let name = op.name();
    let node = match (passing, recording) {
        (Passing::Recorded(node), Some(recording)) => {
            Some(recording.finish(node, specs, output, &value, location))
        }
        _ => None,
    };
    let tensor = Tensor::computed(value, node);
    inspect_for_anomaly(name, &tensor, location);
    note_for_history(&tensor);
    Ok(tensor)
}

/// Where the operands lie; without any, where new tensors go.
fn device_of(op: &'static str, values: &Values) -> Result<Device> {
    let Some(first) = values.first() else { return Ok(default_device()) };
    let device = first.device();
    match values.iter().map(Value::device).find(|&other| other != device) {
        None => Ok(device),
        Some(other) => {
            let detail = format!("needs operands on one device, got {device} and {other}; use to_device");
            Err(Error::device(op, detail))
        }
    }
}

impl Operand<'_> {
    fn into_value(self) -> Value {
        match self {
            Operand::Lent(tensor) => tensor.value().clone(),
            Operand::Given(tensor) => tensor.into_parts().0,
        }
    }
}
