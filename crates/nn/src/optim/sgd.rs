//! Stochastic gradient descent.

use super::{Moment, Optimizer, Slots, expect_not_negative};
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
    /// When a parameter appears twice or is not a float leaf, or the learning rate is negative.
    #[track_caller]
    pub fn new(parameters: Vec<Tensor>, learning_rate: f64) -> Self {
        let slots = Slots::new(parameters, learning_rate, &[]);
        Self { slots, momentum: 0.0, dampening: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// μ; 0 at first.
    ///
    /// # Panics
    /// When it is negative, or 0 after [`nesterov`](Sgd::nesterov).
    #[track_caller]
    pub fn momentum(mut self, momentum: f64) -> Self {
        expect_not_negative("momentum", momentum);
        self.momentum = momentum;
        self.slots.keep(if momentum == 0.0 { &[] } else { &["momentum_buffer"] });
        self.expect_lookahead()
    }

    /// τ; 0 at first.
    ///
    /// # Panics
    /// When it is not 0 after [`nesterov`](Sgd::nesterov).
    #[track_caller]
    pub fn dampening(self, dampening: f64) -> Self {
        Self { dampening, ..self }.expect_lookahead()
    }

    /// Whether to look ahead along the momentum.
    ///
    /// # Panics
    /// When there is no momentum yet to look along, or it is dampened.
    #[track_caller]
    pub fn nesterov(self, nesterov: bool) -> Self {
        Self { nesterov, ..self }.expect_lookahead()
    }

    #[track_caller]
    fn expect_lookahead(self) -> Self {
        let Self { momentum, dampening, nesterov, .. } = self;
        assert!(
            !nesterov || momentum > 0.0 && dampening == 0.0,
            "Nesterov needs a momentum above 0 and a dampening of 0, set before; they are {momentum} and {dampening}"
        );
        self
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
