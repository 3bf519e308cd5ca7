//! `chain`: what an op costs besides its arithmetic.

use super::{Call, Micro, Work};
use wengert_tensor::Tensor;

const LENGTH: usize = 1000;

/// A chain of additions of one element, forward and backward.
pub fn all() -> Vec<Micro> {
    vec![Micro::new(format!("chain {LENGTH}"), Work::Ops(LENGTH), || {
        let (x, c) = (Tensor::scalar(1f32).requires_grad_(true), Tensor::scalar(1f32));
        Box::new(move || {
            let end = (0..LENGTH).fold(x.clone(), |y, _| y + &c);
            x.zero_grad();
            end.backward().expect("the chain starts at a leaf that wants a gradient");
        }) as Call
    })]
}
