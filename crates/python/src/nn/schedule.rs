//! Learning-rate schedules.

use pyo3::prelude::*;
use wengert_nn as nn;

/// The factor on the learning rate at each step, or epoch.
#[pyclass(frozen, module = "wengert")]
pub struct Schedule(nn::Schedule);

#[pymethods]
impl Schedule {
    /// Always 1.
    #[staticmethod]
    fn constant() -> Schedule {
        Schedule(nn::Schedule::Constant)
    }

    /// `gamma` to the power of ⌊step / every⌋.
    #[staticmethod]
    fn step(every: u64, gamma: f64) -> Schedule {
        Schedule(nn::Schedule::Step { every, gamma })
    }

    /// `gamma` to the power of the number of milestones reached.
    #[staticmethod]
    fn multi_step(milestones: Vec<u64>, gamma: f64) -> Schedule {
        Schedule(nn::Schedule::MultiStep { milestones, gamma })
    }

    /// `gamma` to the power of the step.
    #[staticmethod]
    fn exponential(gamma: f64) -> Schedule {
        Schedule(nn::Schedule::Exponential { gamma })
    }

    /// Half a cosine from 1 to `minimum` in `steps`.
    #[staticmethod]
    #[pyo3(signature = (steps, minimum=0.0))]
    fn cosine(steps: u64, minimum: f64) -> Schedule {
        Schedule(nn::Schedule::Cosine { steps, minimum })
    }

    /// A straight line from 1 to `end` in `steps`.
    #[staticmethod]
    #[pyo3(signature = (steps, end=0.0))]
    fn linear(steps: u64, end: f64) -> Schedule {
        Schedule(nn::Schedule::Linear { steps, end })
    }

    /// A straight line from `start` to 1 in `steps`, then this schedule from its beginning.
    #[pyo3(signature = (steps, start=0.0))]
    fn warm_up(&self, steps: u64, start: f64) -> Schedule {
        Schedule(self.0.clone().warm_up(steps, start))
    }

    /// The factor at `step`, counted from 0.
    fn factor(&self, step: u64) -> f64 {
        self.0.factor(step)
    }

    fn __repr__(&self) -> String {
        format!("Schedule({:?})", self.0)
    }
}
