//! Results too narrow for panels, as inner products along k: lanes hold different k, which are added up at the end.
//!
//! A tile of 4 × 4 results reads eight vectors for sixteen multiply-adds and wastes no lane on columns that are not there.
//! Every element is the same sum in the same order wherever it lies.

use super::Strided;
use super::kernel::Bias;

/// Rows and columns of a tile.
pub(super) const EDGE: usize = 4;

/// One call: `out = bias + left · right`, or `out = out + (bias + left · right)` where `accumulate`.
#[derive(Clone, Copy, Debug)]
pub(super) struct InnerProducts {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    /// [rows, depth], column stride 1.
    pub left: Strided<*const f32>,
    /// [depth, columns], row stride 1.
    pub right: Strided<*const f32>,
    /// [rows, columns]; the row or the column stride is 1.
    pub out: Strided<*mut f32>,
    pub accumulate: bool,
    /// Added to the products.
    pub bias: Bias,
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512 {
    use super::*;
    use std::arch::x86_64::*;

    /// Computes all elements.
    ///
    /// # Safety
    /// All elements that the shapes and strides describe must be in bounds, those of `out` nobody else's, and the
    /// processor must have AVX-512.
    pub(in super::super) unsafe fn multiply(products: &InnerProducts) {
        type Tile = unsafe fn(&InnerProducts, usize, usize);
        const TILES: [[Tile; EDGE]; EDGE] = [
            [one::<1, 1>, one::<1, 2>, one::<1, 3>, one::<1, 4>],
            [one::<2, 1>, one::<2, 2>, one::<2, 3>, one::<2, 4>],
            [one::<3, 1>, one::<3, 2>, one::<3, 3>, one::<3, 4>],
            [one::<4, 1>, one::<4, 2>, one::<4, 3>, one::<4, 4>],
        ];
        for row in (0..products.rows).step_by(EDGE) {
            let rows = (products.rows - row).min(EDGE);
            for column in (0..products.columns).step_by(EDGE) {
                let columns = (products.columns - column).min(EDGE);
                // SAFETY: the caller vouches for all rows and columns, and for AVX-512.
                unsafe { TILES[rows - 1][columns - 1](products, row, column) }
            }
        }
    }

    /// # Safety
    /// As for [`multiply`], with `ROWS` rows from `row` on and `COLUMNS` columns from `column` on.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn one<const ROWS: usize, const COLUMNS: usize>(p: &InnerProducts, row: usize, column: usize) {
        // SAFETY: the caller vouches for the same.
        unsafe { tile::<ROWS, COLUMNS>(p, row, column) }
    }

    /// # Safety
    /// As for [`one`], into which it is compiled.
    #[inline(always)]
    unsafe fn tile<const ROWS: usize, const COLUMNS: usize>(p: &InnerProducts, row: usize, column: usize) {
        // SAFETY: the caller vouches for these rows and columns, of the operands for k below the depth, and of the bias;
        // what goes beyond is masked out. It has AVX-512.
        unsafe {
            let mut sums = [[_mm512_setzero_ps(); COLUMNS]; ROWS];
            let (mut left, mut right) = (p.left.at(row, 0).start, p.right.at(0, column).start);
            for k in (0..p.depth).step_by(LANES) {
                let lanes = if p.depth - k >= LANES { !0 } else { (1 << (p.depth - k)) - 1 };
                let load = |from: *const f32, line: usize, step: isize| {
                    _mm512_maskz_loadu_ps(lanes, from.wrapping_offset(line as isize * step))
                };
                let columns: [__m512; COLUMNS] = std::array::from_fn(|j| load(right, j, p.right.column));
                for (i, sums) in sums.iter_mut().enumerate() {
                    let row = load(left, i, p.left.row);
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = _mm512_fmadd_ps(row, column, *sum);
                    }
                }
                (left, right) = (left.wrapping_add(LANES), right.wrapping_add(LANES));
            }

            let mut all = [[_mm512_setzero_ps(); EDGE]; EDGE];
            for (all, sums) in all.iter_mut().zip(&sums) {
                all.iter_mut().zip(sums).for_each(|(to, &sum)| *to = sum);
            }
            let mut total = lane_sums(&all);
            match p.bias {
                Bias::None => {}
                Bias::Rows(bias) => {
                    let bias = _mm512_castps128_ps512(_mm_maskz_loadu_ps((1 << ROWS) - 1, bias.add(row)));
                    let spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
                    total = _mm512_add_ps(total, _mm512_permutexvar_ps(spread, bias));
                }
                Bias::Columns(bias) => {
                    let bias = _mm_maskz_loadu_ps((1 << COLUMNS) - 1, bias.add(column));
                    total = _mm512_add_ps(total, _mm512_broadcast_f32x4(bias));
                }
            }
            let (lines, line, mask) = if p.out.column == 1 {
                (ROWS, p.out.row, (1 << COLUMNS) - 1)
            } else {
                let turn = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
                total = _mm512_permutexvar_ps(turn, total);
                (COLUMNS, p.out.column, (1 << ROWS) - 1)
            };
            let quarters = [
                _mm512_castps512_ps128(total),
                _mm512_extractf32x4_ps::<1>(total),
                _mm512_extractf32x4_ps::<2>(total),
                _mm512_extractf32x4_ps::<3>(total),
            ];
            let mut to = p.out.at(row, column).start;
            for &quarter in &quarters[..lines] {
                let sum = match p.accumulate {
                    true => _mm_add_ps(_mm_maskz_loadu_ps(mask, to), quarter),
                    false => quarter,
                };
                _mm_mask_storeu_ps(to, mask, sum);
                to = to.wrapping_offset(line);
            }
        }
    }

    /// Elements of a vector.
    const LANES: usize = 16;

    /// Lane 4i + j is the sum of the lanes of `sums[i][j]`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn lane_sums(sums: &[[__m512; EDGE]; EDGE]) -> __m512 {
        let first = halves(quarter_sums(&sums[0]), quarter_sums(&sums[1]));
        halves(first, halves(quarter_sums(&sums[2]), quarter_sums(&sums[3])))
    }

    /// In every quarter, lane j is the sum of that quarter of `row[j]`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn quarter_sums(row: &[__m512; EDGE]) -> __m512 {
        let low = _mm512_add_ps(_mm512_unpacklo_ps(row[0], row[1]), _mm512_unpackhi_ps(row[0], row[1]));
        let high = _mm512_add_ps(_mm512_unpacklo_ps(row[2], row[3]), _mm512_unpackhi_ps(row[2], row[3]));
        let (low, high) = (_mm512_castps_pd(low), _mm512_castps_pd(high));
        let (even, odd) = (_mm512_unpacklo_pd(low, high), _mm512_unpackhi_pd(low, high));
        _mm512_add_ps(_mm512_castpd_ps(even), _mm512_castpd_ps(odd))
    }

    /// Sums of neighbouring quarters, those of `x` before those of `y`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn halves(x: __m512, y: __m512) -> __m512 {
        _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(x, y), _mm512_shuffle_f32x4::<0xdd>(x, y))
    }
}
