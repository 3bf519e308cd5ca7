//! RMSProp.

use super::{Moment, Optimizer, Slots, expect_not_negative};
use crate::error::Result;
use wengert_tensor::Tensor;
use wengert_tensor::ops::optimize::{self, rmsprop_step};

/// RMSProp (Hinton, 2012, lecture 6e; centered: Graves, 2013, arXiv:1308.0850).
///
/// With g the gradient plus λθ:
///
/// ```text
/// v ← αv + (1 − α)g²
/// a ← αa + (1 − α)g where centered, else 0
/// b ← μb + g / (√(v − a²) + ε)
/// θ ← θ − γb
/// ```
#[derive(Debug)]
pub struct RmsProp {
    slots: Slots,
    alpha: f64,
    eps: f64,
    momentum: f64,
    centered: bool,
    weight_decay: f64,
}

impl RmsProp {
    /// PyTorch's defaults but for the learning rate (PyTorch's is 1e-2).
    ///
    /// # Panics
    /// When a parameter appears twice or is not a float leaf, or the learning rate is negative.
    #[track_caller]
    pub fn new(parameters: Vec<Tensor>, learning_rate: f64) -> Self {
        let slots = Slots::new(parameters, learning_rate, &["square_avg", "momentum_buffer", "grad_avg"]);
        Self { slots, alpha: 0.99, eps: 1e-8, momentum: 0.0, centered: false, weight_decay: 0.0 }
    }

    /// α; 0.99 at first.
    ///
    /// # Panics
    /// When it is negative, or above 1.
    #[track_caller]
    pub fn alpha(self, alpha: f64) -> Self {
        assert!((0.0..=1.0).contains(&alpha), "an optimiser's alpha must lie in 0..=1, got {alpha}");
        Self { alpha, ..self }
    }

    /// ε; 1e-8 at first.
    ///
    /// # Panics
    /// When it is negative.
    #[track_caller]
    pub fn eps(self, eps: f64) -> Self {
        expect_not_negative("eps", eps);
        Self { eps, ..self }
    }

    /// μ; 0 at first.
    ///
    /// # Panics
    /// When it is negative.
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Self {
        expect_not_negative("momentum", momentum);
        Self { momentum, ..self }
    }

    /// Whether to divide by the variance of the gradient instead of its second moment.
    pub fn centered(self, centered: bool) -> Self {
        Self { centered, ..self }
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

impl Optimizer for RmsProp {
    #[track_caller]
    fn step(&mut self) -> Result<()> {
        let Self { alpha, eps, momentum, centered, .. } = *self;
        self.slots.step(self.weight_decay, 0.0, |batch| {
            let pace = batch.pace(move |Moment { learning_rate, weight_decay, .. }| optimize::RmsProp {
                learning_rate,
                alpha,
                eps,
                weight_decay,
                momentum,
                centered,
            });
            rmsprop_step(&batch.updates(), pace)
        })
    }

    fn slots(&self) -> &Slots {
        &self.slots
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }
}
