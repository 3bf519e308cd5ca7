//! Which numbers of a graph are multiples of the batch: those that differ between the graphs of two batches.

use super::graph::{Constant, Graph, Size};
use crate::Value;

/// Leaves the batch of `graph` open, given the same function's graph for another batch. Says whether that could be done;
/// otherwise `graph` is as it was.
pub(super) fn open(graph: &mut Graph, other: &Graph, batches: [usize; 2]) -> bool {
    let Some(opened) = merged(graph, other, batches.map(|batch| batch as i64)) else { return false };
    *graph = opened;
    true
}

fn merged(graph: &Graph, other: &Graph, batches: [i64; 2]) -> Option<Graph> {
    if graph.nodes != other.nodes || graph.constants.len() != other.constants.len() {
        return None;
    }
    let mut merged = graph.clone();
    for ((name, constant), (other_name, other)) in merged.constants.iter_mut().zip(&other.constants) {
        if name != other_name {
            return None;
        }
        *constant = merge(constant, other, batches)?;
    }
    let ports = merged.inputs.iter_mut().chain([&mut merged.output]);
    for (port, other) in ports.zip(other.inputs.iter().chain([&other.output])) {
        port.sizes = multiples(&port.sizes, &other.sizes, batches)?;
    }
    Some(merged)
}

fn merge(constant: &Constant, other: &Constant, batches: [i64; 2]) -> Option<Constant> {
    match (constant, other) {
        (Constant::Weight(value), Constant::Weight(_)) => Some(Constant::Weight(value.clone())),
        (
            Constant::Sizes { sizes, for_reshape },
            Constant::Sizes { sizes: others, for_reshape: other_for_reshape },
        ) if for_reshape == other_for_reshape => {
            let sizes = multiples(sizes, others, batches)?;
            Some(Constant::Sizes { sizes, for_reshape: *for_reshape })
        }
        (Constant::Array(value), Constant::Array(other)) => merge_arrays(value, other, batches),
        _ => None,
    }
}

fn merge_arrays(value: &Value, other: &Value, batches: [i64; 2]) -> Option<Constant> {
    if value.dtype() != other.dtype() {
        return None;
    }
    let (bytes, others) = (bytes(value), bytes(other));
    if value.shape() == other.shape() {
        return (bytes == others).then(|| Constant::Array(value.clone()));
    }
    // Zeros for the state of a recurrent layer, and their like.
    let size = value.dtype().size_of();
    let element = bytes.get(..size)?;
    let is_filled = bytes.chunks(size).chain(others.chunks(size)).all(|other| other == element);
    let sizes =
        |value: &Value| value.shape().iter().map(|&size| Size::Fixed(size as i64)).collect::<Vec<_>>();
    let sizes = multiples(&sizes(value), &sizes(other), batches)?;
    let first = value.contiguous();
    let layout = crate::Layout::new((), crate::Strides::new(), first.layout().offset());
    is_filled.then(|| Constant::Filled { element: first.with_layout(layout), sizes })
}

fn bytes(value: &Value) -> Vec<u8> {
    super::serialise::elements(value)
}

/// Sizes that agree, or are the same multiple of their batches.
fn multiples(sizes: &[Size], others: &[Size], [batch, other_batch]: [i64; 2]) -> Option<Vec<Size>> {
    if sizes.len() != others.len() {
        return None;
    }
    let multiple = |(size, other): (&Size, &Size)| match (*size, *other) {
        (size, other) if size == other => Some(size),
        (Size::Fixed(size), Size::Fixed(other)) => {
            let factor = size / batch;
            (factor > 0 && size == factor * batch && other == factor * other_batch)
                .then_some(Size::Batch(factor))
        }
        _ => None,
    };
    sizes.iter().zip(others).map(multiple).collect()
}
