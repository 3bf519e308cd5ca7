//! Products of f32 matrices from products of bf16 tiles, for processors with AMX.
//!
//! Every number is split into two or three bf16 [parts](crate::tiles::parts) while it is packed, and the tile
//! [unit](crate::tiles::unit) multiplies three or six pairs of parts into one f32 accumulator, at sixteen times the rate of a
//! vector unit:
//!
//! - three parts, six products: x·y = hh' + (hm' + mh') + (mm' + hl' + lh') leaves out 2⁻²⁴ of the product, what f32
//!   itself rounds off;
//! - two parts, three products: hh' + (hm' + mh') leaves out 2⁻¹⁶ of it.
//!
//! The order of all sums depends on the shape only. The tile unit takes subnormal numbers for zero, and an infinite
//! number has no parts: where packing meets a number that is infinite, NaN or near either end of the exponents, that
//! stretch of the product is computed in f32.
//!
//! Source: G. Henry, P. Tang, A. Heinecke, "Leveraging the bfloat16 artificial intelligence datatype for higher-precision
//! computations" (2019), <https://arxiv.org/abs/1904.06376>.

pub(crate) mod operand;

use super::scratch::Lines;
use super::{Epilogue, Stack, portable};
use crate::par;
use crate::tiles::parts::{DEPTH, TILE, WORDS};
use crate::tiles::unit::{Block, RESULT, Results, Steps, Tiles, Unit};
use operand::{Operand, Side};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

/// How f32 matrices are multiplied, and images convolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Precision {
    /// In f32 arithmetic.
    #[default]
    F32,
    /// From three bf16 parts a number, in six products: as exact as f32.
    Bf16x6,
    /// From two bf16 parts a number, in three products: 16 bits of significand.
    Bf16x3,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 3] = [Precision::F32, Precision::Bf16x6, Precision::Bf16x3];

    /// The name that flags and settings take.
    pub const fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16x6 => "bf16x6",
            Precision::Bf16x3 => "bf16x3",
        }
    }
}

static PRECISION: AtomicU8 = AtomicU8::new(Precision::F32 as u8);

/// How f32 matrices are multiplied and images convolved from now on, in the whole process.
///
/// # Errors
/// When the processor has no bf16 tiles, or the system does not grant them; the precision then stays as it was.
pub fn set_precision(precision: Precision) -> Result<(), &'static str> {
    if precision != Precision::F32 && Unit::detect().is_none() {
        return Err(
            "this processor has no AMX tiles for bf16 (amx_tile and amx_bf16), or the system does not grant them; \
             WENGERT_AMX=emulate computes the same without them, slowly",
        );
    }
    PRECISION.store(precision as u8, Relaxed);
    Ok(())
}

/// How f32 matrices are multiplied, and images convolved.
pub fn precision() -> Precision {
    match PRECISION.load(Relaxed) {
        0 => Precision::F32,
        1 => Precision::Bf16x6,
        _ => Precision::Bf16x3,
    }
}

/// Bytes of packed tiles that a task multiplies with everything else: half of a second-level cache.
const OWN_BYTES: usize = 1 << 20;
/// Tasks wanted of one product, so that many cores have something to do.
const WANTED_TASKS: usize = 8;
/// Multiply-adds below which packing and setting up tiles is not worth it: so many, and so many for each number that is
/// read or written.
const SMALLEST_WORK: usize = 1 << 18;
const SMALLEST_SHARE: usize = 32;

/// Computes all products of a stack in the precision in use; `false`, and nothing done, where that is f32 or the
/// products are small.
pub(super) fn multiply(stack: &Stack<f32>) -> bool {
    let precision = precision();
    let &Stack { m, n, k, .. } = stack;
    let smallest = SMALLEST_WORK.max(SMALLEST_SHARE * (m * k + k * n + m * n));
    if precision == Precision::F32 || m * n * k < smallest {
        return false;
    }
    let Some(unit) = Unit::detect() else { return false };
    for index in 0..stack.batch {
        match precision {
            Precision::Bf16x3 => product::<2>(unit, stack, index),
            _ => product::<3>(unit, stack, index),
        }
    }
    true
}

/// The smaller operand is packed first and shared; each task packs a stretch of the larger one for itself.
fn product<const PARTS: usize>(unit: Unit, stack: &Stack<f32>, index: usize) {
    let left = Operand::left(stack.a(index), stack.m, stack.k);
    let right = Operand::right(stack.b(index), stack.k, stack.n);
    let (own, shared) = if left.count >= right.count { (left, right) } else { (right, left) };
    let tile = own.blocks() * PARTS * WORDS;
    // Taken, not borrowed: a thread that waits for others may compute another product meanwhile.
    let mut lines = SHARED.replace(Lines::new());
    let packed = &mut lines.words(shared.tiles() * tile)[..shared.tiles() * tile];
    let ordinary = AtomicBool::new(true);
    par::chunks_mut(packed, tile, |start, packed| {
        // SAFETY: the views have checked that all elements of the operands are in bounds.
        if !unsafe { shared.split::<PARTS>(start / tile, packed) } {
            ordinary.store(false, Relaxed);
        }
    });
    if ordinary.into_inner() {
        let pairs = own.tiles() / 2;
        let most = (OWN_BYTES / (2 * tile * size_of::<u32>())).max(1);
        let together = pairs.div_ceil(WANTED_TASKS).min(most);
        par::ranges(pairs, together, |pairs| {
            let task = Task { unit, stack, index, own, tiles: 2 * pairs.start..2 * pairs.end };
            // SAFETY: the stretch belongs to this task alone.
            OWN.with_borrow_mut(|lines| unsafe { task.run::<PARTS>(lines, packed) });
        });
    } else {
        // SAFETY: the result is borrowed as a whole, and nobody writes to it yet.
        unsafe { portable::part(stack, index, 0..stack.m, 0..stack.n) };
    }
    SHARED.set(lines);
}

thread_local! {
    /// The packed operand that all tasks read, of the thread that called.
    static SHARED: RefCell<Lines> = const { RefCell::new(Lines::new()) };
    /// Packed tiles of a task.
    static OWN: RefCell<Lines> = const { RefCell::new(Lines::new()) };
}

/// Floating-point operations of a block of four products of tiles, three times for the pairs of parts.
pub(crate) const BLOCK_FLOPS: usize = 3 * 4 * 2 * TILE * TILE * DEPTH;

/// Tiles that stay in a cache, for what the tile unit can do at most.
pub(crate) struct Limit {
    unit: Unit,
    tiles: Vec<u32>,
}

impl Limit {
    /// Four tiles of `blocks` blocks, where there is a tile unit.
    pub(crate) fn new(blocks: usize) -> Option<Self> {
        let unit = Unit::detect()?;
        // Two bf16 of some size in each word: products of zeros take less power, and so less time.
        let word = |i: usize| {
            (1.0 + (i % 97) as f32).to_bits() >> 16 | (2.0 - (i % 89) as f32).to_bits() & 0xffff_0000
        };
        Some(Self { unit, tiles: (0..4 * blocks * 2 * WORDS).map(word).collect() })
    }

    /// Multiplies them `times` times.
    pub(crate) fn run(&self, times: usize) {
        OWN.with_borrow_mut(|lines| {
            let tiles = &mut lines.words(self.tiles.len())[..self.tiles.len()];
            tiles.copy_from_slice(&self.tiles);
            let (left, right) = tiles.split_at(tiles.len() / 2);
            let [left, right] = [left, right].map(packed::<2>);
            let steps = steps::<2>(left.next / (2 * WORDS));
            let mut results = Results([[0.0; RESULT]; 4]);
            self.unit.with_tiles(|| {
                for _ in 0..times {
                    results.0 = [[0.0; RESULT]; 4];
                    self.unit.multiply::<2>(Block { left, right, steps: &steps }, &mut results.0);
                }
            });
            std::hint::black_box(&results);
        });
    }
}

/// Two tiles that follow each other, `[block][part][WORDS]` each.
fn packed<const PARTS: usize>(tiles: &[u32]) -> Tiles<'_> {
    Tiles { words: tiles, first: 0, next: tiles.len() / 2, row: TILE, part: WORDS }
}

/// The blocks of such tiles, one after the other.
fn steps<const PARTS: usize>(blocks: usize) -> Steps {
    Steps::new((0..blocks).map(|block| [block * PARTS * WORDS; 2]))
}

/// Some tiles of the larger operand of a product, and the stretch of the result that they give.
struct Task<'a> {
    unit: Unit,
    stack: &'a Stack<'a, f32>,
    index: usize,
    own: Operand,
    tiles: Range<usize>,
}

impl Task<'_> {
    /// Splits the tiles and multiplies them with all of the other operand, which is packed.
    ///
    /// # Safety
    /// The stretch must be nobody else's.
    unsafe fn run<const PARTS: usize>(&self, lines: &mut Lines, shared: &[u32]) {
        let Self { stack, index, own, .. } = *self;
        let tile = own.blocks() * PARTS * WORDS;
        let packed = &mut lines.words(self.tiles.len() * tile)[..self.tiles.len() * tile];
        let mut ordinary = true;
        for (tile, packed) in self.tiles.clone().zip(packed.chunks_exact_mut(tile)) {
            // SAFETY: the views have checked that all elements of the operands are in bounds.
            ordinary &= unsafe { own.split::<PARTS>(tile, packed) };
        }
        let stretch = self.tiles.start * TILE..(self.tiles.end * TILE).min(own.count);
        let (rows, columns) = match own.side {
            Side::Left => (stretch, 0..stack.n),
            Side::Right => (0..stack.m, stretch),
        };
        // SAFETY: the rows and columns are within the result, and the caller vouches for them.
        unsafe {
            if !ordinary {
                return portable::part(stack, index, rows, columns);
            }
            self.unit.with_tiles(|| self.multiply::<PARTS>(packed, shared));
            if let Some(activation) = stack.epilogue.activation {
                stack.activate(activation, index, rows, columns);
            }
        }
    }

    /// # Safety
    /// As for [`Task::run`]; both operands must be packed in whole pairs of tiles.
    unsafe fn multiply<const PARTS: usize>(&self, own: &[u32], shared: &[u32]) {
        let tile = self.own.blocks() * PARTS * WORDS;
        let steps = &steps::<PARTS>(self.own.blocks());
        let mut results = Results([[0.0; RESULT]; 4]);
        for (shared_pair, shared) in shared.chunks_exact(2 * tile).map(packed::<PARTS>).enumerate() {
            for (own_pair, own) in own.chunks_exact(2 * tile).map(packed::<PARTS>).enumerate() {
                let (own_tile, shared_tile) = (self.tiles.start + 2 * own_pair, 2 * shared_pair);
                let (left, right, row, column) = match self.own.side {
                    Side::Left => (own, shared, own_tile, shared_tile),
                    Side::Right => (shared, own, shared_tile, own_tile),
                };
                results.0 = [[0.0; RESULT]; 4];
                self.unit.multiply::<PARTS>(Block { left, right, steps }, &mut results.0);
                for (index, sums) in results.0.iter().enumerate() {
                    // SAFETY: the caller vouches for the stretch.
                    unsafe { self.store(row + index / 2, column + index % 2, sums) };
                }
            }
        }
    }

    /// Adds the bias and, where asked for, what is there, and stores what lies within the result of the tile in this row
    /// and column of tiles.
    ///
    /// # Safety
    /// That part of the result must be nobody else's.
    unsafe fn store(&self, row: usize, column: usize, sums: &[f32; RESULT]) {
        let inside = |tile: usize, count: usize| (tile * TILE).min(count)..((tile + 1) * TILE).min(count);
        let (rows, columns) = (inside(row, self.stack.m), inside(column, self.stack.n));
        let Epilogue { accumulate, column_bias, .. } = self.stack.epilogue;
        let mut bias = [0.0; TILE];
        if let Some(all) = column_bias {
            bias[..columns.len()].copy_from_slice(&all[columns.clone()]);
        }
        for (row, sums) in rows.zip(sums.as_chunks::<TILE>().0) {
            let out = self.stack.out(self.index).at(row, columns.start).start;
            // SAFETY: rows and columns are within the result, and the caller vouches for the part.
            let out = unsafe { std::slice::from_raw_parts_mut(out, columns.len()) };
            match <&mut [f32; TILE]>::try_from(&mut *out) {
                Ok(out) => add(sums, &bias, accumulate, out),
                Err(_) => add(sums, &bias, accumulate, out),
            }
        }
    }
}

/// out = sums + bias, or out + (sums + bias).
#[inline(always)]
fn add(sums: &[f32; TILE], bias: &[f32; TILE], accumulate: bool, out: &mut [f32]) {
    for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
        let sum = sum + bias;
        *out = if accumulate { *out + sum } else { sum };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// The product by an emulated unit, added to ones, with a bias of 2 and doubled; operands may lie transposed.
    fn run<const PARTS: usize>([m, k, n]: [usize; 3], a: &[f32], b: &[f32], turned: bool) -> Vec<f32> {
        let strides =
            |rows: usize, columns: usize| if turned { [1, rows as isize] } else { [columns as isize, 1] };
        let (a_shape, b_shape, a_strides, b_strides) = ([m, k], [k, n], strides(m, k), strides(k, n));
        let (bias, mut out) = (vec![2.0; n], vec![1.0; m * n]);
        let double = |row: &mut [f32]| row.iter_mut().for_each(|value| *value *= 2.0);
        let epilogue = Epilogue { accumulate: true, column_bias: Some(&bias), activation: Some(&double) };
        let (a, b) = (View::new(a, &a_shape, &a_strides, 0), View::new(b, &b_shape, &b_strides, 0));
        product::<PARTS>(Unit::Emulated, &Stack::new(a, b, &mut out, epilogue), 0);
        out
    }

    /// Root mean square of the error, relative to that of the result.
    fn error([m, k, n]: [usize; 3], a: &[f32], b: &[f32], turned: bool, got: &[f32]) -> f64 {
        let at = |data: &[f32], [rows, columns]: [usize; 2], i: usize, j: usize| {
            f64::from(data[if turned { j * rows + i } else { i * columns + j }])
        };
        let (mut error, mut norm) = (0.0, 0.0);
        for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let exact: f64 = 3.0 + (0..k).map(|l| at(a, [m, k], i, l) * at(b, [k, n], l, j)).sum::<f64>();
            error += (f64::from(got[i * n + j]) / 2.0 - exact).powi(2);
            norm += exact.powi(2);
        }
        (error / norm).sqrt()
    }

    #[test]
    fn errors_are_those_that_the_parts_leave_out() {
        for shape in [[1, 1, 1], [33, 70, 15], [17, 31, 90], [64, 130, 64]] {
            let [m, k, n] = shape;
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            for turned in [false, true] {
                let three = error(shape, &a, &b, turned, &run::<2>(shape, &a, &b, turned));
                assert!(three < 1.5e-5, "three products {shape:?}: {three:e}");
                let six = error(shape, &a, &b, turned, &run::<3>(shape, &a, &b, turned));
                assert!(six < 5e-7, "six products {shape:?}: {six:e}");
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let (a, b) = (numbers(300 * 64, 1), numbers(64 * 40, 2));
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| run::<2>([300, 64, 40], &a, &b, false))
        };
        assert!(with(1) == with(3));
    }

    #[test]
    fn strange_numbers_are_multiplied_in_f32() {
        let shape = [300, 64, 40];
        let (mut a, mut b) = (numbers(300 * 64, 1), numbers(64 * 40, 2));
        a[200 * 64 + 5] = f32::INFINITY;
        let got = run::<2>(shape, &a, &b, false);
        let infinite = |row: &[f32]| row.iter().filter(|value| value.is_infinite()).count();
        assert!(
            got.chunks_exact(40).enumerate().all(|(i, row)| infinite(row) == if i == 200 { 40 } else { 0 })
        );
        // A subnormal number, which a tile would take for zero, times 2¹⁰⁰.
        (a[200 * 64 + 5], a[64 + 3]) = (0.0, f32::from_bits(1));
        b.fill(2f32.powi(100));
        a[64..128]
            .iter_mut()
            .enumerate()
            .for_each(|(l, x)| *x = if l == 3 { f32::from_bits(1) } else { 0.0 });
        let sum = run::<3>(shape, &a, &b, false)[40];
        assert_eq!(sum, 2.0 * (1.0 + 2.0 + f32::from_bits(1) * 2f32.powi(100)));
    }

    #[test]
    fn a_processor_without_tiles_stays_with_f32() {
        if Unit::detect().is_none() {
            assert!(set_precision(Precision::Bf16x3).unwrap_err().contains("AMX"));
            assert_eq!(precision(), Precision::F32);
        }
        set_precision(Precision::F32).expect("f32 is everywhere");
    }
}
