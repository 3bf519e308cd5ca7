//! Some neighbouring numbers of a row, in an array of their own.
//!
//! The gates of a step read and write many parts of a few rows. For all that the compiler knows these parts overlap, and it
//! leaves a loop over more than a handful of them scalar. Local arrays do not overlap with anything.

use crate::Float;

/// Numbers that are worked on together.
pub const LANES: usize = 64;

/// [`LANES`] numbers, of which the last may be beyond the end of the row.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Lanes<T>(pub [T; LANES]);

impl<T: Float> Lanes<T> {
    /// The numbers of `row` from `start` on, and zeros after its end.
    #[inline(always)]
    pub fn load(row: &[T], start: usize) -> Self {
        let rest = &row[start..];
        let mut lanes = [T::ZERO; LANES];
        match rest.first_chunk() {
            Some(whole) => lanes = *whole,
            None => lanes[..rest.len()].copy_from_slice(rest),
        }
        Self(lanes)
    }

    /// Writes those that are not beyond the end of `row`.
    #[inline(always)]
    pub fn store(self, row: &mut [T], start: usize) {
        let rest = &mut row[start..];
        match rest.first_chunk_mut() {
            Some(whole) => *whole = self.0,
            None => rest.copy_from_slice(&self.0[..rest.len()]),
        }
    }
}

/// Defines a function of [`Lanes`] from one of numbers. A function with a loop and not a closure: those are not inlined
/// where the instruction set is another.
macro_rules! lanes_function {
    ($name:ident($($operand:ident),+) = $value:expr) => {
        #[inline(always)]
        fn $name<T: Float>($($operand: Lanes<T>),+) -> Lanes<T> {
            let mut out = Lanes([T::ZERO; LANES]);
            for i in 0..LANES {
                $(let $operand = $operand.0[i];)+
                out.0[i] = $value;
            }
            out
        }
    };
}
pub(super) use lanes_function;
