//! Vectors of f32 of the x86-64 instruction sets: sixteen lanes with AVX-512, eight with AVX2.

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
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: the caller has AVX-512.
        unsafe { _mm512_add_ps(self, other) }
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
    unsafe fn prefetch_far(address: *const f32) {
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
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

    #[inline(always)]
    unsafe fn store_turned(rows: &[Self], columns: usize, to: *mut f32, column: isize, accumulate: bool) {
        // SAFETY: the caller has AVX-512 and vouches for the elements.
        unsafe { store_turned(rows, columns, to, column, accumulate) }
    }
}

/// Columns c, 4 + c, 8 + c and 12 + c of four rows, for c below 4, in the four quarters of the vector.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn quads(rows: [__m512; 4]) -> [__m512d; 4] {
    let [x, y] = [0, 2].map(|i| _mm512_castps_pd(_mm512_unpacklo_ps(rows[i], rows[i + 1])));
    let [z, w] = [0, 2].map(|i| _mm512_castps_pd(_mm512_unpackhi_ps(rows[i], rows[i + 1])));
    [_mm512_unpacklo_pd(x, y), _mm512_unpackhi_pd(x, y), _mm512_unpacklo_pd(z, w), _mm512_unpackhi_pd(z, w)]
}

/// Turns at most eight rows of sixteen lanes into sixteen half vectors and stores them.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn store_turned(rows: &[__m512], columns: usize, to: *mut f32, column: isize, accumulate: bool) {
    let row = |i: usize| rows.get(i).copied().unwrap_or(_mm512_setzero_ps());
    let four = |i: usize| quads([row(i), row(i + 1), row(i + 2), row(i + 3)]);
    let first_quarters = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    let last_quarters = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    let mask = first16(rows.len()) as __mmask8;
    let store = |j: usize, value: __m256d| {
        if j < columns {
            // SAFETY: the caller vouches for column j and for the elements that the mask leaves.
            unsafe {
                let to = to.wrapping_offset(j as isize * column);
                let value = _mm256_castpd_ps(value);
                let old = _mm256_maskz_loadu_ps(if accumulate { mask } else { 0 }, to);
                let value = if accumulate { _mm256_add_ps(old, value) } else { value };
                _mm256_mask_storeu_ps(to, mask, value);
            }
        }
    };
    for (c, (upper, lower)) in four(0).into_iter().zip(four(4)).enumerate() {
        let first = _mm512_permutex2var_pd(upper, first_quarters, lower);
        let last = _mm512_permutex2var_pd(upper, last_quarters, lower);
        store(c, _mm512_castpd512_pd256(first));
        store(4 + c, _mm512_extractf64x4_pd::<1>(first));
        store(8 + c, _mm512_castpd512_pd256(last));
        store(12 + c, _mm512_extractf64x4_pd::<1>(last));
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

    /// Half by half: AMD's processors before Zen 4 take long for a masked store.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        // SAFETY: the caller has AVX2 and vouches for `count` elements, of which each store takes its share.
        unsafe {
            if count == 8 {
                return self.store(to);
            }
            let (mut rest, mut to) = (_mm256_castps256_ps128(self), to);
            if count & 4 != 0 {
                _mm_storeu_ps(to, rest);
                (rest, to) = (_mm256_extractf128_ps::<1>(self), to.add(4));
            }
            if count & 2 != 0 {
                _mm_storel_pd(to.cast(), _mm_castps_pd(rest));
                (rest, to) = (_mm_movehl_ps(rest, rest), to.add(2));
            }
            if count & 1 != 0 {
                _mm_store_ss(to, rest);
            }
        }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: the caller has AVX2.
        unsafe { _mm256_add_ps(self, other) }
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
    unsafe fn prefetch_far(address: *const f32) {
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
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

    #[inline(always)]
    unsafe fn store_turned(rows: &[Self], columns: usize, to: *mut f32, column: isize, accumulate: bool) {
        // SAFETY: the caller has AVX2 and vouches for the elements; a tile has at most as many rows as a vector lanes.
        unsafe {
            let mut square = [Self::zero(); MOST_LANES];
            square[..rows.len()].copy_from_slice(rows);
            Self::transpose(&mut square);
            for (j, &sums) in square[..Self::LANES].iter().enumerate() {
                if j < columns {
                    let to = to.wrapping_offset(j as isize * column);
                    let sums = if accumulate { Self::load_first(to, rows.len()).plus(sums) } else { sums };
                    sums.store_first(to, rows.len());
                }
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
