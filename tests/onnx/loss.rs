//! Losses over classes.

use crate::node::{Node, Outputs, one};
use wengert_tensor::ops::loss::{CrossEntropyOptions, NllLossOptions};
use wengert_tensor::{DType, Reduction};

pub fn run(node: &Node) -> Outputs {
    let reduction = match node.text("reduction", "mean") {
        "none" => Reduction::None,
        "sum" => Reduction::Sum,
        _ => Reduction::Mean,
    };
    let weight = node.optional(2);
    let ignore_index = node.int("ignore_index", -100) as i64;
    match node.op.as_str() {
        "NegativeLogLikelihoodLoss" => {
            let target = node.input(1).to_dtype(DType::I64);
            one(node.input(0).nll_loss(&target, NllLossOptions { weight, ignore_index, reduction }))
        }
        "SoftmaxCrossEntropyLoss" => {
            let (logits, target) = (node.input(0), node.input(1).to_dtype(DType::I64));
            let options =
                CrossEntropyOptions { weight, ignore_index, reduction, ..CrossEntropyOptions::default() };
            Ok(Some(vec![logits.cross_entropy(&target, options), logits.log_softmax(1)]))
        }
        _ => Ok(None),
    }
}
