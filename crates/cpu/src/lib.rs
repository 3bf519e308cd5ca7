//! CPU kernels of wengert: plain functions over slices and strides that know nothing of tensors.
//!
//! Every kernel cuts its work into chunks whose size depends on the shape only, so that the result has the
//! same bits for any number of threads. `unsafe` is allowed here, each block with its `SAFETY:` reason.

pub mod activation;
pub mod axis_map;
pub mod conv;
mod copy;
pub mod cross_entropy;
pub mod element;
pub mod fold;
pub mod functions;
pub mod gemm;
pub mod index;
pub mod join;
pub mod limits;
pub mod map;
pub mod norm;
pub mod optimize;
pub mod pad;
pub mod par;
pub mod pool;
pub mod recurrent;
pub mod reduce;
pub mod resample;
pub mod rng;
pub mod scan;
pub mod simd;
pub mod softmax;
pub mod sort;
mod tiles;
mod transpose;
mod vector;
pub mod view;
pub mod window;

pub use activation::Activation;
pub use element::{Element, Float, Number};
pub use view::View;
