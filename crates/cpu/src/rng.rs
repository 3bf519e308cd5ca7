//! Counter-based random numbers: Philox4x32-10.
//!
//! A block of four 32-bit words is a pure function of a key and a counter, so element `i` of a draw depends on (seed,
//! stream, offset, i) alone: any number of threads, or a GPU, makes the same numbers in any order. All steps from words
//! to floats are integer operations and plain additions, multiplications, divisions and square roots.
//!
//! A draw starts at a block boundary. An element takes as many words as it has 32-bit parts: block `offset + i/4` holds
//! the f32 elements `i..i+4`, and block `offset + i/2` the elements `i..i+2` of a type of 64 bits.

mod draw;
mod float;
mod philox;
#[cfg(test)]
mod tests;

pub use draw::{blocks, exponential, gumbel, integers, normal, permutation, uniform, with_units};
pub use float::RandomFloat;
pub use philox::{BLOCK, Position, philox4x32_10};
