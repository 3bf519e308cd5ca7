//! Square tiles of a matrix, turned over their diagonal.

use crate::Element;
use crate::simd::{Level, level};

/// Rows and columns of a tile: a cache line of f32 each way, and a vector of AVX-512.
pub(crate) const TILE: usize = 16;

/// A tile, row-major.
pub(crate) type Tile<T> = [[T; TILE]; TILE];

/// Exchanges rows and columns.
#[inline(always)]
pub(crate) fn transpose<T: Element>(tile: &mut Tile<T>) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<T>() == 4 && level() == Level::Avx512 {
        // SAFETY: the processor has AVX-512, and elements of four bytes are moved whole.
        unsafe { avx512(tile.as_mut_ptr().cast()) };
        return;
    }
    for i in 1..TILE {
        let (above, below) = tile.split_at_mut(i);
        for (j, row) in above.iter_mut().enumerate() {
            std::mem::swap(&mut row[i], &mut below[0][j]);
        }
    }
}

/// In four steps (Eklundh 1972): the tile is cut into squares of `side`, and in each pair of rows of such squares those off
/// the diagonal change places.
///
/// # Safety
/// `tile` must hold 16 · 16 elements of four bytes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(tile: *mut f32) {
    use std::arch::x86_64::{
        _mm512_loadu_ps, _mm512_loadu_si512, _mm512_permutex2var_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };
    let mut rows = [_mm512_setzero_ps(); TILE];
    for (i, row) in rows.iter_mut().enumerate() {
        // SAFETY: row i of the tile.
        *row = unsafe { _mm512_loadu_ps(tile.add(i * TILE)) };
    }
    for (side, [upper, lower]) in [(1, exchange(1)), (2, exchange(2)), (4, exchange(4)), (8, exchange(8))] {
        // SAFETY: both arrays have 64 bytes.
        let (upper, lower) =
            unsafe { (_mm512_loadu_si512(upper.as_ptr().cast()), _mm512_loadu_si512(lower.as_ptr().cast())) };
        for i in 0..TILE {
            if i & side == 0 {
                let (a, b) = (rows[i], rows[i + side]);
                rows[i] = _mm512_permutex2var_ps(a, upper, b);
                rows[i + side] = _mm512_permutex2var_ps(a, lower, b);
            }
        }
    }
    for (i, &row) in rows.iter().enumerate() {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(tile.add(i * TILE), row) };
    }
}

/// Where the elements of the upper and of the lower of two rows come from when their squares of `side` change places: below
/// 16 from the upper row, else from the lower.
const fn exchange(side: usize) -> [[u32; TILE]; 2] {
    let mut places = [[0; TILE]; 2];
    let mut column = 0;
    while column < TILE {
        let in_left = column & side == 0;
        places[0][column] = (if in_left { column } else { TILE + column - side }) as u32;
        places[1][column] = (if in_left { column + side } else { TILE + column }) as u32;
        column += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::at_each_level;

    fn turned<T: Element>(value: impl Fn(usize) -> T) -> bool {
        let mut tile = [[T::default(); TILE]; TILE];
        for (i, element) in tile.as_flattened_mut().iter_mut().enumerate() {
            *element = value(i);
        }
        transpose(&mut tile);
        (0..TILE * TILE).all(|i| tile[i % TILE][i / TILE] == value(i))
    }

    #[test]
    fn rows_become_columns() {
        at_each_level(|_| assert!(turned(|i| i as f32) && turned(|i| i as f64) && turned(|i| i as u8)));
    }
}
