//! The tile unit's arithmetic in plain code: for tests, and to repeat elsewhere what a processor with tiles has computed.

use super::{Block, RESULT, Tiles};
use crate::simd::{self, vectorize};
use crate::tiles::parts::{TILE, UPPER, WORDS};

/// Products of parts, smallest first, so that the large ones round last: `(left part, right part)`.
const OF_TWO: [(usize, usize); 3] = [(0, 1), (1, 0), (0, 0)];
/// The same for three parts. What is left out, middle·low and smaller, is below the rounding of f32.
const OF_THREE: [(usize, usize); 6] = [(0, 2), (2, 0), (1, 1), (0, 1), (1, 0), (0, 0)];

/// Adds the products of all steps to `results`.
pub fn multiply<const PARTS: usize>(block: Block, results: &mut [[f32; RESULT]; 4]) {
    let products: &[(usize, usize)] = if PARTS == 2 { &OF_TWO } else { &OF_THREE };
    for [left_step, right_step] in block.steps.words() {
        for &(left_part, right_part) in products {
            for (index, result) in results.iter_mut().enumerate() {
                let left = block.left.load(left_step, index / 2, left_part);
                let right = block.right.load(right_step, index % 2, right_part);
                vectorize(Tile { left: &left, right: &right, result });
            }
        }
    }
}

impl Tiles<'_> {
    /// A part of one of the tiles of a step.
    fn load(&self, step: usize, tile: usize, part: usize) -> [u32; WORDS] {
        let start = self.first + step + tile * self.next + part * self.part;
        let mut words = [0; WORDS];
        for (row, words) in words.chunks_exact_mut(TILE).enumerate() {
            words.copy_from_slice(&self.words[start + row * self.row..][..TILE]);
        }
        words
    }
}

/// One `TDPBF16PS`: the lower and the upper halves of words are summed apart, by fused multiply-adds, and then both are added to the result
/// (Intel's Instruction Set Reference).
struct Tile<'a> {
    left: &'a [u32; WORDS],
    right: &'a [u32; WORDS],
    result: &'a mut [f32; RESULT],
}

impl simd::Kernel for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (left_rows, _) = self.left.as_chunks::<TILE>();
        let (right_rows, _) = self.right.as_chunks::<TILE>();
        let (results, _) = self.result.as_chunks_mut::<TILE>();
        for (left, result) in left_rows.iter().zip(results) {
            let (mut lower, mut upper) = ([0f32; TILE], [0f32; TILE]);
            for (left, right) in left.iter().zip(right_rows) {
                let [a, b] = halves(*left);
                for column in 0..TILE {
                    let [c, d] = halves(right[column]);
                    lower[column] = a.mul_add(c, lower[column]);
                    upper[column] = b.mul_add(d, upper[column]);
                }
            }
            for column in 0..TILE {
                result[column] += lower[column] + upper[column];
            }
        }
    }
}

/// The lower and the upper bf16 of a word.
#[inline(always)]
fn halves(word: u32) -> [f32; 2] {
    [f32::from_bits(word << 16), f32::from_bits(word & UPPER)]
}
