//! Strided, broadcast and empty inputs against contiguous ones.

use wengert_tensor::{DType, Tensor};

use crate::case::{Case, Elements};
use crate::compare;
use crate::derivative::{Order, derivatives, highest_order};
use crate::golden::Goldens;

type Arrange = fn(&Tensor) -> Tensor;

/// Other ways to lay out the elements of a tensor; each must change nothing.
const LAYOUTS: [(&str, Arrange); 4] =
    [("permuted", permuted), ("stepped", stepped), ("flipped", flipped), ("broadcast", broadcast)];

/// How far a sum in another order may stray.
const TOLERANCE: (f64, f64) = (1e-11, 1e-12);

/// Value and gradients on permuted, stepped, flipped and broadcast inputs are those on contiguous ones, and an op that
/// works element by element takes no elements at all.
pub fn layout(case: &Case, _: &Goldens) -> Result<(), String> {
    if !case.layouts {
        return Ok(());
    }
    let inputs = case.tensors(DType::F64);
    let order = highest_order(case);
    for (name, arrange) in LAYOUTS {
        let arranged: Vec<Tensor> = inputs.iter().map(arrange).collect();
        let contiguous: Vec<Tensor> = arranged.iter().map(repacked).collect();
        let expected = derivatives(case, &contiguous, order)?;
        let found = derivatives(case, &arranged, order).map_err(|error| format!("{name}: {error}"))?;
        found.matches(&expected, TOLERANCE).map_err(|difference| format!("{name}: {difference}"))?;
    }
    empty(case, &inputs, order).map_err(|difference| format!("empty: {difference}"))
}

/// Runs the case without any elements, where all inputs and the output share one shape.
fn empty(case: &Case, inputs: &[Tensor], order: Order) -> Result<(), String> {
    let Some(first) = inputs.first().filter(|input| input.rank() > 0) else { return Ok(()) };
    let value = derivatives(case, inputs, Order::Value)?.value;
    if inputs.iter().chain([&value]).any(|tensor| tensor.dims() != first.dims()) || !case.elementwise {
        return Ok(());
    }
    let nothing: Vec<Tensor> = inputs.iter().map(|input| input.narrow(0, 0, 0)).collect();
    let found = derivatives(case, &nothing, order)?;
    for tensor in found.first.iter().chain(&found.second).chain([&found.value]) {
        if tensor.dims() != nothing[0].dims() {
            return Err(format!("found shape {:?}, expected {:?}", tensor.dims(), nothing[0].dims()));
        }
    }
    Ok(())
}

/// The same elements, row-major in a buffer of their own.
fn repacked(tensor: &Tensor) -> Tensor {
    build(tensor.dims(), compare::elements(tensor))
}

fn build(shape: &[usize], elements: Elements) -> Tensor {
    elements.tensor(shape, DType::F64)
}

/// The elements stored column-major.
fn permuted(tensor: &Tensor) -> Tensor {
    let backwards: Vec<isize> = (0..tensor.rank() as isize).rev().collect();
    repacked(&tensor.permute(&backwards)).permute(&backwards)
}

/// The elements stored with a gap before each one.
fn stepped(tensor: &Tensor) -> Tensor {
    if tensor.rank() == 0 {
        return tensor.clone();
    }
    fn gaps<T: Copy>(values: &[T]) -> Vec<T> {
        values.iter().flat_map(|&value| [value, value]).collect()
    }
    let mut shape = tensor.dims().to_vec();
    shape[tensor.rank() - 1] *= 2;
    let doubled = match compare::elements(tensor) {
        Elements::Floats(values) => Elements::Floats(gaps(&values)),
        Elements::Integers(values) => Elements::Integers(gaps(&values)),
        Elements::Booleans(values) => Elements::Booleans(gaps(&values)),
    };
    let last = shape[shape.len() - 1] as isize;
    build(&shape, doubled).slice(-1, 1.min(last), last, 2)
}

/// The elements stored backwards along the first and the last axis.
fn flipped(tensor: &Tensor) -> Tensor {
    match tensor.rank() {
        0 => tensor.clone(),
        1 => repacked(&tensor.flip(&[0])).flip(&[0]),
        _ => repacked(&tensor.flip(&[0, -1])).flip(&[0, -1]),
    }
}

/// The first slice along the first axis, in place of all the others.
fn broadcast(tensor: &Tensor) -> Tensor {
    if tensor.rank() == 0 || tensor.numel() == 0 {
        return tensor.clone();
    }
    tensor.narrow(0, 0, 1).expand(tensor.dims())
}
