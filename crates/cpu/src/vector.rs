//! The vectors that the kernels of matrix products and convolutions are written in: one trait, implemented for every
//! instruction set.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::element::Number;
use std::ops::Range;

/// A vector of numbers.
///
/// # Safety
/// All functions need the instruction set that the type stands for, and are `#[inline(always)]` so that they are
/// compiled with it. Pointers must be good for the elements that are read or written.
pub(crate) trait Vector: Copy {
    /// What its lanes hold.
    type Element: Number;
    /// Elements of a vector, at most [`MOST_LANES`].
    const LANES: usize;

    /// All zeros.
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller has the instruction set.
        unsafe { Self::splat(Self::Element::ZERO) }
    }
    /// The same value in all lanes.
    unsafe fn splat(value: Self::Element) -> Self;
    /// `LANES` elements, from any address.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Elements `lanes`, and zeros in the other lanes, for `lanes` within 0..=`LANES`. Nothing else is read.
    unsafe fn load_some(from: *const Self::Element, lanes: Range<usize>) -> Self;
    /// The first `count` ≤ `LANES` elements, and zeros. Nothing else is read.
    #[inline(always)]
    unsafe fn load_first(from: *const Self::Element, count: usize) -> Self {
        // SAFETY: the caller has the instruction set and vouches for `count` elements.
        unsafe { Self::load_some(from, 0..count) }
    }
    /// Stores all lanes.
    unsafe fn store(self, to: *mut Self::Element);
    /// Stores the first `count` ≤ `LANES` lanes.
    unsafe fn store_first(self, to: *mut Self::Element, count: usize);
    /// self + other.
    unsafe fn plus(self, other: Self) -> Self;
    /// self · factor + addend, rounded once where the instruction set can.
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self;
    /// The lanes of self and other by turns, in two vectors.
    unsafe fn interleave(self, other: Self) -> [Self; 2];
    /// Has the line of an address, which may be any, fetched in order to read it.
    #[inline(always)]
    unsafe fn prefetch(_address: *const Self::Element) {}
    /// Has the line of an address, which may be any, fetched into the second-level cache in order to read it later.
    #[inline(always)]
    unsafe fn prefetch_far(_address: *const Self::Element) {}
    /// Has the line of an address, which may be any, fetched in order to write to it.
    #[inline(always)]
    unsafe fn prefetch_to_write(_address: *const Self::Element) {}
    /// Lane j of vector i becomes lane i of vector j, for the first `LANES` vectors of `square`.
    unsafe fn transpose(square: &mut [Self; MOST_LANES]);

    /// Turns a square block of at most `LANES` by `LANES` elements: `to[k * width + j] = from[j * step + k]` for
    /// j < `columns` and k < `depth`.
    ///
    /// # Safety
    /// As for all, and those elements must be in bounds and those of `to` nobody else's.
    #[inline(always)]
    unsafe fn turn(
        from: *const Self::Element,
        step: isize,
        columns: usize,
        depth: usize,
        to: *mut Self::Element,
        width: usize,
    ) {
        // SAFETY: the caller has the instruction set and vouches for row k and column j.
        unsafe {
            let mut square = [Self::zero(); MOST_LANES];
            for (j, row) in square.iter_mut().enumerate().take(Self::LANES) {
                if j < columns {
                    *row = Self::load_first(from.wrapping_offset(j as isize * step), depth);
                }
            }
            Self::transpose(&mut square);
            for (k, column) in square.iter().enumerate().take(Self::LANES) {
                if k < depth {
                    column.store_first(to.add(k * width), columns);
                }
            }
        }
    }

    /// Stores a tile turned: lane j < `columns` of `rows[i]` goes to `to[j * column + i]`, added to what is there where
    /// `accumulate`.
    ///
    /// # Safety
    /// As for all, and those elements must be in bounds and nobody else's.
    unsafe fn store_turned(
        rows: &[Self],
        columns: usize,
        to: *mut Self::Element,
        column: isize,
        accumulate: bool,
    ) {
        let lanes = rows.as_ptr().cast::<Self::Element>();
        for i in 0..rows.len() {
            for j in 0..columns {
                // SAFETY: a vector is `LANES` elements, and the caller vouches for those of `to`.
                unsafe {
                    let lane = *lanes.add(i * Self::LANES + j);
                    let to = to.wrapping_offset(j as isize * column + i as isize);
                    *to = if accumulate { (*to).plus(lane) } else { lane };
                }
            }
        }
    }
}

/// Elements of the widest vector.
pub(crate) const MOST_LANES: usize = 16;

/// Four lanes in plain code, for every processor; the compiler makes them SSE or NEON instructions.
#[derive(Clone, Copy)]
pub(crate) struct Portable<T>([T; 4]);

impl<T: Number> Vector for Portable<T> {
    type Element = T;
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller vouches for four elements.
        Self(unsafe { from.cast::<[T; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_some(from: *const T, lanes: Range<usize>) -> Self {
        if lanes == (0..4) {
            // SAFETY: the caller vouches for these elements.
            return unsafe { Self::load(from) };
        }
        let mut values = [T::ZERO; 4];
        for lane in lanes {
            // SAFETY: the caller vouches for these elements.
            values[lane] = unsafe { *from.wrapping_add(lane) };
        }
        Self(values)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller vouches for four elements.
        unsafe { to.cast::<[T; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut T, count: usize) {
        for (i, &lane) in self.0.iter().enumerate().take(count) {
            // SAFETY: i < count, and the caller vouches for `count` elements.
            unsafe { *to.add(i) = lane }
        }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].plus(other.0[i])))
    }

    /// Rounded twice: a fused multiply-add without the instruction is a slow call.
    #[inline(always)]
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].times(factor.0[i]).plus(addend.0[i])))
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> [Self; 2] {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        [Self([a, e, b, f]), Self([c, g, d, h])]
    }

    #[inline(always)]
    unsafe fn transpose(square: &mut [Self; MOST_LANES]) {
        let rows = *square;
        for (j, column) in square.iter_mut().enumerate().take(4) {
            *column = Self(std::array::from_fn(|i| rows[i].0[j]));
        }
    }
}
