//! wengert: a reverse-mode autodiff tensor engine whose tape is the product, and a zoo of generative models on top.
//!
//! A Wengert list is the straight-line program that reverse-mode differentiation walks backwards. Here it is what you
//! print, draw, step through and differentiate again, and it is exactly what runs.
//!
//! ```
//! use wengert::prelude::*;
//!
//! let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0], [3]).requires_grad_(true);
//! let loss = (&x * &x).sum_all();
//! loss.backward()?;
//! assert_eq!(x.grad().unwrap().to_vec::<f64>(), [2.0, 4.0, 6.0]);
//! # Ok::<(), wengert::tensor::Error>(())
//! ```
//!
//! This crate only gathers the others under one name: [`tensor`] is the engine, [`nn`] the layers and optimisers,
//! [`data`] the readers, and [`models`] the zoo with its training loop. The program `wengert` drives them from the
//! command line.

pub use wengert_data as data;
pub use wengert_models as models;
pub use wengert_nn as nn;
pub use wengert_tensor as tensor;

/// What most programs want: `use wengert::prelude::*;`.
pub mod prelude {
    pub use wengert_nn::{Adam, Layer, Linear, Module, Optimizer, Sequential};
    pub use wengert_tensor::autograd::grad;
    pub use wengert_tensor::{DType, Generator, Reduction, Tensor, no_grad};
}

/// Runs the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
