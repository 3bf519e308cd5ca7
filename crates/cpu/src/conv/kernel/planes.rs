//! From the planes of images to what the products read, and back: transposition, frames of zeros, and rows made of
//! several threads.

use crate::element::Number;
use crate::vector::{MOST_LANES, Vector};
use std::ops::Range;

/// `to[j · to_row + i] = from[i · from_row + j]` for i < rows and j < columns.
#[derive(Clone, Copy)]
pub(in crate::conv) struct Turn<T> {
    pub rows: usize,
    pub columns: usize,
    pub from: *const T,
    pub from_row: usize,
    pub to: *mut T,
    pub to_row: usize,
}

/// Planes `[rows, columns]` in the midst of planes `[height, width]` that are zero elsewhere.
#[derive(Clone, Copy)]
pub(in crate::conv) struct Frame<T> {
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
pub(in crate::conv) struct Weave<'a, T> {
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
pub(in crate::conv) struct Piece {
    pub from: usize,
    pub to: usize,
    pub count: usize,
}

/// Transposes a matrix, a square of vectors at a time.
///
/// # Safety
/// What `V` needs; the elements of both matrices must be in bounds, and those of `to` nobody else's.
#[inline(always)]
pub(super) unsafe fn turn_squares<V: Vector>(matrix: &Turn<V::Element>) {
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
pub(super) unsafe fn frame_planes<V: Vector>(planes: &Frame<V::Element>) {
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
        let ahead = AHEAD.div_ceil(rows * columns) * planes.from_plane;
        for plane in 0..planes.planes {
            let (from, to) = (from.add(plane * planes.from_plane), to.add(plane * to_plane));
            clear(to, top * width);
            let row = |row: usize| (from.add(row * from_row).wrapping_sub(left), to.add((top + row) * width));
            if width <= V::LANES {
                let lanes = lanes(0);
                for (from, to) in (0..rows).map(row) {
                    copy_ahead::<V>(from, to, lanes.clone(), ahead);
                }
            } else {
                for (from, to) in (0..rows).map(row) {
                    for i in (0..width).step_by(V::LANES) {
                        copy_ahead::<V>(from.wrapping_add(i), to.add(i), lanes(i), ahead);
                    }
                }
            }
            clear(to.add((top + rows) * width), (height - top - rows) * width);
        }
    }
}

/// Stores a vector that has these lanes of the source and zeros beside them, and fetches what lies `ahead` in the source.
///
/// # Safety
/// What `V` needs; the lanes must be in bounds, and the vector at `to` nobody else's.
// No closure: one that is not inlined has not the instruction set of the function around it.
#[inline(always)]
unsafe fn copy_ahead<V: Vector>(
    from: *const V::Element,
    to: *mut V::Element,
    lanes: Range<usize>,
    ahead: usize,
) {
    // SAFETY: the caller vouches for lanes and vector; any address may be fetched.
    unsafe {
        V::prefetch(from.wrapping_add(ahead));
        V::load_some(from, lanes).store(to);
    }
}

/// How far ahead of a weave the lines that it writes to are fetched.
const AHEAD_CHANNELS: usize = 2;

/// Weaves threads together: with one thread a copy, and with two the lanes of vectors by turns.
///
/// # Safety
/// What `V` needs; the elements that [`Weave`] describes must be in bounds, and those of `to` nobody else's.
#[inline(always)]
pub(super) unsafe fn weave_pieces<V: Vector>(weave: &Weave<V::Element>) {
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
