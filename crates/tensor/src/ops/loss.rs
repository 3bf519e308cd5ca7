//! Losses, under PyTorch's names.
//!
//! The first operand is what the network says, the second what it should say. Operands have equal shapes: a loss that
//! broadcast by mistake would train on the wrong thing.

mod binary;
mod class;
mod embedding;
mod gaussian;
mod pair;
mod regression;

use crate::ops::elementwise::same_floats;
use crate::{Result, Tensor};

pub use binary::{BinaryCrossEntropy, BinaryCrossEntropyOptions};
pub use class::{CrossEntropy, CrossEntropyOptions, NllLossOptions};
pub use gaussian::{GaussianNllOptions, Reparameterise};

pub(crate) const OPS: &[&str] = &[
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "gaussian_kl",
    "gaussian_kl_grad",
    "mse_loss",
    "mse_loss_grad",
    "reparameterise",
    "reparameterise_grad",
];

/// How the losses of single elements become the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// They stay as they are.
    None,
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl Reduction {
    /// Reduces the losses.
    #[track_caller]
    pub fn apply(self, losses: Tensor) -> Tensor {
        match self {
            Reduction::None => losses,
            Reduction::Mean => losses.mean_all(),
            Reduction::Sum => losses.sum_all(),
        }
    }
}

/// An error of `op` unless the operands have one shape and one float type.
fn check_pair(op: &'static str, a: &Tensor, b: &Tensor) -> Result<()> {
    same_floats(op, &[a.spec(), b.spec()]).map(drop)
}

/// max(x, min) with the gradient of x even below: the bound guards a division, it is not part of the function.
fn guarded(x: &Tensor, min: f64) -> Tensor {
    let lift = (x.detach().clamp(Some(min), None)) - x.detach();
    x + lift
}
