//! The register tile: one body for every instruction set.

use super::Strided;
use super::kernel::{Bias, Product};
use crate::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};
use std::ops::Range;

/// A tile of a product: its first row, and what it fetches of [`Product::ahead`].
type Tile = unsafe fn(&Product, usize, Range<usize>);

/// A tile function for every number of rows, from 1 on.
type Tiles<const ROWS: usize> = [Tile; ROWS];

/// Cuts the rows of a product into tiles of about the same height.
///
/// # Safety
/// As for `Kernel::multiply`; the processor must have what the tiles need.
unsafe fn each_tile<const ROWS: usize>(product: &Product, tiles: &Tiles<ROWS>) {
    let count = product.rows.div_ceil(ROWS);
    let bursts = product.ahead.bursts();
    let share = if bursts == 0 { 0 } else { bursts.div_ceil(count) };
    let mut first = 0;
    for i in 1..=count {
        let end = product.rows * i / count;
        let bursts = bursts.min((i - 1) * share)..bursts.min(i * share);
        // SAFETY: the caller vouches for all rows of the product.
        unsafe { tiles[end - first - 1](product, first, bursts) };
        first = end;
    }
}

/// Defines the kernel of an instruction set: `$columns` vectors at most by as many rows as there are numbers.
macro_rules! kernel {
    ($(#[$attribute:meta])* $name:ident, $vector:ty, [$($vectors:literal)*], $rows:tt) => {
        /// # Safety
        /// As for `Kernel::multiply`; the processor must have the instruction set.
        pub(super) unsafe fn $name(product: &Product) {
            $(#[$attribute])*
            unsafe fn one<const ROWS: usize, const VECTORS: usize>(product: &Product, first: usize, bursts: Range<usize>) {
                // SAFETY: the caller vouches for the product and the instruction set.
                unsafe { tile::<$vector, ROWS, VECTORS>(product, first, bursts) }
            }
            match product.columns.div_ceil(<$vector>::LANES) {
                0 => {}
                $($vectors => {
                    // SAFETY: the caller vouches for the product and the instruction set.
                    unsafe { each_tile(product, &kernel!(@rows $vectors $rows)) }
                })*
                _ => unreachable!("a panel is at most Kernel::columns wide"),
            }
        }
    };
    (@rows $vectors:literal [$($rows:literal)*]) => { [$(one::<$rows, $vectors> as Tile),*] };
}

#[cfg(target_arch = "x86_64")]
kernel!(#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    avx512, __m512, [1 2 3], [1 2 3 4 5 6 7 8]);
#[cfg(target_arch = "x86_64")]
kernel!(#[target_feature(enable = "avx2,fma")] avx2, __m256, [1 2], [1 2 3 4 5 6]);
kernel!(baseline, Portable<f32>, [1 2], [1 2 3 4]);

/// Rows `first..first + ROWS` of a product whose columns take `VECTORS` vectors, the last perhaps in part.
///
/// All loops over the accumulators have constant bounds and are unrolled whole: an index known only at run time would
/// put them in memory.
///
/// # Safety
/// As for `Kernel::multiply`, and what `V` needs.
#[inline(always)]
unsafe fn tile<V: Vector<Element = f32>, const ROWS: usize, const VECTORS: usize>(
    product: &Product,
    first: usize,
    bursts: Range<usize>,
) {
    let &Product { depth, left, panel_row, out, accumulate, .. } = product;
    let last = product.columns - (VECTORS - 1) * V::LANES;
    // SAFETY: the caller vouches for the elements of rows first..first + ROWS, for k below the depth, and for the
    // columns, of which `last` are in the last vector.
    unsafe {
        let load = |from: *const f32, v: usize| {
            let from = from.add(v * V::LANES);
            if v + 1 < VECTORS { V::load(from) } else { V::load_first(from, last) }
        };
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        match product.bias {
            Bias::None => {}
            Bias::Rows(bias) => sums
                .iter_mut()
                .enumerate()
                .for_each(|(i, sums)| *sums = [V::splat(*bias.add(first + i)); VECTORS]),
            Bias::Columns(bias) => sums = [std::array::from_fn(|v| load(bias, v)); ROWS],
        }
        // Left to itself, the compiler adds up the distance of each row from that of the row before, in every step of k, one
        // addition waiting for the other. With AVX-512 that can take longer than the products; what lies between every third
        // distance an address can do.
        let rows: [isize; ROWS] = std::array::from_fn(|i| {
            let distance = i as isize * left.row;
            if V::LANES > 8 && i > 0 && i % 3 == 0 { opaque(distance) } else { distance }
        });
        let mut left_at = left.start.wrapping_offset(first as isize * left.row);
        let mut panel_at = product.panel;
        let to = out.start.wrapping_offset(first as isize * out.row);
        if out.column == 1 {
            fetch_out::<V, ROWS, VECTORS>(Strided { start: to, ..out });
        }
        let mut ahead = product.ahead.from(bursts.start);
        let steps = if bursts.is_empty() { depth } else { depth.div_ceil(bursts.len()) };
        let mut rest = depth;
        while rest > 0 {
            if !bursts.is_empty() {
                ahead.fetch::<V>();
            }
            let steps = steps.min(rest);
            rest -= steps;
            for _ in 0..steps {
                let columns: [V; VECTORS] = std::array::from_fn(|v| load(panel_at, v));
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let element = V::splat(*left_at.wrapping_offset(row));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = element.times_plus(column, *sum);
                    }
                }
                left_at = left_at.wrapping_offset(left.column);
                panel_at = panel_at.wrapping_add(panel_row);
            }
        }

        if out.column == 1 {
            for (i, sums) in sums.iter().enumerate() {
                let to = to.wrapping_offset(i as isize * out.row);
                for (v, &sum) in sums.iter().enumerate() {
                    let sum = if accumulate { load(to, v).plus(sum) } else { sum };
                    let to = to.add(v * V::LANES);
                    if v + 1 < VECTORS { sum.store(to) } else { sum.store_first(to, last) }
                }
            }
        } else {
            let mut turned = [[V::zero(); ROWS]; VECTORS];
            for (v, rows) in turned.iter_mut().enumerate() {
                rows.iter_mut().zip(&sums).for_each(|(row, sums)| *row = sums[v]);
            }
            for (v, rows) in turned.iter().enumerate() {
                let columns = if v + 1 < VECTORS { V::LANES } else { last };
                let to = to.wrapping_offset((v * V::LANES) as isize * out.column);
                V::store_turned(rows, columns, to, out.column, accumulate);
            }
        }
    }
}

/// The same number, of which the compiler knows nothing any more.
#[inline(always)]
fn opaque(number: isize) -> isize {
    #[cfg(target_arch = "x86_64")]
    {
        let mut number = number;
        // SAFETY: nothing is executed.
        unsafe {
            std::arch::asm!("/* {0} */", inout(reg) number, options(pure, nomem, nostack, preserves_flags))
        }
        number
    }
    #[cfg(not(target_arch = "x86_64"))]
    number
}

/// Fetches the lines that a tile with `VECTORS` vectors in a row is stored to.
///
/// # Safety
/// What `V` needs.
#[inline(always)]
unsafe fn fetch_out<V: Vector<Element = f32>, const ROWS: usize, const VECTORS: usize>(
    out: Strided<*mut f32>,
) {
    for row in 0..ROWS {
        for v in 0..VECTORS {
            // SAFETY: the caller has what V needs; any address may be fetched.
            unsafe { V::prefetch_to_write(out.at(row, v * V::LANES).start.cast_const()) }
        }
    }
}
