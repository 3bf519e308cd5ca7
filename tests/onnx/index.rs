//! Gathering, scattering and one-hot vectors.

use crate::node::{Node, Outputs, one};
use wengert_tensor::{DType, Tensor};

pub fn run(node: &Node) -> Outputs {
    let x = || node.input(0);
    let axis = node.int("axis", 0);
    one(match node.op.as_str() {
        "Gather" => gather(&x(), &node.input(1), axis),
        "GatherElements" => x().gather(axis, &from_front(&node.input(1), x().dim(axis))),
        "GatherND" => gather_nd(node, &x()),
        "OneHot" => one_hot(node, &x()),
        "Scatter" | "ScatterElements" => {
            let (index, updates) = (from_front(&node.input(1), x().dim(axis)), node.input(2));
            match node.text("reduction", "none") {
                "none" => x().scatter(axis, &index, &updates),
                "add" => x().scatter_add(axis, &index, &updates),
                other => return Err(format!("no scatter that takes the {other}")),
            }
        }
        "ScatterND" => scatter_nd(node, &x())?,
        _ => return Ok(None),
    })
}

/// Indices of which negative ones counted from the end.
fn from_front(index: &Tensor, size: usize) -> Tensor {
    index.lt_scalar(0.0).where_(&(index + size as f64), index)
}

fn gather(x: &Tensor, index: &Tensor, axis: isize) -> Tensor {
    let axis = if axis < 0 { axis + x.rank() as isize } else { axis } as usize;
    let flat = from_front(index, x.dims()[axis]).reshape([-1isize]);
    let shape = [&x.dims()[..axis], index.dims(), &x.dims()[axis + 1..]].concat();
    x.index_select(axis as isize, &flat).reshape(shape)
}

/// Index tuples along the last axis of `index` as positions in axes `axes` of `shape`, row-major; the shape is that of
/// the tuples.
fn positions(index: &Tensor, sizes: &[usize]) -> Tensor {
    let parts = (0..sizes.len()).map(|axis| {
        let stride: usize = sizes[axis + 1..].iter().product();
        from_front(&index.select(-1, axis as isize), sizes[axis]) * stride as f64
    });
    parts.reduce(|sum, part| sum + part).expect("at least one index")
}

fn gather_nd(node: &Node, x: &Tensor) -> Tensor {
    let batch = node.int("batch_dims", 0) as usize;
    let index = node.input(1);
    let indexed = batch + index.dim(-1);
    let mut position = positions(&index, &x.dims()[batch..indexed]);
    let count: usize = x.dims()[batch..indexed].iter().product();
    let batches: usize = x.dims()[..batch].iter().product();
    let shape = [position.dims(), &x.dims()[indexed..]].concat();
    // Batches follow each other, `count` positions apart.
    position = position.reshape([batches, position.numel() / batches]);
    let first = Tensor::arange(0, batches as i64, 1).unsqueeze(1) * count as f64;
    let rows = x.reshape([[batches * count].as_slice(), &x.dims()[indexed..]].concat());
    rows.index_select(0, &(position + first).reshape([-1isize])).reshape(shape)
}

fn scatter_nd(node: &Node, x: &Tensor) -> Result<Tensor, String> {
    let (index, updates) = (node.input(1), node.input(2));
    let (indexed, rest) = x.dims().split_at(index.dim(-1));
    let position = positions(&index, indexed).reshape([-1isize]);
    let (count, width): (usize, usize) = (indexed.iter().product(), rest.iter().product());
    let (rows, updates) = (x.reshape([count, width]), updates.reshape([position.numel(), width]));
    let scattered = match node.text("reduction", "none") {
        "none" => rows.scatter(0, &position.unsqueeze(1).expand([position.numel(), width]), &updates),
        "add" => rows.index_add(0, &position, &updates),
        other => return Err(format!("no scatter that takes the {other}")),
    };
    Ok(scattered.reshape(x.dims()))
}

fn one_hot(node: &Node, index: &Tensor) -> Tensor {
    let depth = node.input(1).item() as usize;
    let values = node.input(2);
    let (off, on) = (values.select(0, 0), values.select(0, 1));
    let index = from_front(&index.to_dtype(DType::I64), depth);
    let hot = index.one_hot(depth).movedim(-1, node.int("axis", -1));
    hot.eq_scalar(1.0).where_(&on, &off)
}
