//! Training steps on a CUDA device, each as one launch.

use crate::means::TOTAL;
use crate::model::{Losses, Training};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use wengert_data::{Batch, Loader, Position, Resident};
use wengert_tensor::step::{Selection, Step, Work};
use wengert_tensor::{Device, Generator, Tensor, attempt};

/// Steps that are asked for at once. The host hears of their losses, and of a wish to stop, after them.
pub(crate) const STEPS: u64 = 32;

/// The steps of a run whose images lie on the device.
#[derive(Debug)]
pub(crate) struct Replays {
    step: Step,
    images: Resident,
    rows: Selection,
    /// Names of the losses of each phase.
    names: BTreeMap<u64, Vec<&'static str>>,
    /// An epoch and the order of its images.
    order: (u64, Arc<Vec<usize>>),
}

/// What a step has told: the names of its losses, the total first, and their values.
pub(crate) type Told = Vec<(&'static str, f64)>;

impl Replays {
    /// For training on `device`; `None` on the CPU, or where the images of a step are its own.
    pub fn new(device: Device, loader: &Loader) -> Option<Replays> {
        if device == Device::Cpu {
            return None;
        }
        let images = Resident::new(loader)?;
        let (step, rows, order) = (Step::new(device), Selection::new(), (0, Arc::new(loader.order(0))));
        Some(Replays { step, images, rows, names: BTreeMap::new(), order })
    }

    /// The order of the images in an epoch.
    pub fn order(&mut self, loader: &Loader, epoch: u64) -> Arc<Vec<usize>> {
        if self.order.0 != epoch {
            self.order = (epoch, Arc::new(loader.order(epoch)));
        }
        self.order.1.clone()
    }

    /// Takes a step on each of these batches, of which `first` is the first, as far as they have a
    /// [`phase`](Training::phase); gives the number of images and the losses of each.
    pub fn take(
        &mut self,
        training: &mut dyn Training,
        noise: &Generator,
        batches: &[&[usize]],
        first: u64,
    ) -> Result<Vec<(usize, Told)>> {
        let is_steady = |&step: &u64| training.phase(step).is_some();
        let count = (first..).zip(batches).map(|(step, _)| step).take_while(is_steady).count();
        let Replays { step, images, rows, names, .. } = self;
        let mut steps = Steps { training, noise, batches, first, images, rows, names };
        let results = step.run(&mut steps, first, count)?;
        let told = |(step, values): (u64, Vec<f64>)| {
            let names = &steps.names[&steps.phase(step)];
            (steps.batch(step).len(), names.iter().copied().zip(values).collect())
        };
        Ok((first..).zip(results).map(told).collect())
    }
}

/// The first loss that is not a finite number: a term where one is, since the total is their sum.
pub(crate) fn first_not_finite(told: &Told) -> Option<(&'static str, f64)> {
    let (total, terms) = told.split_first()?;
    if total.1.is_finite() {
        return None;
    }
    Some(*terms.iter().find(|(_, value)| !value.is_finite()).unwrap_or(total))
}

/// Some steps of an epoch.
struct Steps<'a> {
    training: &'a mut dyn Training,
    noise: &'a Generator,
    batches: &'a [&'a [usize]],
    first: u64,
    images: &'a Resident,
    rows: &'a Selection,
    names: &'a mut BTreeMap<u64, Vec<&'static str>>,
}

impl Steps<'_> {
    fn batch(&self, step: u64) -> &[usize] {
        self.batches[(step - self.first) as usize]
    }
}

impl Work for Steps<'_> {
    type Error = Error;

    /// The phase of the training, and the size of the batch: the last of an epoch may be smaller.
    fn phase(&self, step: u64) -> u64 {
        self.training.phase(step).unwrap_or_default() << 32 | self.batch(step).len() as u64
    }

    fn prepare(&mut self, step: u64) -> Result<()> {
        self.training.set_rates(step);
        self.rows.choose(self.batch(step).iter().copied());
        Ok(())
    }

    fn run(&mut self, step: u64) -> Result<Vec<Tensor>> {
        let (images, labels) = self.images.batch(&self.rows.indices());
        let indices = self.batch(step).to_vec();
        let batch = Batch { images, labels, indices, position: Position::default() };
        let Losses { total, terms } = attempt(|| self.training.step(&batch, self.noise, step))??;
        let (names, values): (Vec<_>, Vec<_>) = std::iter::once((TOTAL, total)).chain(terms).unzip();
        self.names.insert(self.phase(step), names);
        Ok(values)
    }
}
