//! Square tiles of a matrix, turned over their diagonal.

use crate::Element;
#[cfg(target_arch = "x86_64")]
use crate::{
    simd::{Level, level},
    vector::{MOST_LANES, Vector},
};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// Rows and columns of a tile: a cache line of f32 each way, and a vector of AVX-512.
pub(crate) const TILE: usize = 16;

/// A tile, row-major.
pub(crate) type Tile<T> = [[T; TILE]; TILE];

/// Exchanges rows and columns.
#[inline(always)]
pub(crate) fn transpose<T: Element>(tile: &mut Tile<T>) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<T>() == 4 {
        match level() {
            // SAFETY: the processor has AVX-512, and elements of four bytes are moved whole.
            Level::Avx512 => return unsafe { avx512(tile.as_mut_ptr().cast()) },
            // SAFETY: as above, with AVX2.
            Level::Avx2 => return unsafe { avx2(tile.as_mut_ptr().cast()) },
            Level::Baseline => {}
        }
    }
    for i in 1..TILE {
        let (above, below) = tile.split_at_mut(i);
        for (j, row) in above.iter_mut().enumerate() {
            std::mem::swap(&mut row[i], &mut below[0][j]);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(tile: *mut f32) {
    // SAFETY: the caller vouches for the tile.
    unsafe { in_squares::<__m512>(tile) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(tile: *mut f32) {
    // SAFETY: the caller vouches for the tile.
    unsafe { in_squares::<__m256>(tile) }
}

/// Turns the squares of as many rows as a vector has lanes, and has those off the diagonal change places.
///
/// # Safety
/// `tile` must hold 16 · 16 elements of four bytes, and the processor must have the instruction set of `V`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn in_squares<V: Vector<Element = f32>>(tile: *mut f32) {
    let at = |row: usize, column: usize| tile.wrapping_add(row * TILE + column);
    for i in (0..TILE).step_by(V::LANES) {
        for j in (0..=i).step_by(V::LANES) {
            // SAFETY: the caller has the instruction set, and all squares lie within the tile.
            unsafe {
                let lower = turned::<V>(at(i, j));
                if j < i {
                    store(turned::<V>(at(j, i)), at(i, j));
                }
                store(lower, at(j, i));
            }
        }
    }
}

/// The columns of the square that begins there.
///
/// # Safety
/// The square must lie in a tile, and the processor must have the instruction set of `V`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn turned<V: Vector<Element = f32>>(from: *const f32) -> [V; MOST_LANES] {
    // SAFETY: the caller vouches for the square and the instruction set.
    unsafe {
        let mut square = [V::zero(); MOST_LANES];
        for (k, row) in square.iter_mut().take(V::LANES).enumerate() {
            *row = V::load(from.add(k * TILE));
        }
        V::transpose(&mut square);
        square
    }
}

/// Stores the rows of a square.
///
/// # Safety
/// As for [`turned`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn store<V: Vector<Element = f32>>(square: [V; MOST_LANES], to: *mut f32) {
    for (k, &row) in square.iter().take(V::LANES).enumerate() {
        // SAFETY: the caller vouches for the square and the instruction set.
        unsafe { row.store(to.add(k * TILE)) }
    }
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
