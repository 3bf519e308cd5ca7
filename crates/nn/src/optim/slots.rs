//! The parameters of an optimiser, in groups, with what it remembers of each.

use super::{Moment, ParameterGroup, Rate, expect_not_negative};
use crate::error::Result;
use crate::state::{Reader, StateDict};
use std::collections::{BTreeMap, BTreeSet};
use wengert_tensor::Tensor;
use wengert_tensor::ops::optimize::Update;
use wengert_tensor::step::{Counter, Pace};

/// The parameters of an optimiser and what it remembers of each from step to step.
#[derive(Debug)]
pub struct Slots {
    groups: Vec<Group>,
    /// PyTorch's names of the tensors that are kept for each parameter.
    names: &'static [&'static str],
}

#[derive(Debug)]
struct Group {
    learning_rate: Rate,
    initial_learning_rate: f64,
    weight_decay: Option<f64>,
    slots: Vec<Slot>,
}

/// One parameter.
#[derive(Debug)]
struct Slot {
    parameter: Tensor,
    /// Steps taken so far. A parameter that had no gradient for a while has taken fewer than others.
    steps: Counter,
    /// The kept tensors; none before the first step.
    kept: Vec<Tensor>,
}

/// Parameters that take the same step: of one group, one element type and one step count.
pub(super) struct Batch<'a> {
    learning_rate: Rate,
    weight_decay: f64,
    /// Number of this step for these parameters, from 1 on.
    steps: Counter,
    members: Vec<(&'a Slot, Tensor)>,
}

impl Batch<'_> {
    /// What the step is told: by a rule, so that a recorded step goes on with it.
    pub fn pace<S: Copy + 'static>(&self, rule: impl Fn(Moment) -> S + Send + Sync + 'static) -> Pace<S> {
        let (rate, weight_decay) = (self.learning_rate.clone(), self.weight_decay);
        Pace::moving(self.steps.clone(), move |step| {
            rule(Moment { learning_rate: rate.get(), weight_decay, step })
        })
    }

    /// The members with the first `S` of their kept tensors.
    pub fn updates<const S: usize>(&self) -> Vec<Update<'_, S>> {
        self.members
            .iter()
            .map(|(slot, gradient)| {
                let state = std::array::from_fn(|i| &slot.kept[i]);
                Update { parameter: &slot.parameter, gradient, state }
            })
            .collect()
    }
}

impl Slots {
    /// One group, and the names of the tensors that the optimiser keeps for each parameter.
    #[track_caller]
    pub(super) fn new(parameters: Vec<Tensor>, learning_rate: f64, names: &'static [&'static str]) -> Self {
        let mut slots = Self { groups: Vec::new(), names };
        slots.add(ParameterGroup::new(parameters, learning_rate));
        slots
    }

    /// Which tensors are kept; to be chosen before the first step.
    pub(super) fn keep(&mut self, names: &'static [&'static str]) {
        self.names = names;
    }

    #[track_caller]
    pub(super) fn add(&mut self, group: ParameterGroup) {
        expect_not_negative("learning rate", group.learning_rate);
        if let Some(weight_decay) = group.weight_decay {
            expect_not_negative("weight decay", weight_decay);
        }
        let mut seen: BTreeSet<usize> = self.parameters().iter().map(Tensor::address).collect();
        for parameter in &group.parameters {
            assert!(
                parameter.is_leaf() && parameter.dtype().is_float(),
                "an optimiser changes parameters, which are float leaves; {} is none",
                parameter.label()
            );
            assert!(
                seen.insert(parameter.address()),
                "{} was given to the optimiser twice",
                parameter.label()
            );
        }
        let slot = |parameter| Slot { parameter, steps: Counter::new(0), kept: Vec::new() };
        self.groups.push(Group {
            learning_rate: Rate::new(group.learning_rate),
            initial_learning_rate: group.learning_rate,
            weight_decay: group.weight_decay,
            slots: group.parameters.into_iter().map(slot).collect(),
        });
    }

    /// All parameters, in the order of their numbers.
    pub fn parameters(&self) -> Vec<Tensor> {
        self.slots().map(|slot| slot.parameter.clone()).collect()
    }

    /// The learning rate of each group.
    pub fn learning_rates(&self) -> Vec<f64> {
        self.groups.iter().map(|group| group.learning_rate.get()).collect()
    }

    pub(super) fn set_learning_rate(&mut self, learning_rate: f64) {
        expect_not_negative("learning rate", learning_rate);
        for group in &mut self.groups {
            group.learning_rate.set(learning_rate);
            group.initial_learning_rate = learning_rate;
        }
    }

    pub(super) fn scale_learning_rate(&mut self, factor: f64) {
        for group in &mut self.groups {
            group.learning_rate.set(group.initial_learning_rate * factor);
        }
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.groups.iter().flat_map(|group| &group.slots)
    }

    /// Calls `run` for the parameters that have a gradient, in batches that share their hyperparameters. What is kept
    /// for a parameter starts as `initial` everywhere.
    pub(super) fn step(
        &mut self,
        weight_decay: f64,
        initial: f64,
        mut run: impl FnMut(&Batch<'_>) -> wengert_tensor::Result<()>,
    ) -> Result<()> {
        let names = self.names;
        for group in &mut self.groups {
            let mut batches: BTreeMap<(usize, u64), Vec<(&Slot, Tensor)>> = BTreeMap::new();
            for slot in &mut group.slots {
                let Some(gradient) = slot.parameter.grad() else { continue };
                if slot.kept.is_empty() {
                    slot.kept = names.iter().map(|_| slot.parameter.full_like(initial)).collect();
                }
                let before = slot.steps.add(1);
                // Of the two float types, the size tells which.
                let key = (slot.parameter.dtype().size_of(), before);
                batches.entry(key).or_default().push((slot, gradient));
            }
            for members in batches.into_values() {
                let weight_decay = group.weight_decay.unwrap_or(weight_decay);
                let steps = members[0].0.steps.clone();
                run(&Batch { learning_rate: group.learning_rate.clone(), weight_decay, steps, members })?;
            }
        }
        Ok(())
    }

    pub(super) fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        for (i, group) in self.groups.iter().enumerate() {
            state.insert(format!("group.{i}.learning_rate"), Tensor::scalar(group.learning_rate.get()));
            state.insert(
                format!("group.{i}.initial_learning_rate"),
                Tensor::scalar(group.initial_learning_rate),
            );
        }
        for (i, slot) in self.slots().enumerate().filter(|(_, slot)| slot.steps.get() > 0) {
            state.insert(format!("state.{i}.step"), Tensor::scalar(slot.steps.get().cast_signed()));
            for (name, tensor) in self.names.iter().zip(&slot.kept) {
                state.insert(format!("state.{i}.{name}"), tensor.copy());
            }
        }
        state
    }

    pub(super) fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let mut reader = Reader::new(state);
        let rates: Vec<(f64, f64)> = (0..self.groups.len())
            .map(|i| {
                let rate = reader.float(format!("group.{i}.learning_rate"));
                (rate, reader.float(format!("group.{i}.initial_learning_rate")))
            })
            .collect();
        let mut contents = Vec::new();
        for (i, slot) in self.slots().enumerate() {
            let step = format!("state.{i}.step");
            // A parameter that never had a gradient has no state.
            let (steps, names) =
                if state.contains_key(&step) { (reader.count(step), self.names) } else { (0, &[][..]) };
            let spec = slot.parameter.spec();
            let kept: Vec<Tensor> = names
                .iter()
                .filter_map(|name| reader.take(format!("state.{i}.{name}"), spec.clone()))
                .collect();
            contents.push((steps, kept));
        }
        reader.finish()?;
        for (group, (rate, initial)) in self.groups.iter_mut().zip(rates) {
            group.learning_rate.set(rate);
            group.initial_learning_rate = initial;
        }
        let slots = self.groups.iter_mut().flat_map(|group| &mut group.slots);
        for (slot, (steps, kept)) in slots.zip(contents) {
            slot.steps.set(steps);
            slot.kept = kept.iter().map(Tensor::copy).collect();
        }
        Ok(())
    }
}
