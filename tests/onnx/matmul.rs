//! Matrix products.

use crate::node::{Node, Outputs, one};
use wengert_tensor::Tensor;

pub fn run(node: &Node) -> Outputs {
    one(match node.op.as_str() {
        "Einsum" => {
            let inputs = node.inputs();
            let equation = node.text("equation", "");
            if equation.contains('.') {
                return Err("einsum has no ellipsis".into());
            }
            Tensor::einsum(equation, &inputs.iter().collect::<Vec<_>>())
        }
        "Gemm" => gemm(node),
        "MatMul" => node.input(0).matmul(&node.input(1)),
        _ => return Ok(None),
    })
}

/// α·A·B + β·C, either factor transposed where the case asks for it.
fn gemm(node: &Node) -> Tensor {
    let factor = |index, flag| if node.flag(flag, false) { node.input(index).t() } else { node.input(index) };
    let product = factor(0, "transA").matmul(&factor(1, "transB")) * node.float("alpha", 1.0);
    match node.optional(2) {
        Some(c) => product + c * node.float("beta", 1.0),
        None => product,
    }
}
