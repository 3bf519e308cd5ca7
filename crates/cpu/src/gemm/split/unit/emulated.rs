//! The tile unit's arithmetic in plain code: for tests, and to repeat elsewhere what a processor with tiles has computed.

use super::{Block, RESULT};
use crate::gemm::split::parts::{DEPTH, ELEMENTS, TILE};
use crate::simd::{self, vectorize};

/// Products of parts, smallest first, so that the large ones round last: `(left part, right part)`.
const OF_TWO: [(usize, usize); 3] = [(0, 1), (1, 0), (0, 0)];
/// The same for three parts. What is left out, middle·low and smaller, is below the rounding of f32.
const OF_THREE: [(usize, usize); 6] = [(0, 2), (2, 0), (1, 1), (0, 1), (1, 0), (0, 0)];

/// Adds the products of all blocks to `results`.
pub fn multiply<const PARTS: usize>(block: Block, results: &mut [[f32; RESULT]; 4]) {
    let products: &[(usize, usize)] = if PARTS == 2 { &OF_TWO } else { &OF_THREE };
    for at in (0..block.left[0].len()).step_by(PARTS * ELEMENTS) {
        for &(left_part, right_part) in products {
            for (index, result) in results.iter_mut().enumerate() {
                let part = |tiles: &'_ [u16], part: usize| -> [u16; ELEMENTS] {
                    let start = at + part * ELEMENTS;
                    tiles[start..start + ELEMENTS].try_into().expect("a part is a tile")
                };
                let left = part(block.left[index / 2], left_part);
                let right = part(block.right[index % 2], right_part);
                vectorize(Tile { left: &left, right: &right, result });
            }
        }
    }
}

/// One `TDPBF16PS`: even and odd k are summed apart, by fused multiply-adds, and then both are added to the result
/// (Intel's Instruction Set Reference).
struct Tile<'a> {
    left: &'a [u16; ELEMENTS],
    right: &'a [u16; ELEMENTS],
    result: &'a mut [f32; RESULT],
}

impl simd::Kernel for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (left_rows, _) = self.left.as_chunks::<DEPTH>();
        let (pairs, _) = self.right.as_chunks::<{ 2 * TILE }>();
        let (results, _) = self.result.as_chunks_mut::<TILE>();
        for (left, result) in left_rows.iter().zip(results) {
            let (mut even, mut odd) = ([0f32; TILE], [0f32; TILE]);
            for (i, right) in pairs.iter().enumerate() {
                let (a, b) = (widen(left[2 * i]), widen(left[2 * i + 1]));
                for column in 0..TILE {
                    even[column] = a.mul_add(widen(right[2 * column]), even[column]);
                    odd[column] = b.mul_add(widen(right[2 * column + 1]), odd[column]);
                }
            }
            for column in 0..TILE {
                result[column] += even[column] + odd[column];
            }
        }
    }
}

#[inline(always)]
fn widen(part: u16) -> f32 {
    f32::from_bits(u32::from(part) << 16)
}
