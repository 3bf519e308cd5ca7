//! The vectors that the kernels of convolution are written in: one trait, implemented for every instruction set.

use crate::element::Number;
use std::ops::Range;

/// A vector of numbers.
///
/// # Safety
/// All functions need the instruction set that the type stands for, and are `#[inline(always)]` so that they are
/// compiled with it. Pointers must be good for the elements that are read or written.
pub(super) trait Vector: Copy {
    /// What its lanes hold.
    type Element: Number;
    /// Elements of a vector, at most [`MOST_LANES`].
    const LANES: usize;

    /// The same value in all lanes.
    unsafe fn splat(value: Self::Element) -> Self;
    /// `LANES` elements, from any address.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Elements `lanes`, and zeros in the other lanes, for `lanes` within 0..=`LANES`. Nothing else is read.
    unsafe fn load_some(from: *const Self::Element, lanes: Range<usize>) -> Self;
    /// Stores all lanes.
    unsafe fn store(self, to: *mut Self::Element);
    /// Stores the first `count` ≤ `LANES` lanes.
    unsafe fn store_first(self, to: *mut Self::Element, count: usize);
    /// self · factor + addend, rounded once where the instruction set can.
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self;
    /// The lanes of self and other by turns, in two vectors.
    unsafe fn interleave(self, other: Self) -> [Self; 2];
    /// Has the line of an address, which may be any, fetched in order to read it.
    #[inline(always)]
    unsafe fn prefetch(_address: *const Self::Element) {}
    /// Has the line of an address, which may be any, fetched in order to write to it.
    #[inline(always)]
    unsafe fn prefetch_to_write(_address: *const Self::Element) {}
    /// Lane j of vector i becomes lane i of vector j, for the first `LANES` vectors of `square`.
    unsafe fn transpose(square: &mut [Self; MOST_LANES]);
}

/// Elements of the widest vector.
pub(super) const MOST_LANES: usize = 16;

/// Four lanes in plain code, for every processor; the compiler makes them SSE or NEON instructions.
#[derive(Clone, Copy)]
pub(super) struct Portable<T>([T; 4]);

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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{MOST_LANES, Vector};
    use std::arch::x86_64::*;
    use std::ops::Range;

    impl Vector for __m512 {
        type Element = f32;
        const LANES: usize = 16;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller has AVX-512.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller has AVX-512 and vouches for sixteen elements.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn load_some(from: *const f32, lanes: Range<usize>) -> Self {
            let mask = first16(lanes.end) & !first16(lanes.start);
            // SAFETY: the caller has AVX-512 and vouches for these elements; masked lanes are not read.
            unsafe { _mm512_maskz_loadu_ps(mask, from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller has AVX-512 and vouches for sixteen elements.
            unsafe { _mm512_storeu_ps(to, self) }
        }

        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, count: usize) {
            // SAFETY: the caller has AVX-512 and vouches for `count` elements; masked lanes are not written.
            unsafe { _mm512_mask_storeu_ps(to, first16(count), self) }
        }

        #[inline(always)]
        unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
            // SAFETY: the caller has AVX-512.
            unsafe { _mm512_fmadd_ps(self, factor, addend) }
        }

        #[inline(always)]
        unsafe fn interleave(self, other: Self) -> [Self; 2] {
            // SAFETY: the caller has AVX-512.
            unsafe {
                let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
                [_mm512_permutex2var_ps(self, low, other), _mm512_permutex2var_ps(self, high, other)]
            }
        }

        #[inline(always)]
        unsafe fn prefetch(address: *const f32) {
            // SAFETY: a prefetch of any address is allowed.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
        }

        #[inline(always)]
        unsafe fn prefetch_to_write(address: *const f32) {
            // SAFETY: a prefetch of any address is allowed.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast()) }
        }

        /// Pairs of lanes, pairs of pairs, then quarters of vectors twice.
        #[inline(always)]
        unsafe fn transpose(square: &mut [Self; MOST_LANES]) {
            // SAFETY: the caller has AVX-512.
            unsafe {
                let mut quads = *square;
                for i in (0..16).step_by(4) {
                    let ab = [
                        _mm512_unpacklo_ps(square[i], square[i + 1]),
                        _mm512_unpackhi_ps(square[i], square[i + 1]),
                    ];
                    let cd = [
                        _mm512_unpacklo_ps(square[i + 2], square[i + 3]),
                        _mm512_unpackhi_ps(square[i + 2], square[i + 3]),
                    ];
                    quads[i] = _mm512_shuffle_ps::<0x44>(ab[0], cd[0]);
                    quads[i + 1] = _mm512_shuffle_ps::<0xee>(ab[0], cd[0]);
                    quads[i + 2] = _mm512_shuffle_ps::<0x44>(ab[1], cd[1]);
                    quads[i + 3] = _mm512_shuffle_ps::<0xee>(ab[1], cd[1]);
                }
                // quads[4·i + j] holds, in quarter q, column 4·q + j of rows 4·i to 4·i + 3.
                for j in 0..4 {
                    let [a, b, c, d] = [quads[j], quads[4 + j], quads[8 + j], quads[12 + j]];
                    let (ab_even, ab_odd) =
                        (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
                    let (cd_even, cd_odd) =
                        (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xdd>(c, d));
                    square[j] = _mm512_shuffle_f32x4::<0x88>(ab_even, cd_even);
                    square[4 + j] = _mm512_shuffle_f32x4::<0x88>(ab_odd, cd_odd);
                    square[8 + j] = _mm512_shuffle_f32x4::<0xdd>(ab_even, cd_even);
                    square[12 + j] = _mm512_shuffle_f32x4::<0xdd>(ab_odd, cd_odd);
                }
            }
        }
    }

    /// The mask of the first `count` ≤ 16 lanes.
    #[inline(always)]
    fn first16(count: usize) -> __mmask16 {
        ((1u32 << count) - 1) as __mmask16
    }

    impl Vector for __m256 {
        type Element = f32;
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller has AVX2.
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: the caller has AVX2 and vouches for eight elements.
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn load_some(from: *const f32, lanes: Range<usize>) -> Self {
            // SAFETY: the caller has AVX2 and vouches for these elements; masked lanes are not read.
            unsafe { _mm256_maskload_ps(from, _mm256_andnot_si256(first8(lanes.start), first8(lanes.end))) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller has AVX2 and vouches for eight elements.
            unsafe { _mm256_storeu_ps(to, self) }
        }

        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, count: usize) {
            // SAFETY: the caller has AVX2 and vouches for `count` elements; masked lanes are not written.
            unsafe { _mm256_maskstore_ps(to, first8(count), self) }
        }

        #[inline(always)]
        unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
            // SAFETY: the caller has AVX2 and fused multiply-add.
            unsafe { _mm256_fmadd_ps(self, factor, addend) }
        }

        #[inline(always)]
        unsafe fn interleave(self, other: Self) -> [Self; 2] {
            // SAFETY: the caller has AVX2.
            unsafe {
                let (low, high) = (_mm256_unpacklo_ps(self, other), _mm256_unpackhi_ps(self, other));
                [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
            }
        }

        #[inline(always)]
        unsafe fn prefetch(address: *const f32) {
            // SAFETY: a prefetch of any address is allowed.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
        }

        #[inline(always)]
        unsafe fn prefetch_to_write(address: *const f32) {
            // SAFETY: a prefetch of any address is allowed.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(address.cast()) }
        }

        /// Pairs of lanes, pairs of pairs, then halves of vectors.
        #[inline(always)]
        unsafe fn transpose(square: &mut [Self; MOST_LANES]) {
            // SAFETY: the caller has AVX2.
            unsafe {
                let mut quads = *square;
                for i in [0, 4] {
                    let ab = [
                        _mm256_unpacklo_ps(square[i], square[i + 1]),
                        _mm256_unpackhi_ps(square[i], square[i + 1]),
                    ];
                    let cd = [
                        _mm256_unpacklo_ps(square[i + 2], square[i + 3]),
                        _mm256_unpackhi_ps(square[i + 2], square[i + 3]),
                    ];
                    quads[i] = _mm256_shuffle_ps::<0x44>(ab[0], cd[0]);
                    quads[i + 1] = _mm256_shuffle_ps::<0xee>(ab[0], cd[0]);
                    quads[i + 2] = _mm256_shuffle_ps::<0x44>(ab[1], cd[1]);
                    quads[i + 3] = _mm256_shuffle_ps::<0xee>(ab[1], cd[1]);
                }
                // quads[4·i + j] holds, in half h, column 4·h + j of rows 4·i to 4·i + 3.
                for j in 0..4 {
                    square[j] = _mm256_permute2f128_ps::<0x20>(quads[j], quads[4 + j]);
                    square[4 + j] = _mm256_permute2f128_ps::<0x31>(quads[j], quads[4 + j]);
                }
            }
        }
    }

    /// The mask of the first `count` ≤ 8 lanes.
    #[inline(always)]
    unsafe fn first8(count: usize) -> __m256i {
        // SAFETY: the caller has AVX2.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lane)
        }
    }
}
