//! In-place steps of the optimisers. These are not ops: they run outside the tape and change parameters where they lie.
//!
//! Each function takes many tensors of one element type and hands them to the kernel as one batch. A tape that saved
//! one of the parameters notices the change (see [`Error::ModifiedAfterSave`]). What a step is told, such as its learning
//! rate, is the same each time or follows a [`Pace`], which a recorded step needs.

use crate::dtype::Element;
use crate::inspect::trace;
use crate::step::Pace;
use crate::value::{Read, Write};
use crate::{Device, Error, Result, Spec, Tensor, Value, no_grad};
use wengert_cpu::optimize as kernel;
pub use wengert_cpu::optimize::{Adagrad, Adam, RmsProp, Sgd};
use wengert_cuda::optimize::{NUMBERS, Numbers, Step};

/// A parameter in a step: what changes, its gradient, and the `S` tensors that the optimiser keeps for it.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a, const S: usize> {
    /// The tensor that the step changes.
    pub parameter: &'a Tensor,
    /// Gradient of the loss with respect to it.
    pub gradient: &'a Tensor,
    /// What the optimiser remembers, in the order that the step's function names.
    pub state: [&'a Tensor; S],
}

/// θ ← θ − γ(g + λθ).
///
/// # Errors
/// As for all steps of this module: the tensors of a batch must have one float type, each must have the shape of its
/// gradient and state, and parameters and state must be contiguous and each appear once.
#[track_caller]
pub fn sgd_step(updates: &[Update<'_, 0>], step: impl Into<Pace<Sgd>>) -> Result<()> {
    let (batch, step) = (Batch::new("sgd_step", updates)?, step.into());
    if batch.on_device()? {
        return batch.launch(Step::Sgd, &step, |step| [step.learning_rate, step.weight_decay]);
    }
    let step = step.now();
    for_float!(batch.dtype(), "sgd_step", T => batch.run(|updates: Vec<kernel::Update<'_, T, 0>>| kernel::sgd(updates, &step)))
}

/// Stochastic gradient descent with momentum; state: the momentum buffer b. See [`kernel::sgd_momentum`].
///
/// # Errors
/// See [`sgd_step`].
#[track_caller]
pub fn sgd_momentum_step(updates: &[Update<'_, 1>], step: impl Into<Pace<Sgd>>) -> Result<()> {
    let (batch, step) = (Batch::new("sgd_step", updates)?, step.into());
    if batch.on_device()? {
        return batch.launch(Step::SgdMomentum, &step, |step| {
            let Sgd { learning_rate, weight_decay, momentum, dampening, nesterov } = *step;
            [learning_rate, weight_decay, momentum, 1.0 - dampening, f64::from(u8::from(nesterov))]
        });
    }
    let step = step.now();
    for_float!(batch.dtype(), "sgd_step", T => {
        batch.run(|updates: Vec<kernel::Update<'_, T, 1>>| kernel::sgd_momentum(updates, &step))
    })
}

/// Adam or AdamW; state: first moment m, second moment v. See [`kernel::adam`].
///
/// # Errors
/// See [`sgd_step`].
#[track_caller]
pub fn adam_step(updates: &[Update<'_, 2>], step: impl Into<Pace<Adam>>) -> Result<()> {
    let (batch, step) = (Batch::new("adam_step", updates)?, step.into());
    if batch.on_device()? {
        return batch.launch(Step::Adam, &step, adam_numbers);
    }
    let step = step.now();
    for_float!(batch.dtype(), "adam_step", T => {
        batch.run(|updates: Vec<kernel::Update<'_, T, 2>>| kernel::adam(updates, &step))
    })
}

/// Adam or AdamW with AMSGrad; state: m, v, the largest v so far. See [`kernel::adam_amsgrad`].
///
/// # Errors
/// See [`sgd_step`].
#[track_caller]
pub fn adam_amsgrad_step(updates: &[Update<'_, 3>], step: impl Into<Pace<Adam>>) -> Result<()> {
    let (batch, step) = (Batch::new("adam_step", updates)?, step.into());
    if batch.on_device()? {
        return batch.launch(Step::AdamAmsgrad, &step, adam_numbers);
    }
    let step = step.now();
    for_float!(batch.dtype(), "adam_step", T => {
        batch.run(|updates: Vec<kernel::Update<'_, T, 3>>| kernel::adam_amsgrad(updates, &step))
    })
}

/// RMSProp; state: second moment v, momentum buffer b, mean gradient a. See [`kernel::rmsprop`].
///
/// # Errors
/// See [`sgd_step`].
#[track_caller]
pub fn rmsprop_step(updates: &[Update<'_, 3>], step: impl Into<Pace<RmsProp>>) -> Result<()> {
    let (batch, step) = (Batch::new("rmsprop_step", updates)?, step.into());
    if batch.on_device()? {
        return batch.launch(Step::RmsProp, &step, |step| {
            let RmsProp { learning_rate, alpha, eps, weight_decay, momentum, centered } = *step;
            let centered = f64::from(u8::from(centered));
            [learning_rate, alpha, 1.0 - alpha, eps, weight_decay, momentum, centered]
        });
    }
    let step = step.now();
    for_float!(batch.dtype(), "rmsprop_step", T => {
        batch.run(|updates: Vec<kernel::Update<'_, T, 3>>| kernel::rmsprop(updates, &step))
    })
}

/// Adagrad; state: the sum of squared gradients s. See [`kernel::adagrad`].
///
/// # Errors
/// See [`sgd_step`].
#[track_caller]
pub fn adagrad_step(updates: &[Update<'_, 1>], step: impl Into<Pace<Adagrad>>) -> Result<()> {
    let (batch, step) = (Batch::new("adagrad_step", updates)?, step.into());
    if batch.on_device()? {
        let numbers = |step: &Adagrad| [step.learning_rate, step.eps, step.weight_decay];
        return batch.launch(Step::Adagrad, &step, numbers);
    }
    let step = step.now();
    for_float!(batch.dtype(), "adagrad_step", T => {
        batch.run(|updates: Vec<kernel::Update<'_, T, 1>>| kernel::adagrad(updates, &step))
    })
}

/// average ← decay·average + (1 − decay)·value, where `parameter` is the average and `gradient` the value.
///
/// # Errors
/// See [`sgd_step`].
#[track_caller]
pub fn running_average_step(updates: &[Update<'_, 0>], decay: impl Into<Pace<f64>>) -> Result<()> {
    let (batch, decay) = (Batch::new("running_average_step", updates)?, decay.into());
    if batch.on_device()? {
        return batch.launch(Step::RunningAverage, &decay, |decay| [1.0 - decay]);
    }
    let decay = decay.now();
    for_float!(batch.dtype(), "running_average_step", T => {
        batch.run(|updates: Vec<kernel::Update<'_, T, 0>>| kernel::running_average(updates, decay))
    })
}

/// As [`running_average_step`], for a decay that was computed where the tensors lie: an f64 scalar. A device is not waited for.
///
/// # Errors
/// See [`sgd_step`].
#[track_caller]
pub fn running_average_step_by(updates: &[Update<'_, 0>], decay: &Tensor) -> Result<()> {
    let batch = Batch::new("running_average_step", updates)?;
    if !batch.on_device()? {
        return running_average_step(updates, decay.item());
    }
    let shares = no_grad(|| (1.0 - decay.reshape([1])).expand([NUMBERS]).contiguous());
    batch.step(Step::RunningAverage, Numbers::Computed(shares.value().on_device()?))
}

/// The constants of a step as the device's kernels take them.
fn adam_numbers(step: &Adam) -> [f64; 8] {
    let factors = step.factors::<f64>();
    let kernel::AdamFactors { shrink, decay, beta1, beta2, share1, share2, rate, eps } = factors;
    [shrink, decay, beta1, beta2, share1, share2, rate, eps]
}

/// Checked tensors of one step.
struct Batch<'a, const S: usize> {
    name: &'static str,
    updates: &'a [Update<'a, S>],
    gradients: Vec<Value>,
}

/// The tensors of an update, locked.
struct Locked<'a, const S: usize> {
    parameter: Write<'a>,
    gradient: Read<'a>,
    state: [Write<'a>; S],
}

impl<'a, const S: usize> Batch<'a, S> {
    fn new(op: &'static str, updates: &'a [Update<'a, S>]) -> Result<Self> {
        let written =
            || updates.iter().flat_map(|update| std::iter::once(update.parameter).chain(update.state));
        for update in updates {
            let (shape, dtype) = (update.parameter.shape(), update.parameter.dtype());
            for tensor in update.state.into_iter().chain([update.gradient]) {
                if tensor.shape() != shape {
                    let found = tensor.shape();
                    return Err(Error::shape(
                        op,
                        format!("a parameter of shape {shape} with a gradient or state of {found}"),
                    ));
                }
                if tensor.dtype() != dtype || dtype != updates[0].parameter.dtype() {
                    return Err(Error::dtype(op, format!("{dtype} and {} in one batch", tensor.dtype())));
                }
            }
        }
        if let Some(tensor) = written().find(|tensor| !tensor.value().is_contiguous()) {
            return Err(Error::argument(
                op,
                format!("a strided view of shape {} cannot be changed", tensor.shape()),
            ));
        }
        // Each storage is locked once for writing: the same one twice would wait for itself.
        let mut storages: Vec<_> = written().map(|tensor| tensor.value().storage_address()).collect();
        storages.sort_unstable();
        if storages.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::argument(
                op,
                "a parameter appears twice in one step; give tied weights to the optimiser once",
            ));
        }
        let gradients: Vec<Value> =
            updates.iter().map(|update| update.gradient.value().contiguous()).collect();
        if gradients.iter().any(|gradient| storages.binary_search(&gradient.storage_address()).is_ok()) {
            return Err(Error::argument(
                op,
                "a gradient shares its memory with a parameter or with optimiser state",
            ));
        }
        Ok(Self { name: op, updates, gradients })
    }

    fn dtype(&self) -> crate::DType {
        self.updates.first().map_or(crate::DType::F32, |update| update.parameter.dtype())
    }

    /// Whether the tensors lie on a device and not in main memory.
    fn on_device(&self) -> Result<bool> {
        let Some(first) = self.updates.first() else { return Ok(false) };
        let device = first.parameter.device();
        let tensors = self
            .updates
            .iter()
            .flat_map(|update| update.state.into_iter().chain([update.parameter, update.gradient]));
        match tensors.map(Tensor::device).find(|&other| other != device) {
            None => Ok(device != Device::Cpu),
            Some(other) => Err(Error::device(self.name, format!("{device} and {other} in one batch"))),
        }
    }

    /// The step on the device where the tensors lie, at a pace.
    #[track_caller]
    fn launch<P: Copy + 'static, const N: usize>(
        &self,
        step: Step,
        pace: &Pace<P>,
        numbers: fn(&P) -> [f64; N],
    ) -> Result<()> {
        pace.with_numbers(numbers, |numbers| self.step(step, numbers))?
    }

    #[track_caller]
    fn step(&self, step: Step, numbers: Numbers<'_>) -> Result<()> {
        let mut tensors = Vec::with_capacity(self.updates.len());
        for (update, gradient) in self.updates.iter().zip(&self.gradients) {
            let mut arrays = vec![update.parameter.value().on_device()?, gradient.on_device()?];
            for kept in update.state {
                arrays.push(kept.value().on_device()?);
            }
            tensors.push(arrays);
        }
        let (spec, arrays) = self.traced();
        trace::step(self.name, &spec, arrays, || wengert_cuda::optimize::step(step, &tensors, numbers))?;
        for update in self.updates {
            for tensor in update.state.into_iter().chain([update.parameter]) {
                tensor.value().note_change();
            }
        }
        Ok(())
    }

    /// What a trace says of the step: all elements as one array, and arrays that pass through memory.
    fn traced(&self) -> (Spec, u64) {
        let numbers: usize = self.updates.iter().map(|update| update.parameter.numel()).sum();
        // The gradient is read; the parameter and each tensor of the state are read and written.
        (Spec::new([numbers], self.dtype()), 1 + 2 * (1 + S as u64))
    }

    #[track_caller]
    fn run<T: Element>(&self, kernel: impl FnOnce(Vec<kernel::Update<'_, T, S>>)) -> Result<()> {
        let mut locked = Vec::with_capacity(self.updates.len());
        for (update, gradient) in self.updates.iter().zip(&self.gradients) {
            locked.push(Locked {
                parameter: update.parameter.value().modify(),
                gradient: gradient.read(),
                state: update.state.map(|tensor| tensor.value().modify()),
            });
        }
        let slices = locked
            .iter_mut()
            .map(|update| kernel::Update {
                parameter: update.parameter.slice_mut(),
                gradient: update.gradient.slice(),
                state: update.state.each_mut().map(|array| array.slice_mut()),
            })
            .collect();
        let (spec, arrays) = self.traced();
        trace::step(self.name, &spec, arrays, || kernel(slices));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(elements: &[f64]) -> Tensor {
        Tensor::from_slice(elements, elements.len())
    }

    const STEP: Sgd =
        Sgd { learning_rate: 0.5, weight_decay: 0.0, momentum: 0.0, dampening: 0.0, nesterov: false };

    #[test]
    fn steps_several_tensors_at_once() {
        let (a, b) = (tensor(&[1.0, 2.0]), tensor(&[3.0]));
        let (da, db) = (tensor(&[2.0, 2.0]), tensor(&[-2.0]));
        let updates = [
            Update { parameter: &a, gradient: &da, state: [] },
            Update { parameter: &b, gradient: &db, state: [] },
        ];
        sgd_step(&updates, STEP).unwrap();
        assert_eq!(a.to_vec::<f64>(), [0.0, 1.0]);
        assert_eq!(b.to_vec::<f64>(), [4.0]);
        sgd_step(&[], STEP).unwrap();
    }

    #[test]
    fn refuses_what_it_cannot_step() {
        let (a, b) = (tensor(&[1.0, 2.0]), tensor(&[3.0]));
        let refuse = |updates: &[Update<'_, 0>]| sgd_step(updates, STEP).unwrap_err().to_string();
        let good = Update { parameter: &a, gradient: &a, state: [] };
        assert!(refuse(&[Update { gradient: &b, ..good }]).contains("[2]"));
        assert!(refuse(&[good]).contains("shares its memory"));
        let gradient = tensor(&[0.0, 0.0]);
        let fine = Update { gradient: &gradient, ..good };
        assert!(refuse(&[fine, fine]).contains("twice"));
    }
}
