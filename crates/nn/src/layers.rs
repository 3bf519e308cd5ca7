//! The layers, a file for each family.

mod activation;
mod batch_norm;
mod conv;
mod dropout;
mod embedding;
mod instance_norm;
mod layer_norm;
mod linear;
mod pool;
mod recurrent;
mod reshape;
mod resize;
mod sequential;
mod spectral_norm;

pub use activation::{
    ELU, GELU, Hardtanh, Identity, LeakyReLU, LogSigmoid, LogSoftmax, ReLU, SELU, SiLU, Sigmoid, Softmax,
    Softplus, Tanh,
};
pub use batch_norm::{BatchNorm1d, BatchNorm2d};
pub use conv::{
    Conv1d, Conv1dBuilder, Conv2d, Conv2dBuilder, ConvTranspose1d, ConvTranspose1dBuilder, ConvTranspose2d,
    ConvTranspose2dBuilder, PerAxis,
};
pub use dropout::Dropout;
pub use embedding::{Embedding, EmbeddingBuilder};
pub use instance_norm::{InstanceNorm1d, InstanceNorm2d};
pub use layer_norm::{GroupNorm, LayerNorm};
pub use linear::{Linear, LinearBuilder};
pub use pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
pub use recurrent::{GRU, GRUCell, LSTM, LSTMCell, RecurrentBuilder};
pub use reshape::{Flatten, Reshape, Unflatten};
pub use resize::{PixelShuffle, PixelUnshuffle, Upsample};
pub use sequential::Sequential;
pub use spectral_norm::{SpectralNorm, Weighted};

use crate::init::{self, Fan, Gain};
use wengert_tensor::{DType, Error, Generator, Tensor};

/// The type of new parameters; [`to_dtype`](crate::Module::to_dtype) converts a finished model.
const DTYPE: DType = DType::F32;

/// A parameter drawn uniformly from ±`bound`.
fn uniform_parameter(shape: &[usize], bound: f64, rng: &Generator) -> Tensor {
    crate::parameter(rng.uniform(shape, -bound, bound, DTYPE))
}

/// A weight of this shape and, where their number is given, biases, as PyTorch starts them in linear and convolution
/// layers: uniform within ±1/√fan, where fan counts the second axis and the kernel; 0 where nothing comes in.
fn weight_and_bias(shape: &[usize], biases: Option<usize>, rng: &Generator) -> (Tensor, Option<Tensor>) {
    let weight = Tensor::zeros(shape, DTYPE);
    let (fan, _) = init::fans(&weight);
    if fan == 0 {
        let zeros = |count: usize| crate::parameter(Tensor::zeros(count, DTYPE));
        return (crate::parameter(weight), biases.map(zeros));
    }
    init::kaiming_uniform_(&weight, Fan::In, Gain::LeakyReLU(5f64.sqrt()), rng);
    let bound = 1.0 / (fan as f64).sqrt();
    (crate::parameter(weight), biases.map(|count| uniform_parameter(&[count], bound, rng)))
}

/// γ = 1 and β = 0 of a normalisation as parameters, where they are wanted.
fn scale_and_shift(shape: &[usize], wanted: bool) -> (Option<Tensor>, Option<Tensor>) {
    let constant = |value| wanted.then(|| crate::parameter(Tensor::full(shape, value, DTYPE)));
    (constant(1.0), constant(0.0))
}

/// Running mean 0, running variance 1 and the number of batches 0 of a normalisation of C channels, where they are
/// wanted.
fn running_statistics(channels: usize, wanted: bool) -> (Option<Tensor>, Option<Tensor>, Option<Tensor>) {
    let constant = |value| wanted.then(|| Tensor::full([channels], value, DTYPE));
    (constant(0.0), constant(1.0), wanted.then(|| Tensor::zeros((), DType::I64)))
}

/// Panics with the layer's place unless the input has one of these numbers of axes.
#[track_caller]
fn check_rank(layer: &'static str, input: &Tensor, ranks: &[usize], axes: &str) {
    if !ranks.contains(&input.rank()) {
        panic!("{}", Error::shape(layer, format!("needs an input {axes}, got {}", input.shape())));
    }
}

/// Panics with the layer's place unless axis `axis` of the input has `size`.
#[track_caller]
fn check_axis(layer: &'static str, what: &str, input: &Tensor, axis: usize, size: usize) {
    if input.dims().get(axis) != Some(&size) {
        let detail = format!("needs {size} {what} along axis {axis} of its input, got {}", input.shape());
        panic!("{}", Error::shape(layer, detail));
    }
}
