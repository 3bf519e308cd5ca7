//! Steps of the optimisers over many tensors at once: `optimize.cu`.

use crate::launch::{Argument, Arguments, BLOCK, Grid, arguments};
use crate::replay::Words;
use crate::{Error, Kind, Result, View};

/// Tensors of a launch, and elements of a block, as in the kernels.
const TENSORS: usize = 48;
const PIECE: usize = 1024;

/// Numbers that a step may have.
pub const NUMBERS: usize = 8;

/// The numbers of a step.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// Lasting ones: the same at every replay where the step is recorded.
    Lasting(&'a [f64]),
    /// Those of the step that runs. In a recorded step the next time may bring others.
    Now(&'a [f64]),
    /// Words of the replay, [`NUMBERS`] f64.
    Words(Words<'a>),
    /// [`NUMBERS`] f64 that the device has computed.
    Computed(View<'a>),
}

/// Which formula a step follows, the arrays of a tensor in it, and its numbers. Arrays are the parameter, its gradient, and
/// what the optimiser keeps; all but the gradient change. The formulas are those of the CPU's kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Arrays θ, g. Numbers: rate, decay.
    Sgd,
    /// Arrays θ, g, b. Numbers: rate, decay, momentum, 1 − dampening, and 1 for Nesterov's or 0.
    SgdMomentum,
    /// Arrays θ, g, m, v. Numbers: shrink, decay, β₁, β₂, 1 − β₁, 1 − β₂, rate, eps.
    Adam,
    /// Arrays θ, g, m, v, max v. Numbers as for Adam.
    AdamAmsgrad,
    /// Arrays θ, g, v, b, a. Numbers: rate, α, 1 − α, eps, decay, momentum, and 1 where centered or 0.
    RmsProp,
    /// Arrays θ, g, s. Numbers: rate, eps, decay.
    Adagrad,
    /// Arrays average, value. Number: 1 − decay.
    RunningAverage,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Sgd => "sgd",
            Step::SgdMomentum => "sgd_momentum",
            Step::Adam => "adam",
            Step::AdamAmsgrad => "adam_amsgrad",
            Step::RmsProp => "rmsprop",
            Step::Adagrad => "adagrad",
            Step::RunningAverage => "running_average",
        }
    }

    fn arrays(self) -> usize {
        match self {
            Step::Sgd | Step::RunningAverage => 2,
            Step::SgdMomentum | Step::Adagrad => 3,
            Step::Adam => 4,
            Step::AdamAmsgrad | Step::RmsProp => 5,
        }
    }
}

/// `StepTensors` of the kernels.
struct Tensors<'a> {
    arrays: usize,
    tensors: &'a [Place],
}

/// Addresses of a tensor's arrays, their number of elements, and the tensor's first block.
type Place = (Vec<u64>, usize, usize);

impl Argument for Tensors<'_> {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = Vec::with_capacity(TENSORS * (self.arrays * 8 + 8) + 8);
        let slots = || (0..TENSORS).map(|tensor| self.tensors.get(tensor));
        for array in 0..self.arrays {
            slots().for_each(|tensor| {
                bytes.extend_from_slice(&tensor.map_or(0, |tensor| tensor.0[array]).to_ne_bytes());
            });
        }
        for number in [|place: &Place| place.1, |place: &Place| place.2] {
            slots().for_each(|tensor| {
                bytes.extend_from_slice(&(tensor.map_or(0, number) as u32).to_ne_bytes());
            });
        }
        bytes.extend_from_slice(&(self.tensors.len() as u64).to_ne_bytes());
        arguments.push(&bytes);
    }
}

/// Changes all tensors by one step, in a launch for every 48 of them. Each array of a tensor is contiguous, and all hold
/// one float type. Arrays that change must not share elements with others.
///
/// # Errors
/// When sizes, types or numbers are not what the step takes.
pub fn step(step: Step, tensors: &[Vec<View<'_>>], numbers: Numbers<'_>) -> Result<()> {
    let (numbers, varies, words) = match numbers {
        Numbers::Lasting(numbers) => (numbers, 0, 0),
        Numbers::Now(numbers) => (numbers, NUMBERS, 0),
        Numbers::Words(words) => (&[][..], NUMBERS, words.pointer()),
        Numbers::Computed(numbers) if numbers.count() == NUMBERS => (&[][..], 0, numbers.dense_of(Kind::F64)?),
        Numbers::Computed(numbers) => {
            return Err(Error::Argument(format!("{step:?} with {} numbers", numbers.count())));
        }
    };
    let Some(first) = tensors.iter().find_map(|arrays| arrays.first()) else { return Ok(()) };
    let kind = first.kind();
    if numbers.len() > NUMBERS || !matches!(kind, Kind::F32 | Kind::F64) {
        return Err(Error::Argument(format!("{step:?} of {kind:?} with {numbers:?}")));
    }
    let mut places: Vec<Place> = Vec::with_capacity(tensors.len());
    for arrays in tensors {
        let alike = |array: &View<'_>| array.kind() == kind && array.sizes() == arrays[0].sizes();
        if arrays.len() != step.arrays() || !arrays.iter().all(alike) {
            return Err(Error::Argument(format!("{step:?} of arrays that are not alike: {arrays:?}")));
        }
        if arrays[0].count() > 0 {
            let pointers = arrays.iter().map(View::dense).collect::<Result<Vec<u64>>>()?;
            places.push((pointers, arrays[0].count(), 0));
        }
    }
    let device = first.memory().device();
    for places in places.chunks_mut(TENSORS) {
        let mut blocks = 0;
        for (_, count, first_block) in places.iter_mut() {
            *first_block = blocks;
            blocks += count.div_ceil(PIECE);
        }
        let mut arguments = arguments![Tensors { arrays: step.arrays(), tensors: places }];
        let mut constants = [0; NUMBERS * 8];
        for (i, &number) in numbers.iter().enumerate() {
            match kind {
                Kind::F32 => constants[i * 4..][..4].copy_from_slice(&(number as f32).to_ne_bytes()),
                _ => constants[i * 8..][..8].copy_from_slice(&number.to_ne_bytes()),
            }
        }
        arguments.push_varying(&constants[..NUMBERS * kind.size()], 0..varies * kind.size() / 8);
        arguments.push_varying(&words.to_ne_bytes(), 0..1);
        let name = format!("{}_{}", step.name(), kind.suffix());
        // SAFETY: the arrays of a tensor are contiguous and equally long, as many as the kernel takes and of its type; there
        // is a block for each piece of each of them, of the kernel's number of threads.
        unsafe { device.launch("optimize.cu", &name, Grid::line(blocks, BLOCK), arguments)? };
    }
    Ok(())
}
