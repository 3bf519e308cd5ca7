//! `conv` and `conv-transpose`: the layers of dcgan, each with its output and both of its gradients.

use super::{Call, Micro, Work, operand};
use std::hint::black_box;
use wengert_tensor::autograd::{GradOptions, grad_from};
use wengert_tensor::{Conv2dOptions, ConvTranspose2dOptions, Tensor};

const BATCH: usize = 128;
const KERNEL: usize = 4;

/// What is computed.
#[derive(Clone, Copy)]
enum Direction {
    Forward,
    InputGrad,
    WeightGrad,
}

/// Channels in, side of the image, channels out.
type Layer = (usize, usize, usize);

/// The layers of the discriminator.
const CONVOLUTIONS: [Layer; 2] = [(64, 14, 128), (1, 28, 64)];

/// The layers of the generator.
const TRANSPOSED: [Layer; 2] = [(128, 7, 64), (64, 14, 1)];

/// All layers in all directions.
pub fn all() -> Vec<Micro> {
    let layers =
        CONVOLUTIONS.map(|layer| (layer, false)).into_iter().chain(TRANSPOSED.map(|layer| (layer, true)));
    let directions = [
        (Direction::Forward, "forward"),
        (Direction::InputGrad, "input-grad"),
        (Direction::WeightGrad, "weight-grad"),
    ];
    let cases = layers.flat_map(|layer| directions.map(|direction| (layer, direction)));
    cases.map(|((layer, transposed), (direction, word))| micro(layer, transposed, direction, word)).collect()
}

fn micro((inputs, side, outputs): Layer, transposed: bool, direction: Direction, word: &str) -> Micro {
    let kind = if transposed { "conv-transpose" } else { "conv" };
    let name = format!("{kind} {BATCH}x{inputs}x{side}x{side} {outputs} k{KERNEL} s2 p1 {word}");
    // Each element on the side with the smaller images meets the whole kernel of every channel pair.
    let small = if transposed { side } else { side / 2 };
    let flops = 2 * BATCH * inputs * outputs * small * small * KERNEL * KERNEL;
    Micro::new(name, Work::Flops(flops), move || prepare((inputs, side, outputs), transposed, direction))
}

fn prepare((inputs, side, outputs): Layer, transposed: bool, direction: Direction) -> Call {
    let images = operand([BATCH, inputs, side, side]);
    let channels = if transposed { [inputs, outputs] } else { [outputs, inputs] };
    let weight = operand([channels[0], channels[1], KERNEL, KERNEL]);
    let forward = move |images: &Tensor, weight: &Tensor| match transposed {
        false => images.conv2d(weight, None, Conv2dOptions::default().stride(2).padding(1)),
        true => images.conv_transpose2d(weight, None, ConvTranspose2dOptions::default().stride(2).padding(1)),
    };
    let wanted = match direction {
        Direction::Forward => return Box::new(move || drop(black_box(forward(&images, &weight)))),
        Direction::InputGrad => images.clone(),
        Direction::WeightGrad => weight.clone(),
    };
    let wanted = wanted.requires_grad_(true);
    let output = forward(&images, &weight);
    let cotangent = operand(output.shape());
    let options = GradOptions { retain_graph: true, ..GradOptions::default() };
    Box::new(move || {
        let gradient = grad_from(&[&output], &[&cotangent], &[&wanted], options);
        drop(black_box(gradient.expect("the output depends on the operand")));
    })
}
