//! `adam`: one step of the optimiser alone.

use super::{Call, Micro, Work, operand};
use wengert_nn::{Adam, Optimizer, parameter};
use wengert_tensor::Tensor;

const TENSORS: usize = 10;
const SIDE: usize = 1000;

/// Adam over ten million parameters: four arrays are read and three written.
pub fn all() -> Vec<Micro> {
    let bytes = 7 * size_of::<f32>() * TENSORS * SIDE * SIDE;
    vec![Micro::new("adam 10M", Work::Bytes(bytes), || {
        let parameters: Vec<Tensor> = (0..TENSORS).map(|_| parameter(operand([SIDE, SIDE]))).collect();
        parameters.iter().for_each(|parameter| parameter.set_grad(Some(operand([SIDE, SIDE]))));
        let mut adam = Adam::new(parameters, 1e-3);
        Box::new(move || adam.step().expect("every gradient fits its parameter")) as Call
    })]
}
