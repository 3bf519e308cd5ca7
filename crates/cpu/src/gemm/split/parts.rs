//! Numbers of 32 bits as sums of numbers of 16.
//!
//! A bf16 is the upper half of an f32: the same exponent, and 8 bits of significand. An f32 has 24, so that
//! `x = high + middle + low`, each part the nearest bf16 of what the parts before it left over, is exact unless a part
//! falls below the smallest normal number.

use crate::gemm::Strided;
use crate::simd::{Kernel, vectorize};

/// Rows of a tile of the left operand, and columns of one of the right.
pub const TILE: usize = 16;
/// Elements of a tile along k.
pub const DEPTH: usize = 32;
/// Elements of a tile.
pub const ELEMENTS: usize = TILE * DEPTH;

/// Numbers closer to zero than this would have parts that the tile unit takes for zero.
const SMALLEST: u32 = (127 - 100) << 23;
/// Numbers from here on might round to an infinite bf16; infinity and NaN lie above.
const LARGEST: u32 = (127 + 127) << 23;

/// Which operand a tile belongs to, and so how its elements lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `[row][k]`.
    Left,
    /// `[k / 2][column][k % 2]`: pairs of k side by side.
    Right,
}

/// An operand of a product seen from outside: `count` rows (left) or columns (right) of `depth` elements.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// Element (0, 0).
    pub start: *const f32,
    /// Elements from a row (column) to the next.
    pub across: isize,
    /// Elements from a k to the next.
    pub along: isize,
    /// Rows (columns).
    pub count: usize,
    /// Elements along k.
    pub depth: usize,
    /// Which operand it is.
    pub side: Side,
}

// SAFETY: an operand is only read, and whoever makes one vouches that it stays in place while it is used.
unsafe impl Sync for Operand {}
// SAFETY: as above.
unsafe impl Send for Operand {}

impl Operand {
    /// The left operand [rows, depth] of a product.
    pub fn left(matrix: Strided<*const f32>, count: usize, depth: usize) -> Self {
        let Strided { start, row, column } = matrix;
        Self { start, across: row, along: column, count, depth, side: Side::Left }
    }

    /// The right operand [depth, columns] of a product.
    pub fn right(matrix: Strided<*const f32>, depth: usize, count: usize) -> Self {
        let Strided { start, row, column } = matrix;
        Self { start, across: column, along: row, count, depth, side: Side::Right }
    }

    /// Tiles across, a whole number of pairs of them: the tile unit multiplies two by two.
    pub fn tiles(&self) -> usize {
        self.count.div_ceil(2 * TILE) * 2
    }

    /// Tiles along k.
    pub fn blocks(&self) -> usize {
        self.depth.div_ceil(DEPTH)
    }

    /// Splits tile `tile` of blocks `blocks` into `packed`, `[block][part][ELEMENTS]`, zeros beyond the edges. Whether
    /// the tile unit treats all of these numbers as f32 arithmetic does: none is infinite, NaN, or too close to zero or
    /// infinity.
    ///
    /// # Safety
    /// The elements that the operand describes must be in bounds and not change meanwhile.
    pub unsafe fn split<const PARTS: usize>(
        &self,
        tile: usize,
        blocks: std::ops::Range<usize>,
        packed: &mut [u16],
    ) -> bool {
        let mut ordinary = true;
        for (block, packed) in blocks.zip(packed.chunks_exact_mut(PARTS * ELEMENTS)) {
            let mut numbers = Numbers([0.0; ELEMENTS]);
            // SAFETY: the caller vouches for the operand.
            unsafe { self.read(tile, block, &mut numbers) };
            ordinary &= vectorize(Split::<PARTS> { numbers, packed });
        }
        ordinary
    }

    /// Copies a tile into `numbers` in the order of its side.
    ///
    /// # Safety
    /// As for [`Operand::split`].
    unsafe fn read(&self, tile: usize, block: usize, numbers: &mut Numbers) {
        let (first, first_k) = (tile * TILE, block * DEPTH);
        let count = self.count.saturating_sub(first).min(TILE);
        let depth = (self.depth - first_k).min(DEPTH);
        let at = |i: usize, k: usize| match self.side {
            Side::Left => i * DEPTH + k,
            Side::Right => k / 2 * (2 * TILE) + 2 * i + k % 2,
        };
        let element = |i: usize, k: usize| {
            let distance = (first + i) as isize * self.across + (first_k + k) as isize * self.along;
            // SAFETY: first + i < count and first_k + k < depth, and the caller vouches for such elements.
            unsafe { *self.start.offset(distance) }
        };
        // The inner loop follows the direction in which the elements lie side by side.
        if self.along.abs() <= self.across.abs() {
            for i in 0..count {
                for k in 0..depth {
                    numbers.0[at(i, k)] = element(i, k);
                }
            }
        } else {
            for k in 0..depth {
                for i in 0..count {
                    numbers.0[at(i, k)] = element(i, k);
                }
            }
        }
    }
}

/// The elements of a tile, before they are split.
#[repr(align(64))]
struct Numbers([f32; ELEMENTS]);

struct Split<'a, const PARTS: usize> {
    numbers: Numbers,
    packed: &'a mut [u16],
}

impl<const PARTS: usize> Kernel for Split<'_, PARTS> {
    type Output = bool;

    #[inline(always)]
    fn run(mut self) -> bool {
        let mut strange = 0;
        for number in &self.numbers.0 {
            let magnitude = number.to_bits() & 0x7fff_ffff;
            strange |= u32::from(magnitude >= LARGEST) | u32::from(magnitude.wrapping_sub(1) < SMALLEST - 1);
        }
        for part in self.packed.as_chunks_mut::<ELEMENTS>().0 {
            for (part, rest) in part.iter_mut().zip(&mut self.numbers.0) {
                let bits = nearest(rest.to_bits());
                *part = (bits >> 16) as u16;
                *rest -= f32::from_bits(bits & 0xffff_0000);
            }
        }
        strange == 0
    }
}

/// Bits whose upper half is the nearest bf16, halves to the even one.
#[inline(always)]
fn nearest(bits: u32) -> u32 {
    bits.wrapping_add(0x7fff + (bits >> 16 & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widen(part: u16) -> f32 {
        f32::from_bits(u32::from(part) << 16)
    }

    #[test]
    fn three_parts_are_the_number_itself() {
        let numbers: Vec<f32> =
            (0..20 * 40).map(|i| ((i * 7919) as f32).sin() * 1e3f32.powi(i % 7 - 3)).collect();
        let matrix = Strided { start: numbers.as_ptr(), row: 40, column: 1 };
        for operand in [Operand::left(matrix, 20, 40), Operand::right(matrix, 20, 40)] {
            assert_eq!(
                (operand.tiles(), operand.blocks()),
                if operand.side == Side::Left { (2, 2) } else { (4, 1) }
            );
            for tile in 0..operand.tiles() {
                let mut packed = vec![7; operand.blocks() * 3 * ELEMENTS];
                // SAFETY: the operand describes `numbers`.
                assert!(unsafe { operand.split::<3>(tile, 0..operand.blocks(), &mut packed) });
                for (block, parts) in packed.chunks_exact(3 * ELEMENTS).enumerate() {
                    for (i, k) in (0..TILE).flat_map(|i| (0..DEPTH).map(move |k| (i, k))) {
                        let at = if operand.side == Side::Left {
                            i * DEPTH + k
                        } else {
                            k / 2 * 32 + 2 * i + k % 2
                        };
                        let sum: f32 = [2, 1, 0].map(|part| widen(parts[part * ELEMENTS + at])).iter().sum();
                        let (i, k) = (tile * TILE + i, block * DEPTH + k);
                        let (row, column) = if operand.side == Side::Left { (i, k) } else { (k, i) };
                        let inside = row < 20 && column < 40;
                        assert_eq!(sum, if inside { numbers[row * 40 + column] } else { 0.0 });
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_that_the_tile_unit_treats_otherwise_are_noticed() {
        let ordinary = [0.0, -0.0, 1.0, -1e-30, 1e38, f32::from_bits(SMALLEST)];
        let strange =
            [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, 1e-31, -f32::from_bits(1), 1e-40];
        let split = |number: f32| {
            let numbers = [number; 1];
            let matrix = Strided { start: numbers.as_ptr(), row: 1, column: 1 };
            // SAFETY: the operand describes `numbers`.
            unsafe { Operand::left(matrix, 1, 1).split::<2>(0, 0..1, &mut [0; 2 * ELEMENTS]) }
        };
        assert!(ordinary.into_iter().all(split));
        assert!(!strange.into_iter().any(split));
    }
}
