//! Convolutions of f32 from products of bf16 tiles, for processors with AMX; see [`gemm::split`](crate::gemm::split) for the
//! arithmetic.
//!
//! An operand of the tile unit is sixteen rows at any constant distance. So no patches are packed: the source is split once
//! into [`planes`] of words, where a tile of sixteen neighbouring positions lies in place for every tap.
//!
//! - [`gather`]: a word holds two channels; rows of tiles are channels of the source. Weights are the left operand, and results
//!   come out as planes.
//! - [`weight_grad`]: a word holds two images. The left operand is the input, `[channel][position]`, and the right one the
//!   cotangent, `[position][channel]`, zero where the input has no position.
//!
//! Where a number has no parts, as [`Splitter::ordinary`](crate::tiles::parts::Splitter::ordinary) says, the whole
//! convolution is computed in f32.

mod gather;
mod planes;
#[cfg(test)]
mod tests;
mod weight_grad;

use super::Convolution;
use super::gather::Gather;
use super::kernel::Kernel;
use crate::gemm::{Precision, precision};
use crate::tiles::parts::TILE;
use crate::tiles::unit::Unit;

/// Convolutions from parts, each of which says `false`, and leaves anything in the result, where f32 should be used.
#[derive(Clone, Copy)]
pub struct OnTiles<T> {
    unit: Unit,
    gather: GatherOnTiles<T>,
    weight_grad: WeightGradOnTiles<T>,
}

type GatherOnTiles<T> = fn(Unit, &Gather<T>, &Kernel<T>, &mut [T]) -> bool;
type WeightGradOnTiles<T> = fn(Unit, &Convolution, &Kernel<T>, [&[T]; 2], &mut [T]) -> bool;

impl<T> OnTiles<T> {
    /// [`Gather::run`].
    pub fn gather(&self, gather: &Gather<T>, kernel: &Kernel<T>, out: &mut [T]) -> bool {
        (self.gather)(self.unit, gather, kernel, out)
    }

    /// [`weight_grad`](super::weight_grad()) of an input and a cotangent.
    pub fn weight_grad(
        &self,
        shape: &Convolution,
        kernel: &Kernel<T>,
        operands: [&[T]; 2],
        out: &mut [T],
    ) -> bool {
        (self.weight_grad)(self.unit, shape, kernel, operands, out)
    }
}

/// Those of the precision in use, where it is not f32.
pub fn current() -> Option<OnTiles<f32>> {
    match precision() {
        Precision::F32 => None,
        Precision::Bf16x6 => Unit::detect().map(of::<3>),
        Precision::Bf16x3 => Unit::detect().map(of::<2>),
    }
}

/// Those of a unit and a number of parts.
fn of<const PARTS: usize>(unit: Unit) -> OnTiles<f32> {
    OnTiles { unit, gather: gather::gather::<PARTS>, weight_grad: weight_grad::weight_grad::<PARTS> }
}

/// Multiply-adds below which splitting numbers and setting up tiles is not worth it: so many, and so many for each number
/// that is read or written.
const SMALLEST_WORK: usize = 1 << 18;
const SMALLEST_SHARE: usize = 32;

/// Whether there is enough to do for numbers to be split: `work` multiply-adds over `numbers` read and written, between so many
/// channels of a group, of which at least half of two tiles should be used.
fn pays(work: usize, numbers: usize, channels: [usize; 2]) -> bool {
    channels.iter().all(|&count| count >= TILE)
        && work >= SMALLEST_WORK.max(numbers.saturating_mul(SMALLEST_SHARE))
}
