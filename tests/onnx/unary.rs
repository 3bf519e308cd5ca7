//! Functions of one tensor.

use crate::node::{Node, Outputs, one};
use wengert_tensor::{Gelu, Tensor};

pub fn run(node: &Node) -> Outputs {
    let x = || node.input(0);
    one(match node.op.as_str() {
        "Abs" => x().abs(),
        "Cast" => x().to_dtype(node.output_dtype(0)),
        "Ceil" => x().ceil(),
        "Celu" => {
            let alpha = node.float("alpha", 1.0);
            x().div_scalar(alpha).elu(1.0) * alpha
        }
        "Clip" => clip(node, &x()),
        "Cos" => x().cos(),
        "Cosh" => (x().exp() + x().neg().exp()) * 0.5,
        "Dropout" => return dropout(node, &x()),
        "Elu" => x().elu(node.float("alpha", 1.0)),
        "Erf" => x().erf(),
        "Exp" => x().exp(),
        "Floor" => x().floor(),
        "Gelu" => match node.text("approximate", "none") {
            "tanh" => x().gelu_with(Gelu::Tanh),
            _ => x().gelu(),
        },
        "HardSigmoid" => {
            (x() * node.float("alpha", 0.2) + node.float("beta", 0.5)).clamp(Some(0.0), Some(1.0))
        }
        "HardSwish" => x() * (x() / 6.0 + 0.5).clamp(Some(0.0), Some(1.0)),
        "Identity" => x(),
        "IsInf" => is_inf(node, &x()),
        "IsNaN" => x().isnan(),
        "LeakyRelu" => x().leaky_relu(node.float("alpha", 0.01)),
        "Log" => x().log(),
        "Mish" => x() * x().softplus().tanh(),
        "Neg" => x().neg(),
        "Not" => x().logical_not(),
        "PRelu" => x().relu() - node.input(1) * x().neg().relu(),
        "Reciprocal" => x().reciprocal(),
        "Relu" => x().relu(),
        "Round" => x().round(),
        "Selu" if node.has("alpha") => x().elu(node.float("alpha", 0.0)) * node.float("gamma", 0.0),
        "Selu" => x().selu(),
        "Shrink" => shrink(&x(), node.float("lambd", 0.5), node.float("bias", 0.0)),
        "Sigmoid" => x().sigmoid(),
        "Sign" => x().sign(),
        "Sin" => x().sin(),
        "Sinh" => (x().exp() - x().neg().exp()) * 0.5,
        "Softplus" => x().softplus(),
        "Softsign" => x() / (x().abs() + 1.0),
        "Sqrt" => x().sqrt(),
        "Swish" => x() * (x() * node.float("alpha", 1.0)).sigmoid(),
        "Tan" => x().sin() / x().cos(),
        "Tanh" => x().tanh(),
        "ThresholdedRelu" => {
            let alpha = node.float("alpha", 1.0);
            x().masked_fill(&x().le_scalar(alpha), 0.0)
        }
        _ => return Ok(None),
    })
}

fn clip(node: &Node, x: &Tensor) -> Tensor {
    let bound = |index| node.optional(index).map(|bound| bound.item());
    match (bound(1), bound(2)) {
        (None, None) => x.clone(),
        (low, high) => x.clamp(low, high),
    }
}

/// In inference a dropout passes its input; in training a ratio of 0 does, and other masks are ONNX's own.
fn dropout(node: &Node, x: &Tensor) -> Outputs {
    let ratio = node.optional(1).map_or(0.5, |ratio| ratio.item());
    if node.optional(2).is_some_and(|training| training.item() != 0.0) && ratio != 0.0 {
        return Err("the mask comes from another random generator".into());
    }
    Ok(Some(vec![x.clone(), x.eq(x)]))
}

fn is_inf(node: &Node, x: &Tensor) -> Tensor {
    let mut found = x.isinf();
    if !node.flag("detect_negative", true) {
        found = found.logical_and(&x.gt_scalar(0.0));
    }
    if !node.flag("detect_positive", true) {
        found = found.logical_and(&x.lt_scalar(0.0));
    }
    found
}

fn shrink(x: &Tensor, lambda: f64, bias: f64) -> Tensor {
    let middle = x.abs().le_scalar(lambda);
    (x - x.sign() * bias).masked_fill(&middle, 0.0)
}
