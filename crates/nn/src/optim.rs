//! Optimisers: gradient descent in its classic forms, with PyTorch's formulas.
//!
//! An optimiser holds handles to parameters and changes them in place. A parameter without a gradient is skipped.
//! Parameters are numbered in the order in which they were given; saved state uses these numbers.

mod adagrad;
mod adam;
mod group;
mod rate;
mod rmsprop;
mod sgd;
mod slots;

pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use group::ParameterGroup;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
pub use slots::Slots;

use rate::{Moment, Rate};

use crate::error::Result;
use crate::state::StateDict;
use std::fmt::Debug;
use wengert_tensor::Tensor;

/// Something that moves parameters against their gradients.
pub trait Optimizer: Debug + Send {
    /// Changes every parameter that has a gradient.
    ///
    /// # Errors
    /// When a gradient does not fit its parameter.
    fn step(&mut self) -> Result<()>;

    /// The parameters and what the optimiser remembers of them.
    fn slots(&self) -> &Slots;

    /// The same, changeable.
    fn slots_mut(&mut self) -> &mut Slots;

    /// Adds parameters with a learning rate of their own.
    ///
    /// # Panics
    /// When a parameter is among the optimiser's already or is not a float leaf, or the learning rate or the weight decay
    /// is negative.
    fn add_group(&mut self, group: ParameterGroup) {
        self.slots_mut().add(group);
    }

    /// All parameters, in the order of their numbers.
    fn parameters(&self) -> Vec<Tensor> {
        self.slots().parameters()
    }

    /// Forgets the gradients of all parameters.
    fn zero_grad(&self) {
        self.parameters().iter().for_each(Tensor::zero_grad);
    }

    /// The learning rate of the first group.
    fn learning_rate(&self) -> f64 {
        self.slots().learning_rates()[0]
    }

    /// Gives every group this learning rate, now and as the base of schedules.
    ///
    /// # Panics
    /// When it is negative.
    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.slots_mut().set_learning_rate(learning_rate);
    }

    /// Sets every group's learning rate to `factor` times the one it started with: for a
    /// [`Schedule`](crate::Schedule).
    fn scale_learning_rate(&mut self, factor: f64) {
        self.slots_mut().scale_learning_rate(factor);
    }

    /// Everything that a resumed run needs, as tensors: learning rates, step counts and moments, bit for bit. The names
    /// are `group.0.learning_rate`, `state.0.step`, `state.0.exp_avg` and the like, by number of group and parameter.
    fn state_dict(&self) -> StateDict {
        self.slots().state_dict()
    }

    /// Restores what [`state_dict`](Optimizer::state_dict) gave. Nothing is changed unless everything fits.
    ///
    /// # Errors
    /// When names are missing or unknown, or shapes, types or numbers do not fit this optimiser's parameters.
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        self.slots_mut().load_state_dict(state)
    }
}

/// Panics unless `value` is a finite number that is not negative.
#[track_caller]
fn expect_not_negative(name: &str, value: f64) {
    assert!(
        value.is_finite() && value >= 0.0,
        "an optimiser's {name} must be a number from 0 on, got {value}"
    );
}

/// Panics unless `value` is the share of an average that its past keeps.
#[track_caller]
fn expect_share(name: &str, value: f64) {
    assert!((0.0..1.0).contains(&value), "an optimiser's {name} must be at least 0 and below 1, got {value}");
}
