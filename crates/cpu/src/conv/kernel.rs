//! The inner loops of convolution, and the choice of their instruction set.
//!
//! All products of a convolution are sums of shifted copies of an image: `out[r] = Σ over k of source[base(r) +
//! offset(k)] · panel[k]`. The image is read in place, with an address for every row of the result and a shift for
//! every k, so that patches are never written out. The panel, made of weights or of a cotangent, is packed so that it is
//! read from end to end. See M. Dukhan, "The indirect convolution algorithm" (2019).

pub(super) use super::vector::MOST_LANES;
use super::vector::{Portable, Vector};
use crate::element::Number;
use crate::simd::{self, Level};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};
use std::ops::Range;

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

/// `to[j · to_row + i] = from[i · from_row + j]` for i < rows and j < columns.
#[derive(Clone, Copy)]
pub(super) struct Turn<T> {
    pub rows: usize,
    pub columns: usize,
    pub from: *const T,
    pub from_row: usize,
    pub to: *mut T,
    pub to_row: usize,
}

/// Planes `[rows, columns]` in the midst of planes `[height, width]` that are zero elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Frame<T> {
    pub planes: usize,
    pub rows: usize,
    pub columns: usize,
    pub from: *const T,
    pub from_plane: usize,
    pub from_row: usize,
    /// Up to [`MOST_LANES`] elements after the last plane are overwritten too.
    pub to: *mut T,
    /// Elements of `to` from a plane to the next.
    pub to_plane: usize,
    pub height: usize,
    pub width: usize,
    /// Rows of zeros before the first row.
    pub top: usize,
    /// Zeros before the first column.
    pub left: usize,
}

/// For each piece and channel, `to[i] = from[i % threads][i / threads]` for i < count.
#[derive(Clone, Copy)]
pub(super) struct Weave<'a, T> {
    pub pieces: &'a [Piece],
    pub channels: usize,
    pub threads: usize,
    pub from: *const T,
    /// Elements of `from` from a row to the next.
    pub from_row: usize,
    /// Elements of `from` from a thread to the next.
    pub from_thread: usize,
    /// Elements of `from` from a channel to the next.
    pub from_channel: usize,
    pub to: *mut T,
    /// Elements of `to` from a channel to the next.
    pub to_channel: usize,
}

/// A part of a row of the result: the row of each thread that it starts from, where it starts in the result, and its
/// elements there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub from: usize,
    pub to: usize,
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
            Kernel { lanes: <$vector>::LANES, columns, spread, slide, correlate, turn, frame, weave }
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
        of(simd::level())
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

/// Transposes a matrix, a square of vectors at a time.
///
/// # Safety
/// What `V` needs; the elements of both matrices must be in bounds, and those of `to` nobody else's.
#[inline(always)]
unsafe fn turn_squares<V: Vector>(matrix: &Turn<V::Element>) {
    let &Turn { rows, columns, from, from_row, to, to_row } = matrix;
    for j in 0..columns {
        for i in (0..rows).step_by(LINE) {
            // SAFETY: the elements are within the matrix.
            unsafe { V::prefetch_to_write(to.add(j * to_row + i)) }
        }
    }
    for i in (0..rows).step_by(V::LANES) {
        let height = V::LANES.min(rows - i);
        for j in (0..columns).step_by(V::LANES) {
            let width = V::LANES.min(columns - j);
            // SAFETY: rows i..i + height and columns j..j + width are within the matrix.
            unsafe {
                let mut square = [V::splat(V::Element::ZERO); MOST_LANES];
                // The square to come in a while, in these rows or the next ones.
                let (below, beside) = match j + AHEAD_SQUARES * V::LANES {
                    beside if beside < columns => (i, beside),
                    beside => (i + V::LANES, beside - columns.next_multiple_of(V::LANES)),
                };
                for r in 0..V::LANES {
                    V::prefetch(from.wrapping_add((below + r) * from_row + beside));
                }
                if height == V::LANES && width == V::LANES {
                    for (r, row) in square[..V::LANES].iter_mut().enumerate() {
                        *row = V::load(from.add((i + r) * from_row + j));
                    }
                    V::transpose(&mut square);
                    for (c, column) in square[..V::LANES].iter().enumerate() {
                        column.store(to.add((j + c) * to_row + i));
                    }
                } else {
                    for (r, row) in square[..V::LANES].iter_mut().enumerate() {
                        if r < height {
                            *row = V::load_some(from.add((i + r) * from_row + j), 0..width);
                        }
                    }
                    V::transpose(&mut square);
                    for (c, column) in square[..V::LANES].iter().enumerate() {
                        if c < width {
                            column.store_first(to.add((j + c) * to_row + i), height);
                        }
                    }
                }
            }
        }
    }
}

/// Elements of f32 in a cache line.
const LINE: usize = 16;
/// How far ahead of a copy its source is fetched, in elements: the latency of memory, at a line for every few cycles.
const AHEAD: usize = 64 * LINE;

/// How far ahead of a transposition its source is fetched.
const AHEAD_SQUARES: usize = 4;

/// Copies planes into frames of zeros.
///
/// Every vector is stored whole: what runs over the end of a row is overwritten by the next one.
///
/// # Safety
/// What `V` needs; the elements that [`Frame`] describes must be in bounds, and those of `to` nobody else's.
#[inline(always)]
unsafe fn frame_planes<V: Vector>(planes: &Frame<V::Element>) {
    let &Frame { rows, columns, from, from_row, to, to_plane, height, width, top, left, .. } = planes;
    // SAFETY: stores begin inside a row of a frame and are one vector long; loads are of the elements that lie in the
    // row of the source, which starts at column `left`.
    unsafe {
        let zeros = V::splat(V::Element::ZERO);
        let clear = |to: *mut V::Element, len: usize| {
            for i in (0..len).step_by(V::LANES) {
                zeros.store(to.add(i));
            }
        };
        let lanes = |i: usize| {
            let lane = |column: usize| column.clamp(i, i + V::LANES) - i;
            lane(left)..lane(left + columns)
        };
        let copy = |from: *const V::Element, to: *mut V::Element, lanes: Range<usize>| {
            V::prefetch(from.wrapping_add(AHEAD.div_ceil(rows * columns) * planes.from_plane));
            V::load_some(from, lanes).store(to);
        };
        for plane in 0..planes.planes {
            let (from, to) = (from.add(plane * planes.from_plane), to.add(plane * to_plane));
            clear(to, top * width);
            let row = |row: usize| (from.add(row * from_row).wrapping_sub(left), to.add((top + row) * width));
            if width <= V::LANES {
                let lanes = lanes(0);
                for (from, to) in (0..rows).map(row) {
                    copy(from, to, lanes.clone());
                }
            } else {
                for (from, to) in (0..rows).map(row) {
                    for i in (0..width).step_by(V::LANES) {
                        copy(from.wrapping_add(i), to.add(i), lanes(i));
                    }
                }
            }
            clear(to.add((top + rows) * width), (height - top - rows) * width);
        }
    }
}

/// How far ahead of a weave the lines that it writes to are fetched.
const AHEAD_CHANNELS: usize = 2;

/// Weaves threads together: with one thread a copy, and with two the lanes of vectors by turns.
///
/// # Safety
/// What `V` needs; the elements that [`Weave`] describes must be in bounds, and those of `to` nobody else's.
#[inline(always)]
unsafe fn weave_pieces<V: Vector>(weave: &Weave<V::Element>) {
    let &Weave { pieces, channels, threads, from, from_row, from_thread, from_channel, to, to_channel } =
        weave;
    for channel in 0..channels {
        for piece in pieces {
            // SAFETY: stores are of elements below the count, and loads of those that they are made of.
            unsafe {
                let from = from.add(channel * from_channel + piece.from * from_row);
                V::prefetch_to_write(to.wrapping_add((channel + AHEAD_CHANNELS) * to_channel + piece.to));
                let to = to.add(channel * to_channel + piece.to);
                match threads {
                    1 => {
                        for i in (0..piece.count).step_by(V::LANES) {
                            let count = V::LANES.min(piece.count - i);
                            V::load_some(from.add(i), 0..count).store_first(to.add(i), count);
                        }
                    }
                    2 => {
                        for i in (0..piece.count).step_by(2 * V::LANES) {
                            let rest = piece.count - i;
                            let load = |thread: *const V::Element, count: usize| {
                                V::load_some(thread.add(i / 2), 0..V::LANES.min(count))
                            };
                            let [low, high] = load(from, rest.div_ceil(2))
                                .interleave(load(from.add(from_thread), rest / 2));
                            low.store_first(to.add(i), V::LANES.min(rest));
                            if rest > V::LANES {
                                high.store_first(to.add(i + V::LANES), V::LANES.min(rest - V::LANES));
                            }
                        }
                    }
                    _ => {
                        for thread in 0..threads.min(piece.count) {
                            let from = from.add(thread * from_thread);
                            for (i, at) in (thread..piece.count).step_by(threads).enumerate() {
                                *to.add(at) = *from.add(i);
                            }
                        }
                    }
                }
            }
        }
    }
}
