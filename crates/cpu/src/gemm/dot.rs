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
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    pub(in super::super) unsafe fn multiply(products: &InnerProducts) {
        for row in (0..products.rows).step_by(EDGE) {
            for column in (0..products.columns).step_by(EDGE) {
                let (rows, columns) = (products.rows - row, products.columns - column);
                // SAFETY: the caller vouches for all rows and columns.
                unsafe {
                    match rows {
                        1 => columns_of::<1>(products, row, column, columns),
                        2 => columns_of::<2>(products, row, column, columns),
                        3 => columns_of::<3>(products, row, column, columns),
                        _ => columns_of::<4>(products, row, column, columns),
                    }
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn columns_of<const ROWS: usize>(p: &InnerProducts, row: usize, column: usize, columns: usize) {
        // SAFETY: the caller vouches for ROWS rows and these columns.
        unsafe {
            match columns {
                1 => tile::<ROWS, 1>(p, row, column),
                2 => tile::<ROWS, 2>(p, row, column),
                3 => tile::<ROWS, 3>(p, row, column),
                _ => tile::<ROWS, 4>(p, row, column),
            }
        }
    }

    /// # Safety
    /// As for [`multiply`], with `ROWS` rows from `row` on and `COLUMNS` columns from `column` on.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    unsafe fn tile<const ROWS: usize, const COLUMNS: usize>(p: &InnerProducts, row: usize, column: usize) {
        let left = p.left.at(row, 0);
        let right = p.right.at(0, column);
        let mut sums = [[_mm512_setzero_ps(); EDGE]; EDGE];
        let mut add = |k: usize, lanes: __mmask16| {
            // SAFETY: the caller vouches for these rows and columns at k and, where the mask has them, the 15 after it.
            let load = |from: *const f32| unsafe { _mm512_maskz_loadu_ps(lanes, from) };
            let columns: [__m512; COLUMNS] = std::array::from_fn(|j| load(right.at(k, j).start));
            for (i, sums) in sums.iter_mut().take(ROWS).enumerate() {
                let row = load(left.at(i, k).start);
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = _mm512_fmadd_ps(row, column, *sum);
                }
            }
        };
        let whole = p.depth - p.depth % 16;
        for k in (0..whole).step_by(16) {
            add(k, !0);
        }
        if whole < p.depth {
            add(whole, (1 << (p.depth - whole)) - 1);
        }

        let mut total = lane_sums(sums);
        match p.bias {
            Bias::None => {}
            // SAFETY: the caller vouches for one value a row; lanes beyond them are masked out.
            Bias::Rows(bias) => unsafe {
                let bias = _mm_maskz_loadu_ps((1 << ROWS) - 1, bias.add(row));
                let spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
                total = _mm512_add_ps(total, _mm512_permutexvar_ps(spread, _mm512_castps128_ps512(bias)));
            },
            // SAFETY: the caller vouches for one value a column; lanes beyond them are masked out.
            Bias::Columns(bias) => unsafe {
                let bias = _mm_maskz_loadu_ps((1 << COLUMNS) - 1, bias.add(column));
                total = _mm512_add_ps(total, _mm512_broadcast_f32x4(bias));
            },
        }
        let (lines, line, mask) = if p.out.column == 1 {
            (ROWS, p.out.row, (1 << COLUMNS) - 1)
        } else {
            let turn = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            total = _mm512_permutexvar_ps(turn, total);
            (COLUMNS, p.out.column, (1 << ROWS) - 1)
        };
        let start = p.out.at(row, column).start;
        let quarters = [
            _mm512_castps512_ps128(total),
            _mm512_extractf32x4_ps::<1>(total),
            _mm512_extractf32x4_ps::<2>(total),
            _mm512_extractf32x4_ps::<3>(total),
        ];
        for (i, quarter) in quarters.into_iter().take(lines).enumerate() {
            let to = start.wrapping_offset(i as isize * line);
            // SAFETY: the caller vouches for the elements that the mask leaves.
            unsafe {
                let old = _mm_maskz_loadu_ps(if p.accumulate { mask } else { 0 }, to);
                let sum = if p.accumulate { _mm_add_ps(old, quarter) } else { quarter };
                _mm_mask_storeu_ps(to, mask, sum);
            }
        }
    }

    /// Lane 4i + j is the sum of the lanes of `sums[i][j]`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn lane_sums(sums: [[__m512; EDGE]; EDGE]) -> __m512 {
        // In every quarter, lane j is the sum of that quarter of row[j].
        let [a, b, c, d] = sums.map(|row| {
            let [low, high] = [0, 2].map(|j| {
                let pair = _mm512_add_ps(
                    _mm512_unpacklo_ps(row[j], row[j + 1]),
                    _mm512_unpackhi_ps(row[j], row[j + 1]),
                );
                _mm512_castps_pd(pair)
            });
            let [even, odd] = [_mm512_unpacklo_pd(low, high), _mm512_unpackhi_pd(low, high)];
            _mm512_add_ps(_mm512_castpd_ps(even), _mm512_castpd_ps(odd))
        });
        let halves = |x: __m512, y: __m512| {
            _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(x, y), _mm512_shuffle_f32x4::<0xdd>(x, y))
        };
        halves(halves(a, b), halves(c, d))
    }
}
