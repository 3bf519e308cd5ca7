//! Normalisation.

use crate::node::{Node, Outputs, one};
use wengert_tensor::Tensor;

pub fn run(node: &Node) -> Outputs {
    let x = || node.input(0);
    let epsilon = node.float("epsilon", 1e-5);
    one(match node.op.as_str() {
        "BatchNormalization" => return batch(node, &x(), epsilon),
        "GroupNormalization" => x().group_norm(
            node.int("num_groups", 1) as usize,
            Some(&node.input(1)),
            Some(&node.input(2)),
            epsilon,
        ),
        "InstanceNormalization" => x().instance_norm(Some(&node.input(1)), Some(&node.input(2)), epsilon),
        "LayerNormalization" => return layer(node, &x(), epsilon),
        "LpNormalization" => {
            let norm = x().norm(node.float("p", 2.0), &[node.int("axis", -1)], true);
            // Nothing divided by a norm of nothing is nothing.
            x() / norm.masked_fill(&norm.eq_scalar(0.0), 1.0)
        }
        "MeanVarianceNormalization" => {
            let axes = node.ints("axes").unwrap_or_else(|| vec![0, 2, 3]);
            (x() - x().mean(&axes, true)) / (x().var(&axes, 0.0, true).sqrt() + 1e-9)
        }
        "RMSNormalization" => {
            let square = x().square().mean(&trailing(node, &x()), true);
            x() * (square + epsilon).rsqrt() * node.input(1)
        }
        _ => return Ok(None),
    })
}

/// The axes from the node's `axis` on, counted from the back.
fn trailing(node: &Node, x: &Tensor) -> Vec<isize> {
    let (axis, rank) = (node.int("axis", -1), x.rank() as isize);
    (if axis < 0 { axis } else { axis - rank }..0).collect()
}

fn batch(node: &Node, x: &Tensor, epsilon: f64) -> Outputs {
    let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|index| node.input(index));
    if !node.flag("training_mode", false) {
        return one(x.batch_norm_eval(&mean, &variance, Some(&scale), Some(&bias), epsilon));
    }
    let statistics = x.batch_norm_statistics();
    let momentum = node.float("momentum", 0.9);
    let running = |old: Tensor, new: isize| old * momentum + statistics.select(0, new) * (1.0 - momentum);
    Ok(Some(vec![x.batch_norm(Some(&scale), Some(&bias), epsilon), running(mean, 0), running(variance, 1)]))
}

fn layer(node: &Node, x: &Tensor, epsilon: f64) -> Outputs {
    let axes = trailing(node, x);
    let normalized = &x.dims()[x.rank() - axes.len()..];
    let output = x.layer_norm(normalized, Some(&node.input(1)), node.optional(2).as_ref(), epsilon);
    let inverse_deviation = (x.var(&axes, 0.0, true) + epsilon).rsqrt();
    Ok(Some(vec![output, x.mean(&axes, true), inverse_deviation]))
}
