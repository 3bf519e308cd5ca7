//! Learning-rate schedules: pure functions from the number of a step to a factor.
//!
//! All that a checkpoint needs of a schedule is the number of steps taken.

use std::f64::consts::PI;

/// The factor on the learning rate at each step, or epoch: whatever `step` counts.
///
/// ```
/// use wengert_nn::Schedule;
///
/// let schedule = Schedule::Cosine { steps: 100, minimum: 0.0 }.warm_up(10, 0.0);
/// assert_eq!(schedule.factor(5), 0.5);
/// assert_eq!(schedule.factor(10), 1.0);
/// assert!(schedule.factor(110) < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// gamma^⌊step / every⌋.
    Step {
        /// Steps between drops; 0 is taken as 1.
        every: u64,
        /// Factor of each drop.
        gamma: f64,
    },
    /// gamma^(number of milestones reached).
    MultiStep {
        /// Steps at which the rate drops, in any order.
        milestones: Vec<u64>,
        /// Factor of each drop.
        gamma: f64,
    },
    /// gamma^step.
    Exponential {
        /// Factor of each step.
        gamma: f64,
    },
    /// Half a cosine from 1 to `minimum` in `steps`, then `minimum` (Loshchilov and Hutter, 2016, arXiv:1608.03983).
    Cosine {
        /// Length of the descent.
        steps: u64,
        /// Factor at its end.
        minimum: f64,
    },
    /// A straight line from 1 to `end` in `steps`, then `end`.
    Linear {
        /// Length of the line.
        steps: u64,
        /// Factor at its end.
        end: f64,
    },
    /// A straight line from `start` to 1 in `steps`, then another schedule from its beginning.
    WarmUp {
        /// Length of the line.
        steps: u64,
        /// Factor at step 0.
        start: f64,
        /// What follows.
        then: Box<Schedule>,
    },
}

impl Schedule {
    /// The factor at `step`, counted from 0.
    pub fn factor(&self, step: u64) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Step { every, gamma } => gamma.powf((step / (*every).max(1)) as f64),
            Schedule::MultiStep { milestones, gamma } => {
                let reached = milestones.iter().filter(|&&milestone| milestone <= step).count();
                gamma.powf(reached as f64)
            }
            Schedule::Exponential { gamma } => gamma.powf(step as f64),
            Schedule::Cosine { steps, minimum } => {
                minimum + (1.0 - minimum) * (1.0 + (PI * share(step, *steps)).cos()) / 2.0
            }
            Schedule::Linear { steps, end } => 1.0 + (end - 1.0) * share(step, *steps),
            Schedule::WarmUp { steps, start, .. } if step < *steps => {
                start + (1.0 - start) * share(step, *steps)
            }
            Schedule::WarmUp { steps, then, .. } => then.factor(step - steps),
        }
    }

    /// This schedule after a linear warm-up from the factor `start`.
    pub fn warm_up(self, steps: u64, start: f64) -> Schedule {
        Schedule::WarmUp { steps, start, then: Box::new(self) }
    }
}

/// How much of `steps` is over, at most all.
fn share(step: u64, steps: u64) -> f64 {
    if step >= steps { 1.0 } else { step as f64 / steps as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: &Schedule, steps: &[u64]) -> Vec<f64> {
        steps.iter().map(|&step| (schedule.factor(step) * 1e12).round() / 1e12).collect()
    }

    #[test]
    fn follow_their_formulas() {
        let step = Schedule::Step { every: 10, gamma: 0.5 };
        assert_eq!(factors(&step, &[0, 9, 10, 35]), [1.0, 1.0, 0.5, 0.125]);
        let milestones = Schedule::MultiStep { milestones: vec![30, 10], gamma: 0.1 };
        assert_eq!(factors(&milestones, &[9, 10, 29, 30]), [1.0, 0.1, 0.1, 0.01]);
        assert_eq!(factors(&Schedule::Exponential { gamma: 0.5 }, &[0, 3]), [1.0, 0.125]);
        let cosine = Schedule::Cosine { steps: 4, minimum: 0.2 };
        assert_eq!(factors(&cosine, &[0, 2, 4, 400]), [1.0, 0.6, 0.2, 0.2]);
        assert_eq!(factors(&Schedule::Linear { steps: 4, end: 0.0 }, &[0, 1, 4, 9]), [1.0, 0.75, 0.0, 0.0]);
        assert_eq!(Schedule::Constant.factor(u64::MAX), 1.0);
    }

    #[test]
    fn warm_up_then_starts_the_other_from_its_beginning() {
        let schedule = Schedule::Exponential { gamma: 0.5 }.warm_up(4, 0.2);
        assert_eq!(factors(&schedule, &[0, 1, 2, 4, 5]), [0.2, 0.4, 0.6, 1.0, 0.5]);
        let none = Schedule::Constant.warm_up(0, 0.0);
        assert_eq!(none.factor(0), 1.0);
    }
}
