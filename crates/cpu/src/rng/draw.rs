//! Distributions over the elements of a slice.

use super::float::RandomFloat;
use super::philox::{BLOCK, Position, wide};
use crate::map::{map1_in_place, unary};
use crate::simd::{Kernel, vectorize_for};
use crate::{Element, par};

/// Elements of a task: a multiple of every block's, so that no block straddles two tasks.
const CHUNK: usize = par::CHUNK;

/// Elements of `T` that one block yields, by size.
const fn per_block<T>() -> usize {
    size_of::<[u32; BLOCK]>() / size_of::<T>()
}

/// Blocks that a draw of `count` elements with `per_block` of them in a block takes.
pub fn blocks(count: usize, per_block: usize) -> u64 {
    count.div_ceil(per_block) as u64
}

/// What makes elements of the words of a block. Not a closure, because those that are too long for the compiler's taste
/// would stay calls, and a loop with a call does not vectorise: implementations are `#[inline(always)]`. They hold their
/// parameters by value: what a reference points to might lie in the output for all that the compiler knows.
trait Distribution<T>: Copy + Send + Sync {
    /// Sets the elements of one block.
    fn draw(self, block: [u32; BLOCK], out: &mut [T]);
}

/// Fills `out` with the elements of the draw.
fn fill<T: Element>(out: &mut [T], position: Position, distribution: impl Distribution<T>) {
    par::chunks_mut(out, CHUNK, |start, out| fill_from(start, out, position, distribution));
}

/// Fills `out` with the elements of the draw from number `start` on, which begins a block.
fn fill_from<T: Element>(
    start: usize,
    out: &mut [T],
    position: Position,
    distribution: impl Distribution<T>,
) {
    let offset = position.offset.wrapping_add((start / per_block::<T>()) as u64);
    vectorize_for::<T, _>(Fill { out, position: Position { offset, ..position }, distribution });
}

struct Fill<'a, T, D> {
    out: &'a mut [T],
    position: Position,
    distribution: D,
}

impl<T: Element, D: Distribution<T>> Kernel for Fill<'_, T, D> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut blocks = self.out.chunks_exact_mut(per_block::<T>());
        let whole = blocks.len() as u64;
        // Iterations are independent, so that the compiler computes a vector of blocks at a time.
        for (index, elements) in (0..whole).zip(&mut blocks) {
            self.distribution.draw(self.position.block(index), elements);
        }
        let rest = blocks.into_remainder();
        if !rest.is_empty() {
            let mut elements = [T::default(); BLOCK];
            elements[..rest.len()].copy_from_slice(rest);
            self.distribution.draw(self.position.block(whole), &mut elements[..per_block::<T>()]);
            rest.copy_from_slice(&elements[..rest.len()]);
        }
    }
}

/// Sets each element to `f` of a number.
#[inline(always)]
fn set<T, N: Copy>(out: &mut [T], numbers: &[N], f: impl Fn(N) -> T) {
    for (out, &number) in out.iter_mut().zip(numbers) {
        *out = f(number);
    }
}

#[derive(Clone, Copy)]
struct Uniform<T> {
    low: T,
    high: T,
}

impl<T: RandomFloat> Distribution<T> for Uniform<T> {
    #[inline(always)]
    fn draw(self, block: [u32; BLOCK], out: &mut [T]) {
        let width = self.high - self.low;
        set(out, &T::units(block), |unit| {
            let value = self.low + unit * width;
            // Rounding may reach the upper end.
            if value < self.high { value } else { self.low }
        });
    }
}

/// Numbers spread evenly over `[low, high)`.
pub fn uniform<T: RandomFloat>(out: &mut [T], position: Position, low: T, high: T) {
    fill(out, position, Uniform { low, high });
}

#[derive(Clone, Copy)]
struct Normal<T> {
    mean: T,
    standard_deviation: T,
}

impl<T: RandomFloat> Distribution<T> for Normal<T> {
    #[inline(always)]
    fn draw(self, block: [u32; BLOCK], out: &mut [T]) {
        set(out, &T::normals(block), |z| self.standard_deviation.mul_add(z, self.mean));
    }
}

/// Normal numbers by the transform of G. E. P. Box and M. E. Muller (1958): neighbours share a radius √(−2 ln u) and
/// are its cosine and sine. |z| ≤ 5.77 in f32 and 8.57 in f64.
pub fn normal<T: RandomFloat>(out: &mut [T], position: Position, mean: T, standard_deviation: T) {
    fill(out, position, Normal { mean, standard_deviation });
}

#[derive(Clone, Copy)]
struct Exponential<T> {
    rate: T,
}

impl<T: RandomFloat> Distribution<T> for Exponential<T> {
    #[inline(always)]
    fn draw(self, block: [u32; BLOCK], out: &mut [T]) {
        set(out, &T::open_units(block), |unit| -unit.logarithm() / self.rate);
    }
}

/// Waiting times with density λ e^(−λx).
pub fn exponential<T: RandomFloat>(out: &mut [T], position: Position, rate: T) {
    fill(out, position, Exponential { rate });
}

/// Standard Gumbel numbers, −ln(−ln u): the arg-max of logits plus these is a sample of their softmax.
pub fn gumbel<T: RandomFloat>(out: &mut [T], position: Position) {
    exponential(out, position, T::ONE);
    map1_in_place(out, &unary(|time: T| -time.logarithm()));
}

/// A function of a unit and of the element that was there.
#[derive(Clone, Copy)]
struct WithUnits<F>(F);

impl<T: RandomFloat, F: Fn(T, T) -> T + Copy + Send + Sync> Distribution<T> for WithUnits<F> {
    #[inline(always)]
    fn draw(self, block: [u32; BLOCK], out: &mut [T]) {
        for (out, unit) in out.iter_mut().zip(T::units(block)) {
            *out = self.0(unit, *out);
        }
    }
}

/// `out[i] = f(u, values[i])` for u spread evenly over [0, 1): masks, coin flips and dithering. Give `f` what it needs
/// by value (`move`).
///
/// # Panics
/// When `out` and `values` differ in length.
pub fn with_units<T: RandomFloat>(
    values: &[T],
    out: &mut [T],
    position: Position,
    f: impl Fn(T, T) -> T + Copy + Send + Sync,
) {
    assert_eq!(values.len(), out.len(), "with_units: one output an operand");
    par::chunks_mut(out, CHUNK, |start, out| {
        out.copy_from_slice(&values[start..start + out.len()]);
        fill_from(start, out, position, WithUnits(f));
    });
}

#[derive(Clone, Copy)]
struct Integers {
    low: i64,
    width: u64,
}

impl Distribution<i64> for Integers {
    #[inline(always)]
    fn draw(self, block: [u32; BLOCK], out: &mut [i64]) {
        set(out, &wide(block), |word| self.low.wrapping_add(below(word, self.width) as i64));
    }
}

/// Integers spread evenly over `low..high`: the upper half of a 64-bit word times the width, whose bias is below
/// width/2⁶⁴.
///
/// # Panics
/// When the range is empty.
pub fn integers(out: &mut [i64], position: Position, low: i64, high: i64) {
    assert!(low < high, "integers: the range {low}..{high} is empty");
    let width = high.wrapping_sub(low) as u64;
    fill(out, position, Integers { low, width });
}

/// A random order of `0..out.len()`: the shuffle of R. A. Fisher and F. Yates as R. Durstenfeld (1964) put it, one
/// 64-bit word a step, so sequential but linear.
pub fn permutation(out: &mut [i64], position: Position) {
    for (i, place) in out.iter_mut().enumerate() {
        *place = i as i64;
    }
    for last in (1..out.len()).rev() {
        let word = position.wide_block(last as u64 / 2)[last % 2];
        out.swap(last, below(word, last as u64 + 1) as usize);
    }
}

/// A number below `width` from a random word.
fn below(word: u64, width: u64) -> u64 {
    ((u128::from(word) * u128::from(width)) >> 64) as u64
}
