//! Random numbers, with the very bits that the CPU draws: `random.cu`.

use crate::launch::{Argument, Arguments, Grid, arguments};
use crate::replay::Words;
use crate::{Error, Kind, Memory, Result, View};

/// Where a draw begins: a seed, one of its 2⁶⁴ streams, and the block of four 32-bit words within the stream.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The key of the generator.
    pub seed: u64,
    /// Which of the seed's independent sequences.
    pub stream: u64,
    /// First block of the draw.
    pub offset: u64,
    /// What moves on with a recorded step, if it is part of one.
    pub moving: Option<Moving<'a>>,
}

/// The first block that a recorded step draws.
#[derive(Clone, Copy, Debug)]
pub enum Moving<'a> {
    /// So far in the step that runs: `offset` counts from it.
    Now(u64),
    /// A word of the replay: `offset` counts from it.
    Word(Words<'a>),
}

impl Argument for Position<'_> {
    fn add_to(&self, arguments: &mut Arguments) {
        let (base, word) = match self.moving {
            None => (0, 0),
            Some(Moving::Now(base)) => (base, 0),
            Some(Moving::Word(word)) => (0, word.pointer()),
        };
        let mut bytes = [0; 40];
        for (slot, number) in bytes.chunks_exact_mut(8).zip([self.seed, self.stream, self.offset, base, word]) {
            slot.copy_from_slice(&number.to_ne_bytes());
        }
        arguments.push_varying(&bytes, 3..5);
    }
}

/// What floats are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Even over [low, high).
    Uniform {
        /// Smallest value.
        low: f64,
        /// What every value lies below.
        high: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        standard_deviation: f64,
    },
    /// With density λ e^(−λx).
    Exponential {
        /// λ.
        rate: f64,
    },
    /// Standard Gumbel numbers, −ln(−ln u).
    Gumbel,
}

/// A float of the kernels' element type.
fn add(arguments: &mut Arguments, kind: Kind, number: f64) {
    match kind {
        Kind::F32 => arguments.add(number as f32),
        _ => arguments.add(number),
    }
}

/// Refuses types other than floats, and memory that is too small.
fn check(op: &str, kind: Kind, count: usize, out: &Memory) -> Result<()> {
    let fits = count <= i32::MAX as usize && count * kind.size() <= out.bytes();
    if fits && matches!(kind, Kind::F32 | Kind::F64) {
        return Ok(());
    }
    Err(Error::Argument(format!("{op}: {count} {kind:?} into {} bytes", out.bytes())))
}

/// A grid with a thread for each block of words, four of f32 or two of 64 bits.
fn grid(out: &Memory, kind: Kind, count: usize) -> Grid {
    Grid::cover(out.device(), count.div_ceil(16 / kind.size()), 1)
}

/// The first `count` elements of a draw, f32 or f64.
///
/// # Errors
/// When `kind` is another type or `out` too small.
pub fn draw(
    distribution: Distribution,
    position: Position<'_>,
    kind: Kind,
    count: usize,
    out: &Memory,
) -> Result<()> {
    let (name, [p, q]) = match distribution {
        Distribution::Uniform { low, high } => ("uniform", [low, high]),
        Distribution::Normal { mean, standard_deviation } => ("normal", [mean, standard_deviation]),
        Distribution::Exponential { rate } => ("exponential", [rate, 0.0]),
        Distribution::Gumbel => ("gumbel", [0.0; 2]),
    };
    check(name, kind, count, out)?;
    if count == 0 {
        return Ok(());
    }
    let mut arguments = arguments![out.pointer(), count as u32, position];
    [p, q].into_iter().for_each(|number| add(&mut arguments, kind, number));
    // SAFETY: `out` has room for `count` elements of the kernel's type, which takes memory, count, position and two numbers
    // of that type. Any grid will do.
    unsafe {
        out.device().launch(
            "random.cu",
            &format!("{name}_{}", kind.suffix()),
            grid(out, kind, count),
            arguments,
        )
    }
}

/// The first `count` elements of a draw of i64 spread evenly over `low..high`.
///
/// # Errors
/// When the range is empty or `out` too small.
pub fn integers(position: Position<'_>, low: i64, high: i64, count: usize, out: &Memory) -> Result<()> {
    if low >= high || count > i32::MAX as usize || count * 8 > out.bytes() {
        let detail = format!("randint: {count} numbers in {low}..{high} into {} bytes", out.bytes());
        return Err(Error::Argument(detail));
    }
    if count == 0 {
        return Ok(());
    }
    let width = high.wrapping_sub(low) as u64;
    let arguments = arguments![out.pointer(), count as u32, position, low, width];
    // SAFETY: `out` has room for `count` elements of 8 bytes. Any grid will do.
    unsafe { out.device().launch("random.cu", "randint_i64", grid(out, Kind::I64, count), arguments) }
}

/// 1 where a unit of the draw lies below the element of `probability`, 0 elsewhere, in its type.
///
/// # Errors
/// When `probability` does not hold contiguous floats or `out` is too small.
pub fn bernoulli(position: Position<'_>, probability: View<'_>, out: &Memory) -> Result<()> {
    with_units("bernoulli", position, probability, [0.0; 2], out)
}

/// 0 where a unit of the draw lies below `dropped`, and elsewhere the element of `input` times `scale`.
///
/// # Errors
/// When `input` does not hold contiguous floats or `out` is too small.
pub fn dropout(position: Position<'_>, input: View<'_>, dropped: f64, scale: f64, out: &Memory) -> Result<()> {
    with_units("dropout", position, input, [dropped, scale], out)
}

fn with_units(
    name: &str,
    position: Position<'_>,
    input: View<'_>,
    numbers: [f64; 2],
    out: &Memory,
) -> Result<()> {
    let (kind, count) = (input.kind(), input.count());
    check(name, kind, count, out)?;
    if count == 0 {
        return Ok(());
    }
    let mut arguments = arguments![input.dense()?, out.pointer(), count as u32, position];
    numbers.into_iter().for_each(|number| add(&mut arguments, kind, number));
    // SAFETY: `input` is contiguous, and `out` has room for as many elements. Any grid will do.
    unsafe {
        out.device().launch(
            "random.cu",
            &format!("{name}_{}", kind.suffix()),
            grid(out, kind, count),
            arguments,
        )
    }
}
