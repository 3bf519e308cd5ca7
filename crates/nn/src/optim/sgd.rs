//! Stochastic gradient descent.

use super::{Moment, Optimizer, Slots};
use crate::error::Result;
use wengert_tensor::Tensor;
use wengert_tensor::ops::optimize::{self, sgd_momentum_step, sgd_step};

/// Stochastic gradient descent, with momentum (Polyak, 1964; Sutskever et al., 2013).
///
/// With g the gradient plus λθ, momentum μ, dampening τ and learning rate γ:
///
/// ```text
/// b ← g in the first step, then μb + (1 − τ)g
/// θ ← θ − γb, or θ − γ(g + μb) with Nesterov
/// ```
#[derive(Debug)]
pub struct Sgd {
    slots: Slots,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Sgd {
    /// Plain descent with a learning rate.
    ///
    /// # Panics
    /// When a parameter appears twice or is not a float leaf.
    #[track_caller]
    pub fn new(parameters: Vec<Tensor>, learning_rate: f64) -> Self {
        let slots = Slots::new(parameters, learning_rate, &[]);
        Self { slots, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// μ; 0 at first.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self.slots.keep(if momentum == 0.0 { &[] } else { &["momentum_buffer"] });
        self
    }

    /// τ; 0 at first.
    pub fn dampening(self, dampening: f64) -> Self {
        Self { dampening, ..self }
    }

    /// Whether to look ahead along the momentum, which needs a momentum and no dampening.
    pub fn nesterov(self, nesterov: bool) -> Self {
        Self { nesterov, ..self }
    }

    /// λ; 0 at first.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Sgd {
    #[track_caller]
    fn step(&mut self) -> Result<()> {
        let Self { momentum, dampening, nesterov, .. } = *self;
        self.slots.step(self.weight_decay, 0.0, |batch| {
            let pace = batch.pace(move |Moment { learning_rate, weight_decay, step }| {
                // The buffer starts as the first gradient, undamped.
                let dampening = if step == 1 { 0.0 } else { dampening };
                optimize::Sgd { learning_rate, weight_decay, momentum, dampening, nesterov }
            });
            if momentum == 0.0 {
                sgd_step(&batch.updates(), pace)
            } else {
                sgd_momentum_step(&batch.updates(), pace)
            }
        })
    }

    fn slots(&self) -> &Slots {
        &self.slots
    }

    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }
}
