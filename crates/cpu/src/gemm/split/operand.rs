//! Operands of a product, seen from outside, that are split into bf16 parts and packed as tiles.
//!
//! A word holds the parts of k and of k + 16, so that whole vectors of f32 become vectors of pairs.

use crate::gemm::Strided;
use crate::gemm::kernel::Kernel as Tiles;
use crate::gemm::pack::Packing;
use crate::simd::{Kernel, vectorize};
use crate::tiles::parts::{DEPTH, Splitter, TILE, WORDS};

/// Elements of a tile.
const ELEMENTS: usize = TILE * DEPTH;

/// Which operand a tile belongs to, and so how its words lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `[row][k]`, with k below 16.
    Left,
    /// `[k][column]`, with k below 16.
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

    /// Splits tile `tile` of all blocks into `packed`, `[block][part][WORDS]`, zeros beyond the edges. Whether the tile unit
    /// treats all of these numbers as f32 arithmetic does: none is infinite, NaN, or too close to zero or infinity.
    ///
    /// # Safety
    /// The elements that the operand describes must be in bounds and not change meanwhile.
    pub unsafe fn split<const PARTS: usize>(&self, tile: usize, packed: &mut [u32]) -> bool {
        let tiles = Tiles::current();
        let mut numbers = Numbers([0.0; ELEMENTS]);
        let mut ordinary = true;
        for (block, packed) in packed.chunks_exact_mut(PARTS * WORDS).enumerate() {
            // SAFETY: the caller vouches for the operand.
            unsafe { self.read(&tiles, [tile, block], &mut numbers) };
            ordinary &= vectorize(Split::<PARTS> { numbers: &numbers, side: self.side, packed });
        }
        ordinary
    }

    /// Copies tile `tile` of block `block` into `numbers`: [row, k] of a left operand, [k, column] of a right one.
    ///
    /// # Safety
    /// As for [`Operand::split`].
    unsafe fn read(&self, tiles: &Tiles, [tile, block]: [usize; 2], numbers: &mut Numbers) {
        let (first, first_k) = (tile * TILE, block * DEPTH);
        let count = self.count.saturating_sub(first).min(TILE);
        let depth = (self.depth - first_k).min(DEPTH);
        if count < TILE || depth < DEPTH {
            numbers.0.fill(0.0);
        }
        let Self { start, across, along, .. } = *self;
        let start = start.wrapping_offset(first as isize * across + first_k as isize * along);
        let [row, column, rows, columns, width] = match self.side {
            Side::Left => [across, along, count as isize, depth as isize, DEPTH as isize],
            Side::Right => [along, across, depth as isize, count as isize, TILE as isize],
        };
        let (depth, columns, width) = (rows as usize, columns as usize, width as usize);
        let from = Strided { start, row, column };
        let packing = Packing { depth, columns, from, to: numbers.0.as_mut_ptr(), width, readable: columns };
        // SAFETY: first + row < count and first_k + k < depth for all elements copied, and the caller vouches for such
        // elements; `numbers` holds rows of `width`.
        unsafe { tiles.pack(&packing) }
    }
}

/// The elements of a tile, before they are split.
#[repr(align(64))]
struct Numbers([f32; ELEMENTS]);

struct Split<'a, const PARTS: usize> {
    numbers: &'a Numbers,
    side: Side,
    packed: &'a mut [u32],
}

impl<const PARTS: usize> Kernel for Split<'_, PARTS> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        match self.side {
            // A row of the tile is 16 numbers of k and the 16 after them.
            Side::Left => split::<PARTS>(&self.numbers.0, DEPTH, TILE, self.packed),
            // A row is all columns of one k and those of the k that is 16 further on.
            Side::Right => split::<PARTS>(&self.numbers.0, TILE, WORDS, self.packed),
        }
    }
}

/// Row `i` of every part is made of the vectors that begin at `i * step` and `distance` after that.
#[inline(always)]
fn split<const PARTS: usize>(
    numbers: &[f32; ELEMENTS],
    step: usize,
    distance: usize,
    packed: &mut [u32],
) -> bool {
    let packed = &mut packed[..PARTS * WORDS];
    let mut splitter = Splitter::new();
    for row in 0..TILE {
        let vector = |start: usize| -> [f32; TILE] {
            numbers[start..start + TILE].try_into().expect("a vector of the tile")
        };
        let parts = splitter.split::<PARTS>(vector(row * step), vector(row * step + distance));
        for (part, words) in parts.iter().enumerate() {
            packed[part * WORDS + row * TILE..][..TILE].copy_from_slice(words);
        }
    }
    splitter.ordinary()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiles::parts::{SMALLEST, UPPER};

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
                let mut packed = vec![7; operand.blocks() * 3 * WORDS];
                // SAFETY: the operand describes `numbers`.
                assert!(unsafe { operand.split::<3>(tile, &mut packed) });
                for (block, parts) in packed.chunks_exact(3 * WORDS).enumerate() {
                    for (i, k) in (0..TILE).flat_map(|i| (0..DEPTH).map(move |k| (i, k))) {
                        let pair = k % TILE;
                        let at = if operand.side == Side::Left { i * TILE + pair } else { pair * TILE + i };
                        let part = |part: usize| {
                            let word = parts[part * WORDS + at];
                            f32::from_bits(if k < TILE { word << 16 } else { word & UPPER })
                        };
                        let sum = part(2) + part(1) + part(0);
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
            unsafe { Operand::left(matrix, 1, 1).split::<2>(0, &mut [0; 2 * WORDS]) }
        };
        assert!(ordinary.into_iter().all(split));
        assert!(!strange.into_iter().any(split));
    }
}
