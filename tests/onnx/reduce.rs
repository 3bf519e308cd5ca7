//! Reductions, scans, sorting and softmax.

use crate::node::{Node, Outputs, one};
use wengert_tensor::{DType, Tensor};

pub fn run(node: &Node) -> Outputs {
    let x = || node.input(0);
    one(match node.op.as_str() {
        "ArgMax" => position(node, &x(), |x, axis, keepdim| x.argmax(axis, keepdim)),
        "ArgMin" => position(node, &x(), |x, axis, keepdim| x.argmin(axis, keepdim)),
        "CumSum" => cumsum(node, &x()),
        "Hardmax" => hardmax(&x(), node.int("axis", -1)),
        "LogSoftmax" => x().log_softmax(node.int("axis", -1)),
        "Softmax" => x().softmax(node.int("axis", -1)),
        "TopK" => return top(node, &x()),
        name if name.starts_with("Reduce") => reduce(node, &x())?,
        _ => return Ok(None),
    })
}

fn reduce(node: &Node, x: &Tensor) -> Result<Tensor, String> {
    let axes = node.integers(1).or_else(|| node.ints("axes")).unwrap_or_default();
    let keepdim = node.flag("keepdims", true);
    if axes.is_empty() && node.flag("noop_with_empty_axes", false) {
        return match node.op.as_str() {
            "ReduceSum" => Ok(x.clone()),
            other => Err(format!("no {other} of no axes")),
        };
    }
    let boolean = x.dtype() == DType::Bool;
    Ok(match node.op.as_str() {
        "ReduceL1" => x.norm(1.0, &axes, keepdim),
        "ReduceL2" => x.norm(2.0, &axes, keepdim),
        "ReduceLogSum" => x.sum(&axes, keepdim).log(),
        "ReduceLogSumExp" => x.logsumexp(&axes, keepdim),
        "ReduceMax" if boolean => x.any(&axes, keepdim),
        "ReduceMax" => x.amax(&axes, keepdim),
        "ReduceMean" => x.mean(&axes, keepdim),
        "ReduceMin" if boolean => x.all(&axes, keepdim),
        "ReduceMin" => x.amin(&axes, keepdim),
        "ReduceProd" => x.prod(&axes, keepdim),
        "ReduceSum" => x.sum(&axes, keepdim),
        "ReduceSumSquare" => x.square().sum(&axes, keepdim),
        other => return Err(format!("no {other}")),
    })
}

/// Where the extreme element stands; the last such place is the first one of the flipped tensor.
fn position(node: &Node, x: &Tensor, find: fn(&Tensor, isize, bool) -> Tensor) -> Tensor {
    let (axis, keepdim) = (node.int("axis", 0), node.flag("keepdims", true));
    if node.flag("select_last_index", false) {
        return (x.dim(axis) - 1) as f64 - find(&x.flip(&[axis]), axis, keepdim);
    }
    find(x, axis, keepdim)
}

fn cumsum(node: &Node, x: &Tensor) -> Tensor {
    let axis = node.input(1).item() as isize;
    let turn = |x: &Tensor| if node.flag("reverse", false) { x.flip(&[axis]) } else { x.clone() };
    let sums = turn(&turn(x).cumsum(axis));
    if node.flag("exclusive", false) { sums - x } else { sums }
}

fn hardmax(x: &Tensor, axis: isize) -> Tensor {
    x.argmax(axis, false).one_hot(x.dim(axis)).movedim(-1, axis).to_dtype(x.dtype())
}

fn top(node: &Node, x: &Tensor) -> Outputs {
    let k = node.input(1).item() as usize;
    let (values, indices) = x.topk(k, node.int("axis", -1), node.flag("largest", true));
    Ok(Some(vec![values, indices]))
}
