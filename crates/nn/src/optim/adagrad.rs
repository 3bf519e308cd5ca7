//! Adagrad.

use super::{Moment, Optimizer, Slots, expect_not_negative};
use crate::error::Result;
use wengert_tensor::Tensor;
use wengert_tensor::ops::optimize::{self, adagrad_step};

/// Adagrad (Duchi, Hazan and Singer, 2011).
///
/// With g the gradient plus λθ, t the number of the step and η the decay of the learning rate:
///
/// ```text
/// s ← s + g²
/// θ ← θ − γ / (1 + (t − 1)η) · g / (√s + ε)
/// ```
#[derive(Debug)]
pub struct Adagrad {
    slots: Slots,
    learning_rate_decay: f64,
    initial_accumulator: f64,
    eps: f64,
    weight_decay: f64,
}

impl Adagrad {
    /// PyTorch's defaults but for the learning rate (PyTorch's is 1e-2).
    ///
    /// # Panics
    /// When a parameter appears twice or is not a float leaf, or the learning rate is negative.
    #[track_caller]
    pub fn new(parameters: Vec<Tensor>, learning_rate: f64) -> Self {
        let slots = Slots::new(parameters, learning_rate, &["sum"]);
        Self { slots, learning_rate_decay: 0.0, initial_accumulator: 0.0, eps: 1e-10, weight_decay: 0.0 }
    }

    /// η; 0 at first.
    ///
    /// # Panics
    /// When it is negative.
    #[track_caller]
    pub fn learning_rate_decay(self, learning_rate_decay: f64) -> Self {
        expect_not_negative("learning rate decay", learning_rate_decay);
        Self { learning_rate_decay, ..self }
    }

    /// What s starts from; 0 at first.
    ///
    /// # Panics
    /// When it is negative.
    #[track_caller]
    pub fn initial_accumulator(self, initial_accumulator: f64) -> Self {
        expect_not_negative("initial accumulator", initial_accumulator);
        Self { initial_accumulator, ..self }
    }

    /// ε; 1e-10 at first.
    ///
    /// # Panics
    /// When it is negative.
    #[track_caller]
    pub fn eps(self, eps: f64) -> Self {
        expect_not_negative("eps", eps);
        Self { eps, ..self }
    }

    /// λ; 0 at first.
    ///
    /// # Panics
    /// When it is negative.
    #[track_caller]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        expect_not_negative("weight decay", weight_decay);
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Adagrad {
    #[track_caller]
    fn step(&mut self) -> Result<()> {
        let Self { learning_rate_decay, eps, .. } = *self;
        self.slots.step(self.weight_decay, self.initial_accumulator, |batch| {
            let pace = batch.pace(move |Moment { learning_rate, weight_decay, step }| {
                let learning_rate = learning_rate / (1.0 + (step - 1) as f64 * learning_rate_decay);
                optimize::Adagrad { learning_rate, eps, weight_decay }
            });
            adagrad_step(&batch.updates(), pace)
        })
    }

    fn slots(&self) -> &Slots {
        &self.slots
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }
}
