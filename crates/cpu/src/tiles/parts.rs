//! Numbers of 32 bits as sums of numbers of 16.
//!
//! A bf16 is the upper half of an f32: the same exponent, and 8 bits of significand. An f32 has 24, so that
//! `x = high + middle + low`, each part the nearest bf16 of what the parts before it left over, is exact unless a part
//! falls below the smallest normal number.

/// Rows of a tile of the left operand, and columns of one of the right.
pub const TILE: usize = 16;
/// Elements of a tile along k.
pub const DEPTH: usize = 32;
/// Words of a part of a tile. A word is a pair of bf16 at two places along k, in its lower and its upper half.
pub const WORDS: usize = TILE * DEPTH / 2;

/// Numbers closer to zero than this would have parts that the tile unit takes for zero.
pub const SMALLEST: u32 = (127 - 100) << 23;
/// Numbers from here on might round to an infinite bf16; infinity and NaN lie above.
const LARGEST: u32 = (127 + 127) << 23;

/// The half of an f32 that a bf16 keeps.
pub const UPPER: u32 = 0xffff_0000;

/// Splits vectors of numbers, and remembers how large and how small they were.
#[derive(Clone, Copy, Debug)]
pub struct Splitter {
    /// Twice the magnitudes: shifting the sign out leaves zero, too, as the smallest of all, and less one as the largest.
    largest: [u32; TILE],
    smallest: [u32; TILE],
}

impl Splitter {
    /// One that has seen nothing.
    #[inline(always)]
    pub fn new() -> Self {
        Self { largest: [0; TILE], smallest: [u32::MAX; TILE] }
    }

    /// The parts of two vectors, the first in the lower halves of words and the second in the upper ones.
    #[inline(always)]
    pub fn split<const PARTS: usize>(
        &mut self,
        mut low: [f32; TILE],
        mut high: [f32; TILE],
    ) -> [[u32; TILE]; PARTS] {
        for lane in 0..TILE {
            let (a, b) = (low[lane].to_bits() << 1, high[lane].to_bits() << 1);
            let larger = if a > b { a } else { b };
            self.largest[lane] = if larger > self.largest[lane] { larger } else { self.largest[lane] };
            let (a, b) = (a.wrapping_sub(1), b.wrapping_sub(1));
            let smaller = if a < b { a } else { b };
            self.smallest[lane] = if smaller < self.smallest[lane] { smaller } else { self.smallest[lane] };
        }
        let mut parts = [[0; TILE]; PARTS];
        for (part, words) in parts.iter_mut().enumerate() {
            for lane in 0..TILE {
                let (a, b) = (nearest(low[lane].to_bits()), nearest(high[lane].to_bits()));
                words[lane] = a >> 16 | b & UPPER;
                if part + 1 < PARTS {
                    low[lane] -= f32::from_bits(a & UPPER);
                    high[lane] -= f32::from_bits(b & UPPER);
                }
            }
        }
        parts
    }

    /// Whether the tile unit treats all numbers so far as f32 arithmetic does: none is infinite, NaN, or too close to zero
    /// or infinity.
    #[inline(always)]
    pub fn ordinary(&self) -> bool {
        let mut ordinary = true;
        for lane in 0..TILE {
            ordinary &= (self.largest[lane] < 2 * LARGEST) & (self.smallest[lane] >= 2 * SMALLEST - 1);
        }
        ordinary
    }
}

/// Bits whose upper half is the nearest bf16, halves away from zero: the next part takes up what was rounded off, so that
/// the even neighbour, three instructions more, would be no closer.
#[inline(always)]
fn nearest(bits: u32) -> u32 {
    bits.wrapping_add(0x8000)
}
