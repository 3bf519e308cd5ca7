//! The vector registers that the tile is written in: one trait, implemented for every instruction set.

/// A vector of f32.
///
/// # Safety
/// All functions need the instruction set that the type stands for, and are `#[inline(always)]` so that they are
/// compiled with it.
pub(super) trait Vector: Copy {
    /// Elements of a vector.
    const LANES: usize;

    /// All zeros.
    unsafe fn zero() -> Self;
    /// The same value in all lanes.
    unsafe fn splat(value: f32) -> Self;
    /// `LANES` elements, from any address.
    unsafe fn load(from: *const f32) -> Self;
    /// The first `count` ≤ `LANES` elements, and zeros. Nothing else is touched.
    unsafe fn load_first(from: *const f32, count: usize) -> Self;
    /// Stores all lanes.
    unsafe fn store(self, to: *mut f32);
    /// Stores the first `count` ≤ `LANES` lanes.
    unsafe fn store_first(self, to: *mut f32, count: usize);
    /// self + other.
    unsafe fn plus(self, other: Self) -> Self;
    /// self · factor + addend, rounded once where the instruction set can.
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self;

    /// Turns a square block of at most `LANES` by `LANES` elements: `to[k * width + j] = from[j * step + k]` for
    /// j < `columns` and k < `depth`.
    ///
    /// # Safety
    /// As for all, and those elements must be in bounds and those of `to` nobody else's.
    #[inline(always)]
    unsafe fn turn(from: *const f32, step: isize, columns: usize, depth: usize, to: *mut f32, width: usize) {
        for j in 0..columns {
            for k in 0..depth {
                // SAFETY: the caller vouches for row k and column j.
                unsafe { *to.add(k * width + j) = *from.wrapping_offset(j as isize * step + k as isize) }
            }
        }
    }

    /// Stores a tile turned: lane j < `columns` of `rows[i]` goes to `to[j * column + i]`, added to what is there where
    /// `accumulate`.
    ///
    /// # Safety
    /// As for all, and those elements must be in bounds and nobody else's.
    unsafe fn store_turned(rows: &[Self], columns: usize, to: *mut f32, column: isize, accumulate: bool) {
        let lanes = rows.as_ptr().cast::<f32>();
        for i in 0..rows.len() {
            for j in 0..columns {
                // SAFETY: a vector is `LANES` f32, and the caller vouches for the elements of `to`.
                unsafe {
                    let lane = *lanes.add(i * Self::LANES + j);
                    let to = to.wrapping_offset(j as isize * column + i as isize);
                    *to = if accumulate { *to + lane } else { lane };
                }
            }
        }
    }
}

/// Four lanes in plain code, for every processor; the compiler makes them SSE or NEON instructions.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 4]);

impl Vector for Portable {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 4])
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for four elements.
        Self(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; 4];
        for (i, lane) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: i < count, and the caller vouches for `count` elements.
            *lane = unsafe { *from.add(i) };
        }
        Self(lanes)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller vouches for four elements.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        for (i, &lane) in self.0.iter().enumerate().take(count) {
            // SAFETY: i < count, and the caller vouches for `count` elements.
            unsafe { *to.add(i) = lane }
        }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    /// Rounded twice: a fused multiply-add without the instruction is a slow call.
    #[inline(always)]
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Vector;
    use std::arch::x86_64::*;

    impl Vector for __m512 {
        const LANES: usize = 16;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller has AVX-512.
            unsafe { _mm512_setzero_ps() }
        }

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
        unsafe fn load_first(from: *const f32, count: usize) -> Self {
            // SAFETY: the caller has AVX-512 and vouches for `count` elements; lanes that are masked out are not read.
            unsafe { _mm512_maskz_loadu_ps(first16(count), from) }
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
        unsafe fn turn(
            from: *const f32,
            step: isize,
            columns: usize,
            depth: usize,
            to: *mut f32,
            width: usize,
        ) {
            // SAFETY: the caller has AVX-512 and vouches for the elements.
            unsafe { turn(from, step, columns, depth, to, width) }
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
        [
            _mm512_unpacklo_pd(x, y),
            _mm512_unpackhi_pd(x, y),
            _mm512_unpacklo_pd(z, w),
            _mm512_unpackhi_pd(z, w),
        ]
    }

    /// Turns at most sixteen rows of sixteen lanes.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn turn(from: *const f32, step: isize, columns: usize, depth: usize, to: *mut f32, width: usize) {
        let (lanes, stored) = (first16(depth), first16(columns));
        let row = |j: usize| {
            let lanes = if j < columns { lanes } else { 0 };
            // SAFETY: the caller vouches for the first `depth` lanes of row j < columns; the rest is masked out.
            unsafe { _mm512_maskz_loadu_ps(lanes, from.wrapping_offset(j as isize * step)) }
        };
        let four = |j: usize| quads([row(j), row(j + 1), row(j + 2), row(j + 3)]);
        let store = |k: usize, value: __m512d| {
            if k < depth {
                // SAFETY: the caller vouches for row k of `to` and its first `columns` elements.
                unsafe { _mm512_mask_storeu_ps(to.add(k * width), stored, _mm512_castpd_ps(value)) }
            }
        };
        let [a, b, c, d] = [four(0), four(4), four(8), four(12)];
        for (i, ((a, b), (c, d))) in a.into_iter().zip(b).zip(c.into_iter().zip(d)).enumerate() {
            let even = [_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0x88>(c, d)];
            let odd = [_mm512_shuffle_f64x2::<0xdd>(a, b), _mm512_shuffle_f64x2::<0xdd>(c, d)];
            store(i, _mm512_shuffle_f64x2::<0x88>(even[0], even[1]));
            store(4 + i, _mm512_shuffle_f64x2::<0x88>(odd[0], odd[1]));
            store(8 + i, _mm512_shuffle_f64x2::<0xdd>(even[0], even[1]));
            store(12 + i, _mm512_shuffle_f64x2::<0xdd>(odd[0], odd[1]));
        }
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
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller has AVX2.
            unsafe { _mm256_setzero_ps() }
        }

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
        unsafe fn load_first(from: *const f32, count: usize) -> Self {
            // SAFETY: the caller has AVX2 and vouches for `count` elements; lanes that are masked out are not read.
            unsafe { _mm256_maskload_ps(from, first8(count)) }
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
        unsafe fn plus(self, other: Self) -> Self {
            // SAFETY: the caller has AVX2.
            unsafe { _mm256_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
            // SAFETY: the caller has AVX2 and fused multiply-add.
            unsafe { _mm256_fmadd_ps(self, factor, addend) }
        }
    }

    /// The mask of the first `count` ≤ 8 lanes.
    #[inline(always)]
    unsafe fn first8(count: usize) -> __m256i {
        // SAFETY: the caller has AVX2.
        unsafe {
            _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
        }
    }
}
