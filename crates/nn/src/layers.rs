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
    ELU, GELU, Hardtanh, Identity, LeakyReLU, LogSoftmax, ReLU, SELU, SiLU, Sigmoid, Softmax, Softplus, Tanh,
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

use wengert_tensor::{DType, Error, Generator, Tensor};

/// The type of new parameters; [`to_dtype`](crate::Module::to_dtype) converts a finished model.
const DTYPE: DType = DType::F32;

/// A parameter drawn uniformly from ±`bound`.
fn uniform_parameter(shape: &[usize], bound: f64, rng: &Generator) -> Tensor {
    crate::parameter(rng.uniform(shape, -bound, bound, DTYPE))
}

/// A parameter that is everywhere `value`.
fn constant_parameter(shape: &[usize], value: f64) -> Tensor {
    crate::parameter(Tensor::full(shape, value, DTYPE))
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
