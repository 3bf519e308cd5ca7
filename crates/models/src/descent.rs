//! Training by the descent of one loss with one optimiser: most autoencoders and the models of sequences.

use crate::{Dataset, Losses, Model, Result, Training};
use std::fmt::Debug;
use wengert_data::Batch;
use wengert_nn::{Adam, Optimizer, Schedule};
use wengert_tensor::Generator;

/// What networks `N` are trained to lower.
pub trait Objective<N>: Debug + Send {
    /// The losses of a batch. `step` is the number of the step from 0, and `None` in an evaluation: there a loss that is
    /// scheduled stands at the end of its schedule, so that all evaluations measure the same.
    fn losses(&self, network: &N, batch: &Batch, rng: &Generator, step: Option<u64>) -> Losses;

    /// Gives the parameters their gradients, which are those of the total loss unless the objective says otherwise.
    fn backward(&self, _network: &N, losses: &Losses) -> Result<()> {
        Ok(losses.total.backward()?)
    }

    /// Whether from this step on the losses of a batch do not depend on the number of the step, nor on any number that is
    /// read from a tensor: see [`Training::phase`].
    fn is_steady(&self, _step: u64) -> bool {
        true
    }

    /// The factor on the learning rate at a step.
    fn rate(&self, _step: u64) -> f64 {
        1.0
    }

    /// See [`Training::prepare`].
    fn prepare(&mut self, _data: &Dataset) {}

    /// See [`Training::end_epoch`].
    fn end_epoch(&self, _network: &mut N, _data: &Dataset, _rng: &Generator) -> Result<()> {
        Ok(())
    }
}

/// Networks, their objective and the optimiser of all their parameters.
#[derive(Debug)]
pub struct Descent<N, O> {
    network: N,
    objective: O,
    adam: Adam,
    schedule: Schedule,
}

/// A learning rate that falls to 0 in so many steps along half a cosine; 0 for a constant one.
pub fn decay(steps: u64) -> Schedule {
    match steps {
        0 => Schedule::Constant,
        steps => Schedule::Cosine { steps, minimum: 0.0 },
    }
}

/// The factor at a step on a learning rate that falls to 0 by a straight line in the latter half of so many steps; 1 for a
/// constant one, of 0 steps.
pub fn latter_half(decay_steps: u64, step: u64) -> f64 {
    let half = decay_steps as f64 / 2.0;
    if half > 0.0 { (2.0 - step as f64 / half).clamp(0.0, 1.0) } else { 1.0 }
}

impl<N: Model, O: Objective<N>> Descent<N, O> {
    /// Networks in training by `adam`.
    pub fn with(network: N, objective: O, adam: Adam) -> Self {
        Self { network, objective, adam, schedule: Schedule::Constant }
    }

    /// The same with a schedule of the learning rate, besides the objective's own.
    pub fn schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }
}

impl<N: Model, O: Objective<N>> Training for Descent<N, O> {
    fn model(&self) -> &dyn Model {
        &self.network
    }

    fn model_mut(&mut self) -> &mut dyn Model {
        &mut self.network
    }

    fn prepare(&mut self, data: &Dataset) -> Result<()> {
        self.objective.prepare(data);
        Ok(())
    }

    fn losses(&self, batch: &Batch, rng: &Generator) -> Result<Losses> {
        Ok(self.objective.losses(&self.network, batch, rng, None))
    }

    fn phase(&self, step: u64) -> Option<u64> {
        self.objective.is_steady(step).then_some(0)
    }

    fn set_rates(&mut self, step: u64) {
        self.adam.scale_learning_rate(self.objective.rate(step) * self.schedule.factor(step));
    }

    fn step(&mut self, batch: &Batch, rng: &Generator, step: u64) -> Result<Losses> {
        self.set_rates(step);
        let losses = self.objective.losses(&self.network, batch, rng, Some(step));
        losses.check_finite()?;
        self.adam.zero_grad();
        self.objective.backward(&self.network, &losses)?;
        self.adam.step()?;
        Ok(losses)
    }

    fn end_epoch(&mut self, data: &Dataset, rng: &Generator) -> Result<()> {
        self.objective.end_epoch(&mut self.network, data, rng)
    }

    fn optimizers(&mut self) -> Vec<(&'static str, &mut dyn Optimizer)> {
        vec![("adam", &mut self.adam)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_to_nothing_in_the_latter_half() {
        for (step, expected) in [(0, 1.0), (50, 1.0), (75, 0.5), (100, 0.0), (1000, 0.0)] {
            assert!((latter_half(100, step) - expected).abs() < 1e-12, "{step}");
        }
        assert_eq!(latter_half(0, 1_000_000), 1.0);
    }
}
