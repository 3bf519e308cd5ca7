//! Packing: the columns of a panel next to each other, a row for every k, in the order in which the tile reads them.

use super::Strided;
use super::ahead::LINE;
use crate::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// A part of a matrix that becomes a panel, `to[k * width + j] = from[k, j]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    /// Rows of the panel.
    pub depth: usize,
    /// Columns of the panel, at most `width`.
    pub columns: usize,
    /// [depth, columns], with any strides.
    pub from: Strided<*const f32>,
    pub to: *mut f32,
    /// Elements from a row of the panel to the next.
    pub width: usize,
    /// Elements that may be read from the first column on, where columns lie next to each other: at least `columns`.
    pub readable: usize,
}

/// Defines [`pack`] for an instruction set.
macro_rules! pack {
    ($(#[$attribute:meta])* $name:ident, $vector:ty) => {
        /// # Safety
        /// The elements that the packing describes must be in bounds and those of `to` nobody else's; the processor must
        /// have the instruction set.
        $(#[$attribute])*
        pub(super) unsafe fn $name(packing: &Packing) {
            // SAFETY: the caller vouches for the packing and the instruction set.
            unsafe { pack::<$vector>(packing) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pack!(
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    avx512,
    __m512
);
#[cfg(target_arch = "x86_64")]
pack!(
    #[target_feature(enable = "avx2,fma")]
    avx2,
    __m256
);
pack!(baseline, Portable<f32>);

/// # Safety
/// The elements that the packing describes must be in bounds and those of `to` nobody else's, and what `V` needs.
#[inline(always)]
unsafe fn pack<V: Vector<Element = f32>>(packing: &Packing) {
    let &Packing { depth, columns, from, to, width, readable } = packing;
    let whole = columns - columns % V::LANES;
    // SAFETY: all offsets are k·row + j·column, or k·width + j, with k < depth and j < columns, or j < readable for what is only
    // read; any address may be fetched.
    unsafe {
        if from.column == 1 && width < V::LANES && 2 * width > V::LANES && readable >= V::LANES {
            // A strip: a vector for each row, whose last lanes the next row overwrites.
            let row = |k: usize| (from.start.wrapping_offset(k as isize * from.row), to.add(k * width));
            // The block that follows, not into the first-level cache: rows that are kilobytes apart crowd this block out of it.
            for k in 0..depth {
                V::prefetch_far(from.start.wrapping_offset((k + depth) as isize * from.row));
            }
            for k in 0..depth - 1 {
                let (from, to) = row(k);
                V::load(from).store(to);
            }
            let (from, to) = row(depth - 1);
            V::load(from).store_first(to, columns);
        } else if from.column == 1 {
            for k in 0..depth {
                // What this block is followed by; the processor does not foresee short rows.
                let next = from.start.wrapping_offset((k + depth) as isize * from.row);
                (0..columns).step_by(LINE).for_each(|j| V::prefetch(next.wrapping_add(j)));
                let (from, to) = (from.start.wrapping_offset(k as isize * from.row), to.add(k * width));
                for j in (0..whole).step_by(V::LANES) {
                    V::load(from.add(j)).store(to.add(j));
                }
                if whole < columns {
                    let count = columns - whole;
                    V::load_first(from.add(whole), count).store_first(to.add(whole), count);
                }
            }
        } else if from.row == 1 {
            for j in (0..columns).step_by(V::LANES) {
                let count = V::LANES.min(columns - j);
                for k in (0..depth).step_by(V::LANES) {
                    let start = from.start.wrapping_offset(k as isize + j as isize * from.column);
                    V::turn(start, from.column, count, V::LANES.min(depth - k), to.add(k * width + j), width);
                }
            }
        } else {
            for k in 0..depth {
                for j in 0..columns {
                    let offset = k as isize * from.row + j as isize * from.column;
                    *to.add(k * width + j) = *from.start.wrapping_offset(offset);
                }
            }
        }
    }
}
