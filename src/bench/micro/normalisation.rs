//! `batch-norm`: a layer in training, forward and backward.

use super::{Call, Micro, Work, operand};
use std::hint::black_box;
use wengert_nn::{BatchNorm1d, BatchNorm2d, Layer};
use wengert_tensor::autograd::{GradOptions, grad_from};
use wengert_tensor::{Shape, Tensor};

/// The layers of `gan` and `dcgan`.
pub fn all() -> Vec<Micro> {
    vec![
        micro("batch-norm 128x1024", [128, 1024], || BatchNorm1d::new(1024)),
        micro("batch-norm 128x64x14x14", [128, 64, 14, 14], || BatchNorm2d::new(64)),
    ]
}

/// Output and running statistics, then the gradients of input, weight and bias from a given cotangent.
fn micro<L: Layer + 'static>(name: &str, shape: impl Into<Shape>, layer: fn() -> L) -> Micro {
    let shape = shape.into();
    let work = Work::Elements(shape.numel());
    Micro::new(name, work, move || {
        let (layer, x) = (layer(), operand(shape.clone()).requires_grad_(true));
        let cotangent = operand(shape.clone());
        let parameters = layer.parameters();
        Box::new(move || {
            let inputs: Vec<&Tensor> = [&x].into_iter().chain(&parameters).collect();
            let gradients = grad_from(&[&layer.forward(&x)], &[&cotangent], &inputs, GradOptions::default());
            drop(black_box(gradients.expect("the output depends on all of them")));
        }) as Call
    })
}
