//! Tensors, the tape and reverse-mode differentiation.
//!
//! - [`Tensor`]: an n-dimensional array that remembers how it was computed.
//! - [`Op`]: one line of a Wengert list, with its shape rule, its kernel and its vector–Jacobian product.
//! - [`apply()`]: the one door through which every op passes.
//! - [`autograd`]: the walk back over the list, and what is built on it.
//! - [`inspect`]: the list as text, DOT and JSON, and an observer of what runs.
//! - [`onnx`]: what ran as an ONNX file, for other runtimes.
//! - [`step`]: a whole training step as one launch on a CUDA device.
//!
//! ```
//! use wengert_tensor::Tensor;
//!
//! let x = Tensor::from_slice(&[1.0, 2.0, 3.0], 3).requires_grad_(true);
//! let loss = (&x * &x).sum_all();
//! loss.backward()?;
//! assert_eq!(x.grad().unwrap().to_vec::<f64>(), [2.0, 4.0, 6.0]);
//! # Ok::<(), wengert_tensor::Error>(())
//! ```

#[macro_use]
mod dtype;

mod apply;
mod attempt;
pub mod autograd;
mod create;
mod device;
mod display;
mod draws;
mod error;
pub mod inspect;
pub mod io;
mod layout;
pub mod onnx;
pub mod op;
mod operators;
pub mod ops;
mod random;
pub mod scope;
mod shape;
pub mod step;
mod storage;
mod tensor;
mod unfused;
mod value;

pub use apply::{apply, apply_owned};
pub use attempt::{attempt, is_attempting};
pub use autograd::no_grad;
pub use device::{Device, default_device, on_device};
pub use dtype::{DType, Element};
pub use error::{Error, Result};
pub use layout::{Layout, Strides};
pub use op::{Gradients, Op, Saves, Spec, Values};
pub use ops::conv::{
    Conv1dOptions, Conv2dOptions, ConvOptions, ConvTranspose1dOptions, ConvTranspose2dOptions,
    ConvTransposeOptions,
};
pub use ops::loss::Reduction;
pub use ops::pad::PadMode;
pub use ops::pool::{Pool1dOptions, Pool2dOptions, PoolOptions};
pub use ops::random::Distribution;
pub use ops::resample::Resize;
pub use ops::unary::Gelu;
pub use ops::unfold::UnfoldOptions;
pub use random::{Generator, GeneratorState};
pub use shape::{MAX_RANK, Shape, axes, axis, broadcast};
pub use tensor::Tensor;
pub use unfused::unfused;
pub use value::{Read, Value, Write};
pub use wengert_cpu::Activation;
pub use wengert_cpu::gemm::{Precision, precision, set_precision};

/// What tensors hold in memory.
pub mod memory {
    pub use crate::storage::{Foreign, Lease, live_bytes, peak_bytes, release_cache};
}
