//! The records of steps as columns: a page draws them, and the names stand once.

use serde::Serialize;
use std::collections::BTreeMap;
use wengert_models::run::StepRecord;

/// Steps that are sent at once; of more, evenly chosen ones are.
const MOST_STEPS: usize = 20_000;

/// Columns of equal length.
#[derive(Debug, PartialEq, Serialize)]
pub struct Columns {
    /// How many steps one row stands for.
    every: usize,
    steps: Vec<u64>,
    images_per_second: Vec<f32>,
    /// By name; `null` where a step had no such loss. In f32, as the engine computes them: half the digits.
    losses: BTreeMap<String, Vec<Option<f32>>>,
}

impl Columns {
    /// The columns of some records, in their order. The last one is always among them.
    pub fn of(records: &[StepRecord]) -> Columns {
        let every = records.len().div_ceil(MOST_STEPS).max(1);
        let chosen: Vec<&StepRecord> = records.iter().rev().step_by(every).rev().collect();
        let mut losses = BTreeMap::new();
        for name in records.iter().flat_map(|record| record.losses.keys()) {
            if !losses.contains_key(name) {
                let value = |record: &&StepRecord| record.losses.get(name).map(|value| *value as f32);
                losses.insert(name.clone(), chosen.iter().map(value).collect());
            }
        }
        Columns {
            every,
            steps: chosen.iter().map(|record| record.step).collect(),
            images_per_second: chosen.iter().map(|record| record.images_per_second as f32).collect(),
            losses,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(step: u64, names: &[&str]) -> StepRecord {
        let losses = names.iter().map(|name| ((*name).to_owned(), step as f64)).collect();
        StepRecord { step, images_per_second: 1.0, losses }
    }

    #[test]
    fn a_loss_that_a_step_did_not_have_is_no_zero() {
        let columns = Columns::of(&[record(1, &["total"]), record(2, &["total", "generator"])]);
        assert_eq!(columns.losses["generator"], [None, Some(2.0)]);
        assert_eq!((columns.every, &columns.steps[..]), (1, &[1, 2][..]));
    }

    #[test]
    fn of_many_steps_the_last_is_among_the_chosen() {
        let records: Vec<StepRecord> = (1..=50_001).map(|step| record(step, &["total"])).collect();
        let columns = Columns::of(&records);
        assert_eq!((columns.every, columns.steps.last()), (3, Some(&50_001)));
        assert!(columns.steps.len() <= MOST_STEPS);
        assert_eq!(Columns::of(&[]).steps, [0u64; 0]);
    }
}
