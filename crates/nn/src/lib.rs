//! Layers, initialisers, optimisers and schedules, with PyTorch's names, defaults and formulas.
//!
//! - [`Module`]: a thing with named parameters and buffers; [`module!`] writes it from a list of fields.
//! - [`Layer`]: a module that maps one tensor to one tensor. [`Linear`], [`Conv2d`] and the others are layers.
//! - [`init`]: initial values of parameters.
//! - [`Optimizer`]: [`Sgd`], [`Adam`], [`AdamW`], [`RmsProp`], [`Adagrad`]; [`Schedule`]s of their learning rates, bounds
//!   on gradients, and the running average [`Ema`].
//! - [`StateDict`]: the state of all of these as tensors by name, for checkpoints.
//! - [`summary()`]: a table of a model's layers.
//!
//! ```
//! use wengert_nn::{Adam, Layer, Linear, Module, Optimizer, ReLU, Sequential};
//! use wengert_tensor::{DType, Generator};
//!
//! let rng = Generator::new(0);
//! let model = Sequential::new().add(Linear::new(2, 16, &rng)).add(ReLU::new()).add(Linear::new(16, 1, &rng));
//! let mut adam = Adam::new(model.parameters(), 1e-2);
//! let x = rng.normal([64, 2], 0.0, 1.0, DType::F32);
//! let y = (&x * &x).sum(&[1], true);
//! let mut losses = Vec::new();
//! for _ in 0..50 {
//!     let loss = (model.forward(&x) - &y).square().mean_all();
//!     losses.push(loss.item());
//!     adam.zero_grad();
//!     loss.backward()?;
//!     adam.step()?;
//! }
//! assert!(losses[49] < losses[0]);
//! # Ok::<(), wengert_nn::Error>(())
//! ```

mod clip;
mod contents;
mod ema;
mod entries;
mod error;
pub mod init;
mod layers;
mod module;
mod optim;
mod place;
mod schedule;
pub mod state;
mod summary;

pub use clip::{clip_grad_norm_, clip_grad_value_, clip_values_};
pub use ema::Ema;
pub use entries::{Entries, EntriesMut, Entry, EntryMut};
pub use error::{Error, Mismatched, Result};
pub use layers::*;
pub use module::{Layer, Module, parameter};
pub use optim::{Adagrad, Adam, AdamW, Optimizer, ParameterGroup, RmsProp, Sgd, Slots};
pub use place::{Scope, Training};
pub use schedule::Schedule;
pub use state::{Difference, StateDict};
pub use summary::{Row, Summary, summary};
