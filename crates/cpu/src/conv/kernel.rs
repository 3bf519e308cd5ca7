//! The inner loops of convolution, and the choice of their instruction set.
//!
//! All products of a convolution are sums of shifted copies of an image: `out[r] = Σ over k of source[base(r) +
//! offset(k)] · panel[k]`. The image is read in place, with an address for every row of the result and a shift for
//! every k, so that patches are never written out. The panel, made of weights or of a cotangent, is packed so that it is
//! read from end to end. See M. Dukhan, "The indirect convolution algorithm" (2019).

mod planes;

pub(super) use crate::vector::MOST_LANES;
pub(super) use planes::{Frame, Piece, Turn, Weave};

use super::split::{self, OnTiles};
use crate::element::Number;
use crate::simd::{self, Level};
use crate::vector::{Portable, Vector};
use planes::{frame_planes, turn_squares, weave_pieces};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

/// Rows of a register tile. With [`Kernel::columns`] vectors beside each other they fill the registers.
pub(super) const ROWS: usize = 6;

/// Most columns of a product, in any instruction set.
pub(super) const MOST_COLUMNS: usize = 4;

/// The inner loops for one instruction set.
#[derive(Clone, Copy)]
pub struct Kernel<T> {
    /// Elements of a vector.
    pub(super) lanes: usize,
    /// Most columns of a product, at most [`MOST_COLUMNS`].
    pub(super) columns: usize,
    /// A column is a vector of the panel: an element of the image meets `lanes` channels.
    pub(super) spread: unsafe fn(&Product<T>),
    /// A column is an element of the panel: `lanes` neighbours in the image meet one channel.
    pub(super) slide: unsafe fn(&Product<T>),
    /// A column is a row of another image: `lanes` neighbours in one meet `lanes` neighbours in the other.
    pub(super) correlate: unsafe fn(&Correlation<T>),
    /// Transposes a matrix.
    pub(super) turn: unsafe fn(&Turn<T>),
    /// Copies planes and surrounds them with zeros.
    pub(super) frame: unsafe fn(&Frame<T>),
    /// Brings together what different sweeps have computed.
    pub(super) weave: unsafe fn(&Weave<T>),
    /// Convolutions from bf16 parts, where they are asked for.
    pub(super) on_tiles: Option<OnTiles<T>>,
}

impl<T> Kernel<T> {
    /// Whether vectors had better hold neighbours in rows of `width` positions than `channels` channels. The more lanes
    /// have something to do, the better; few channels leave most of a vector empty.
    pub(super) fn lanes_are_positions(&self, channels: usize, width: usize) -> bool {
        let share = |size: usize| size as f64 / size.next_multiple_of(self.lanes) as f64;
        channels <= self.columns && share(width) > share(channels)
    }
}

/// Element types that have convolutions: f32 and f64.
pub trait Convolve: Number {
    /// The inner loops in use.
    fn kernel() -> Kernel<Self>;
}

/// `out[r] = start + Σ over k of source[bases[r] + offsets[k]] · panel[k]` for rows r, each of `columns` vectors.
#[derive(Clone, Copy)]
pub(super) struct Product<T> {
    /// Rows of the result come in tiles of [`ROWS`].
    pub tiles: usize,
    /// Terms of the sum.
    pub depth: usize,
    /// Columns of the result, from 1 to [`Kernel::columns`].
    pub columns: usize,
    /// The image.
    pub source: *const T,
    /// One for each row.
    pub bases: *const usize,
    /// One for each k.
    pub offsets: *const usize,
    /// [depth, columns], of vectors in `spread` and of elements in `slide`.
    pub panel: *const T,
    /// What the sum starts from, and the elements from a row of it to the next: `columns` vectors a row in `spread`. In
    /// `slide`, `columns` elements for all rows.
    pub start: *const T,
    /// See `start`.
    pub start_row: usize,
    /// `columns` vectors a row.
    pub out: *mut T,
    /// Elements from a row of `out` to the next.
    pub out_row: usize,
}

/// Lane by lane, `out[r, c] = start[r, c] + Σ over spans of source[bases[r] + offset] · other[c · other_column + other
/// offset]` for rows r and `columns` columns c; the sum of the lanes is left to the caller.
#[derive(Clone, Copy)]
pub(super) struct Correlation<'a, T> {
    /// Rows of the result come in tiles of [`ROWS`].
    pub tiles: usize,
    /// Columns of the result, from 1 to [`Kernel::columns`].
    pub columns: usize,
    /// What the sum runs over.
    pub spans: &'a [Span],
    pub source: *const T,
    /// One for each row.
    pub bases: *const usize,
    pub other: *const T,
    /// Elements from a column of `other` to the next.
    pub other_column: usize,
    /// What the sum starts from: `columns` vectors a row.
    pub start: *const T,
    /// Elements from a row of `start` to the next.
    pub start_row: usize,
    /// `columns` vectors a row, one after the other.
    pub out: *mut T,
}

/// Neighbours in two images: where they start in each, and how many, at most a vector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub source: usize,
    pub other: usize,
    pub count: usize,
}

/// Defines the kernel of an instruction set: its vector, and the numbers of columns it is compiled for.
macro_rules! kernel {
    ($(#[$attribute:meta])* fn $name:ident$(<$t:ident: $bound:ident>)?, $vector:ty, [$($columns:literal)*]) => {
        fn $name$(<$t: $bound>)?() -> Kernel<<$vector as Vector>::Element> {
            type Element$(<$t>)? = <$vector as Vector>::Element;
            $(#[$attribute])*
            unsafe fn spread$(<$t: $bound>)?(product: &Product<Element$(<$t>)?>) {
                match product.columns {
                    // SAFETY: the caller vouches for the product and the instruction set.
                    $($columns => unsafe { spread_tiles::<$vector, $columns>(product) },)*
                    columns => unreachable!("{columns} columns"),
                }
            }
            $(#[$attribute])*
            unsafe fn slide$(<$t: $bound>)?(product: &Product<Element$(<$t>)?>) {
                match product.columns {
                    // SAFETY: the caller vouches for the product and the instruction set.
                    $($columns => unsafe { slide_tiles::<$vector, $columns>(product) },)*
                    columns => unreachable!("{columns} columns"),
                }
            }
            $(#[$attribute])*
            unsafe fn correlate$(<$t: $bound>)?(correlation: &Correlation<Element$(<$t>)?>) {
                match correlation.columns {
                    // SAFETY: the caller vouches for the correlation and the instruction set.
                    $($columns => unsafe { correlate_tiles::<$vector, $columns>(correlation) },)*
                    columns => unreachable!("{columns} columns"),
                }
            }
            $(#[$attribute])*
            unsafe fn turn$(<$t: $bound>)?(matrix: &Turn<Element$(<$t>)?>) {
                // SAFETY: the caller vouches for the matrix and the instruction set.
                unsafe { turn_squares::<$vector>(matrix) }
            }
            $(#[$attribute])*
            unsafe fn frame$(<$t: $bound>)?(planes: &Frame<Element$(<$t>)?>) {
                // SAFETY: the caller vouches for the planes and the instruction set.
                unsafe { frame_planes::<$vector>(planes) }
            }
            $(#[$attribute])*
            unsafe fn weave$(<$t: $bound>)?(pieces: &Weave<Element$(<$t>)?>) {
                // SAFETY: the caller vouches for the pieces and the instruction set.
                unsafe { weave_pieces::<$vector>(pieces) }
            }
            let columns = [$($columns),*].len();
            Kernel { lanes: <$vector>::LANES, columns, spread, slide, correlate, turn, frame, weave, on_tiles: None }
        }
    };
}

#[cfg(target_arch = "x86_64")]
kernel!(
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn avx512, __m512, [1 2 3 4]
);
#[cfg(target_arch = "x86_64")]
kernel!(
    #[target_feature(enable = "avx2,fma")]
    fn avx2, __m256, [1 2]
);
kernel!(fn portable<T: Number>, Portable<T>, [1 2]);

impl Convolve for f32 {
    fn kernel() -> Kernel<f32> {
        Kernel { on_tiles: split::current(), ..of(simd::level()) }
    }
}

/// The inner loops of an instruction set for f32.
///
/// # Panics
/// When the processor does not have it.
pub(super) fn of(level: Level) -> Kernel<f32> {
    assert!(level <= Level::detect(), "this processor has no {}", level.name());
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2(),
        _ => portable(),
    }
}

impl Convolve for f64 {
    fn kernel() -> Kernel<f64> {
        portable()
    }
}

/// All tiles of a product whose columns are vectors of the panel.
///
/// Loops over the sums have constant bounds and are unrolled whole: an index known only at run time would put them in
/// memory.
///
/// # Safety
/// What `V` needs; and every pointer of the product must be good for what its description says.
#[inline(always)]
unsafe fn spread_tiles<V: Vector, const COLUMNS: usize>(product: &Product<V::Element>) {
    let &Product { tiles, depth, source, bases, offsets, panel, start, start_row, out, out_row, .. } =
        product;
    for tile in 0..tiles {
        let first = tile * ROWS;
        // SAFETY: rows first..first + ROWS are within the tiles and k below the depth; the caller vouches for such.
        unsafe {
            let rows: [_; ROWS] = std::array::from_fn(|r| source.add(*bases.add(first + r)));
            let mut sums: [[V; COLUMNS]; ROWS] = std::array::from_fn(|r| {
                std::array::from_fn(|c| V::load(start.add((first + r) * start_row + c * V::LANES)))
            });
            let mut panel = panel;
            for k in 0..depth {
                let offset = *offsets.add(k);
                let columns: [V; COLUMNS] = std::array::from_fn(|c| V::load(panel.add(c * V::LANES)));
                panel = panel.add(COLUMNS * V::LANES);
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let element = V::splat(*row.add(offset));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = element.times_plus(column, *sum);
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (c, sum) in sums.into_iter().enumerate() {
                    sum.store(out.add((first + r) * out_row + c * V::LANES));
                }
            }
        }
    }
}

/// All tiles of a product whose columns are elements of the panel.
///
/// # Safety
/// As for [`spread_tiles`]; from every row and k, `V::LANES` elements of the image are read.
#[inline(always)]
unsafe fn slide_tiles<V: Vector, const COLUMNS: usize>(product: &Product<V::Element>) {
    let &Product { tiles, depth, source, bases, offsets, panel, start, out, out_row, .. } = product;
    for tile in 0..tiles {
        let first = tile * ROWS;
        // SAFETY: rows first..first + ROWS are within the tiles and k below the depth; the caller vouches for such.
        unsafe {
            let rows: [_; ROWS] = std::array::from_fn(|r| source.add(*bases.add(first + r)));
            let mut sums: [[V; COLUMNS]; ROWS] = [std::array::from_fn(|c| V::splat(*start.add(c))); ROWS];
            let mut panel = panel;
            for k in 0..depth {
                let offset = *offsets.add(k);
                let columns: [V; COLUMNS] = std::array::from_fn(|c| V::splat(*panel.add(c)));
                panel = panel.add(COLUMNS);
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let elements = V::load(row.add(offset));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = elements.times_plus(column, *sum);
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (c, sum) in sums.into_iter().enumerate() {
                    sum.store(out.add((first + r) * out_row + c * V::LANES));
                }
            }
        }
    }
}

/// All tiles of a correlation.
///
/// # Safety
/// What `V` needs; and every pointer of the correlation must be good for what its description says. Of a span only its
/// own elements are read.
#[inline(always)]
unsafe fn correlate_tiles<V: Vector, const COLUMNS: usize>(correlation: &Correlation<V::Element>) {
    let &Correlation { tiles, spans, source, bases, other, other_column, start, start_row, out, .. } =
        correlation;
    for tile in 0..tiles {
        let first = tile * ROWS;
        // SAFETY: rows first..first + ROWS are within the tiles; the caller vouches for such.
        unsafe {
            let rows: [_; ROWS] = std::array::from_fn(|r| source.add(*bases.add(first + r)));
            let mut sums: [[V; COLUMNS]; ROWS] = std::array::from_fn(|r| {
                std::array::from_fn(|c| V::load(start.add((first + r) * start_row + c * V::LANES)))
            });
            for span in spans {
                let columns: [V; COLUMNS] = std::array::from_fn(|c| {
                    V::load_some(other.add(c * other_column + span.other), 0..span.count)
                });
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let elements = V::load_some(row.add(span.source), 0..span.count);
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = elements.times_plus(column, *sum);
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (c, sum) in sums.into_iter().enumerate() {
                    sum.store(out.add(((first + r) * COLUMNS + c) * V::LANES));
                }
            }
        }
    }
}
