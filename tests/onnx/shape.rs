//! Operators that move elements, make new ones or look at shapes.

use crate::node::{Node, Outputs, one};
use wengert_tensor::{DType, PadMode, Tensor, broadcast};

pub fn run(node: &Node) -> Outputs {
    let x = || node.input(0);
    one(match node.op.as_str() {
        "Concat" => Tensor::cat(&node.inputs().iter().collect::<Vec<_>>(), node.int("axis", 0)),
        "ConstantOfShape" => constant(node),
        "DepthToSpace" => depth_to_space(node, &x()),
        "Expand" => expand(node, &x()),
        "EyeLike" => eye(node, &x()),
        "Flatten" => {
            let x = x();
            let (left, right) = x.dims().split_at(resolve(node.int("axis", 1), x.rank()));
            x.reshape([left.iter().product::<usize>(), right.iter().product()])
        }
        "Pad" => pad(node, &x())?,
        "Range" => range(node),
        "Reshape" => reshape(node, &x()),
        "Shape" => sizes(node, &x()),
        "Size" => Tensor::scalar(x().numel() as i64),
        "Slice" => slice(node, &x()),
        "SpaceToDepth" => space_to_depth(node, &x()),
        "Split" => return Ok(Some(split(node, &x()))),
        "Squeeze" => {
            let mut axes: Vec<usize> =
                node.integers(1).unwrap_or_default().iter().map(|&axis| resolve(axis, x().rank())).collect();
            axes.sort_unstable();
            axes.iter().rev().fold(x(), |x, &axis| x.squeeze(axis as isize))
        }
        "Tile" => {
            x().tile(&node.integers(1).unwrap_or_default().iter().map(|&n| n as usize).collect::<Vec<_>>())
        }
        "Transpose" => {
            let backwards = || (0..x().rank() as isize).rev().collect();
            x().permute(&node.ints("perm").unwrap_or_else(backwards))
        }
        "Trilu" => {
            let diagonal = node.optional(1).map_or(0, |k| k.item() as i64);
            if node.flag("upper", true) { x().triu(diagonal) } else { x().tril(diagonal) }
        }
        "Unsqueeze" => {
            let axes = node.integers(1).unwrap_or_default();
            let mut axes: Vec<usize> =
                axes.iter().map(|&axis| resolve(axis, x().rank() + axes.len())).collect();
            axes.sort_unstable();
            axes.iter().fold(x(), |x, &axis| x.unsqueeze(axis as isize))
        }
        _ => return Ok(None),
    })
}

/// An axis counted from the front.
fn resolve(axis: isize, rank: usize) -> usize {
    if axis < 0 { (axis + rank as isize) as usize } else { axis as usize }
}

/// The sizes in input `index`.
fn shape_in(node: &Node, index: usize) -> Vec<usize> {
    node.integers(index).unwrap_or_default().into_iter().map(|size| size as usize).collect()
}

fn constant(node: &Node) -> Tensor {
    let value = node.tensor("value").unwrap_or_else(|| Tensor::scalar(0f32));
    Tensor::full(shape_in(node, 0), value.item(), value.dtype())
}

fn depth_to_space(node: &Node, x: &Tensor) -> Tensor {
    let block = node.int("blocksize", 1) as usize;
    if node.text("mode", "DCR") == "CRD" {
        return x.pixel_shuffle(block);
    }
    let &[batch, channels, height, width] = x.dims() else { panic!("images expected, got {}", x.shape()) };
    let channels = channels / (block * block);
    let parts = x.reshape([batch, block, block, channels, height, width]).permute(&[0, 3, 4, 1, 5, 2]);
    parts.reshape([batch, channels, height * block, width * block])
}

fn space_to_depth(node: &Node, x: &Tensor) -> Tensor {
    let block = node.int("blocksize", 1) as usize;
    if node.text("mode", "DCR") == "CRD" {
        return x.pixel_unshuffle(block);
    }
    let &[batch, channels, height, width] = x.dims() else { panic!("images expected, got {}", x.shape()) };
    let (height, width) = (height / block, width / block);
    let parts = x.reshape([batch, channels, height, block, width, block]).permute(&[0, 3, 5, 1, 2, 4]);
    parts.reshape([batch, channels * block * block, height, width])
}

fn expand(node: &Node, x: &Tensor) -> Tensor {
    x.broadcast_to(broadcast("expand", x.shape(), &shape_in(node, 1).into()).expect("shapes that broadcast"))
}

fn eye(node: &Node, x: &Tensor) -> Tensor {
    let (rows, columns) = (x.dim(0), x.dim(1));
    let offset = node.int("k", 0);
    let size = rows.max(columns) + offset.unsigned_abs();
    let (top, left) = ((-offset).max(0) as usize, offset.max(0) as usize);
    let square = Tensor::eye(size, node.output_dtype(0));
    // The diagonal of the square starts further along whichever axis is cut less.
    square.narrow(0, left, rows).narrow(1, top, columns)
}

fn pad(node: &Node, x: &Tensor) -> Result<Tensor, String> {
    let pads = node.integers(1).unwrap_or_default();
    let axes = node.integers(3).unwrap_or_else(|| (0..x.rank() as isize).collect());
    let mut amounts = vec![(0, 0); x.rank()];
    for (position, &axis) in axes.iter().enumerate() {
        amounts[resolve(axis, x.rank())] = (pads[position], pads[position + axes.len()]);
    }
    let mode = match node.text("mode", "constant") {
        "constant" => PadMode::Constant(node.optional(2).map_or(0.0, |value| value.item())),
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Replicate,
        "wrap" => PadMode::Circular,
        other => return Err(format!("no padding mode {other}")),
    };
    Ok(x.pad(&amounts, mode))
}

fn range(node: &Node) -> Tensor {
    let [start, limit, delta] = [0, 1, 2].map(|index| node.input(index).item());
    let count = ((limit - start) / delta).ceil().max(0.0) as i64;
    let steps = Tensor::arange(0, count, 1).to_dtype(DType::F64);
    (steps * delta + start).to_dtype(node.input(0).dtype())
}

fn reshape(node: &Node, x: &Tensor) -> Tensor {
    let mut sizes = node.integers(1).unwrap_or_default();
    if !node.flag("allowzero", false) {
        for (axis, size) in sizes.iter_mut().enumerate().filter(|(_, size)| **size == 0) {
            *size = x.dims()[axis] as isize;
        }
    }
    x.reshape(sizes)
}

fn sizes(node: &Node, x: &Tensor) -> Tensor {
    let rank = x.rank() as isize;
    let bound = |name, default| match node.int(name, default) {
        axis if axis < 0 => (axis + rank).max(0),
        axis => axis.min(rank),
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    let sizes: Vec<i64> = (start..end).map(|axis| x.dim(axis) as i64).collect();
    let count = sizes.len();
    Tensor::from_vec(sizes, count)
}

fn slice(node: &Node, x: &Tensor) -> Tensor {
    let starts = node.integers(1).unwrap_or_default();
    let ends = node.integers(2).unwrap_or_default();
    let axes = node.integers(3).unwrap_or_else(|| (0..starts.len() as isize).collect());
    let steps = node.integers(4).unwrap_or_else(|| vec![1; starts.len()]);
    let mut out = x.clone();
    for (position, &axis) in axes.iter().enumerate() {
        let (start, end, step) = (starts[position], ends[position], steps[position]);
        let size = out.dim(axis) as isize;
        let from_front = |bound: isize| if bound < 0 { bound + size } else { bound };
        out = if step > 0 {
            let [start, end] = [start, end].map(|bound| from_front(bound).clamp(0, size));
            out.slice(axis, start, end.max(start), step as usize)
        } else {
            // Backwards: element i of the axis is element size − 1 − i of the flipped one.
            let [start, end] = [start, end].map(|bound| (size - 1 - from_front(bound)).clamp(0, size));
            out.flip(&[axis]).slice(axis, start, end.max(start), step.unsigned_abs())
        };
    }
    out
}

fn split(node: &Node, x: &Tensor) -> Vec<Tensor> {
    let axis = node.int("axis", 0);
    let count = node.output_count();
    let size = x.dim(axis);
    let each = size.div_ceil(count);
    let equal = || (0..count).map(|part| each.min(size - each * part) as isize).collect();
    let mut start = 0;
    let parts = node.integers(1).unwrap_or_else(equal).into_iter();
    parts
        .map(|length| {
            let part = x.narrow(axis, start, length as usize);
            start += length as usize;
            part
        })
        .collect()
}
