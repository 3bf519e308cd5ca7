//! Counter-based random numbers: Philox4x32-10.
//!
//! J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
//! A block of four 32-bit words is a pure function of a key and a counter, so element `i` of a draw depends on (seed,
//! stream, offset, i) alone: any number of threads, or a GPU, makes the same numbers in any order.
//!
//! A draw starts at a block boundary. An f32 takes one word, so that block `offset + i/4` holds elements `i..i+4`; every
//! other type takes two words, and block `offset + i/2` holds elements `i..i+2`.

use crate::element::Float;
use crate::par;

/// Words of one block.
pub const BLOCK: usize = 4;

/// Where a draw begins: a seed, one of its 2⁶⁴ streams, and the block within the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The key of the generator.
    pub seed: u64,
    /// Which of the seed's independent sequences.
    pub stream: u64,
    /// First block of the draw.
    pub offset: u64,
}

impl Position {
    /// The four words of block `index` of the draw.
    #[inline]
    pub fn block(&self, index: u64) -> [u32; BLOCK] {
        let counter = self.offset.wrapping_add(index);
        philox4x32_10(
            [counter as u32, (counter >> 32) as u32, self.stream as u32, (self.stream >> 32) as u32],
            [self.seed as u32, (self.seed >> 32) as u32],
        )
    }

    /// The two 64-bit words of block `index` of the draw.
    #[inline]
    pub fn wide_block(&self, index: u64) -> [u64; 2] {
        let [a, b, c, d] = self.block(index).map(u64::from);
        [a | b << 32, c | d << 32]
    }
}

/// Ten rounds of the Philox bijection on a 128-bit counter under a 64-bit key.
#[inline]
pub fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            // Weyl sequences of the golden ratio and of √3 − 1.
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        let left = u64::from(counter[0]) * 0xD251_1F53;
        let right = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (right >> 32) as u32 ^ counter[1] ^ key[0],
            right as u32,
            (left >> 32) as u32 ^ counter[3] ^ key[1],
            left as u32,
        ];
    }
    counter
}

/// A float type that random words can be turned into.
pub trait RandomFloat: Float {
    /// Elements that one block yields.
    const PER_BLOCK: usize;
    /// 2π.
    const TAU: Self;
    /// Numbers in [0, 1) on a grid of 2⁻²⁴ (f32) or 2⁻⁵³ (f64), from the first `PER_BLOCK` places of the result.
    fn units(position: &Position, block: u64) -> [Self; BLOCK];
    /// Numbers in (0, 1): the midpoints of a grid of 2⁻²³ (f32) or 2⁻⁵² (f64), whose logarithm is always finite.
    fn open_units(position: &Position, block: u64) -> [Self; BLOCK];
}

impl RandomFloat for f32 {
    const PER_BLOCK: usize = 4;
    const TAU: Self = std::f32::consts::TAU;

    #[inline]
    fn units(position: &Position, block: u64) -> [Self; BLOCK] {
        position.block(block).map(|word| (word >> 8) as f32 * (1.0 / (1u32 << 24) as f32))
    }

    #[inline]
    fn open_units(position: &Position, block: u64) -> [Self; BLOCK] {
        position.block(block).map(|word| ((word >> 9) as f32 + 0.5) * (1.0 / (1u32 << 23) as f32))
    }
}

impl RandomFloat for f64 {
    const PER_BLOCK: usize = 2;
    const TAU: Self = std::f64::consts::TAU;

    #[inline]
    fn units(position: &Position, block: u64) -> [Self; BLOCK] {
        let [a, b] = position.wide_block(block).map(|word| (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64));
        [a, b, 0.0, 0.0]
    }

    #[inline]
    fn open_units(position: &Position, block: u64) -> [Self; BLOCK] {
        let [a, b] =
            position.wide_block(block).map(|word| ((word >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64));
        [a, b, 0.0, 0.0]
    }
}

/// Blocks that a draw of `count` elements with `per_block` of them in a block takes.
pub fn blocks(count: usize, per_block: usize) -> u64 {
    count.div_ceil(per_block) as u64
}

/// Fills `out` with the elements of consecutive blocks.
fn fill<T: Send, const N: usize>(out: &mut [T], per_block: usize, block: impl Fn(u64) -> [T; N] + Sync) {
    // CHUNK is a multiple of every block size: a block never straddles two tasks.
    par::chunks_mut(out, par::CHUNK, |start, out| {
        for (index, elements) in out.chunks_mut(per_block).enumerate() {
            for (element, value) in elements.iter_mut().zip(block((start / per_block + index) as u64)) {
                *element = value;
            }
        }
    });
}

/// Numbers spread evenly over `[low, high)`.
pub fn uniform<T: RandomFloat>(out: &mut [T], position: Position, low: T, high: T) {
    fill(out, T::PER_BLOCK, |block| {
        T::units(&position, block).map(|unit| {
            let value = low + unit * (high - low);
            // Rounding may reach the upper end.
            if value < high { value } else { low }
        })
    });
}

/// Normal numbers by the transform of G. E. P. Box and M. E. Muller (1958): neighbours share a radius √(−2 ln u) and
/// are its cosine and sine. |z| ≤ 5.77 in f32 and 8.57 in f64.
pub fn normal<T: RandomFloat>(out: &mut [T], position: Position, mean: T, standard_deviation: T) {
    let two = T::ONE + T::ONE;
    fill(out, T::PER_BLOCK, |block| {
        let mut values = T::open_units(&position, block);
        for pair in values[..T::PER_BLOCK].chunks_exact_mut(2) {
            let (radius, angle) = ((-two * pair[0].ln()).sqrt(), T::TAU * pair[1]);
            pair[0] = mean + standard_deviation * radius * angle.cos();
            pair[1] = mean + standard_deviation * radius * angle.sin();
        }
        values
    });
}

/// Waiting times with density λ e^(−λx).
pub fn exponential<T: RandomFloat>(out: &mut [T], position: Position, rate: T) {
    fill(out, T::PER_BLOCK, |block| T::open_units(&position, block).map(|unit| -unit.ln() / rate));
}

/// Standard Gumbel numbers, −ln(−ln u): the arg-max of logits plus these is a sample of their softmax.
pub fn gumbel<T: RandomFloat>(out: &mut [T], position: Position) {
    fill(out, T::PER_BLOCK, |block| T::open_units(&position, block).map(|unit| -(-unit.ln()).ln()));
}

/// Integers spread evenly over `low..high`: the upper half of a 64-bit word times the width, whose bias is below
/// width/2⁶⁴.
///
/// # Panics
/// When the range is empty.
pub fn integers(out: &mut [i64], position: Position, low: i64, high: i64) {
    assert!(low < high, "integers: the range {low}..{high} is empty");
    let width = high.wrapping_sub(low) as u64;
    fill(out, 2, |block| position.wide_block(block).map(|word| low.wrapping_add(below(word, width) as i64)));
}

/// `out[i] = f(u, values[i])` for u spread evenly over [0, 1): masks, coin flips and dithering.
///
/// # Panics
/// When `out` and `values` differ in length.
pub fn with_units<T: RandomFloat>(
    values: &[T],
    out: &mut [T],
    position: Position,
    f: impl Fn(T, T) -> T + Sync,
) {
    assert_eq!(values.len(), out.len(), "with_units: one output an operand");
    par::chunks_mut(out, par::CHUNK, |start, out| {
        let values = &values[start..start + out.len()];
        let first = start / T::PER_BLOCK;
        for (index, (out, values)) in
            out.chunks_mut(T::PER_BLOCK).zip(values.chunks(T::PER_BLOCK)).enumerate()
        {
            let units = T::units(&position, (first + index) as u64);
            for ((out, &value), unit) in out.iter_mut().zip(values).zip(units) {
                *out = f(unit, value);
            }
        }
    });
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

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Position = Position { seed: 42, stream: 3, offset: 5 };

    /// The three vectors of `philox4x32 10` in the file `kat_vectors` of the authors' library Random123.
    #[test]
    fn known_answers() {
        assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn an_element_depends_on_its_place_alone() {
        let mut all = vec![0.0f32; 3 * par::CHUNK + 7];
        normal(&mut all, HERE, 0.0, 1.0);
        let mut part = vec![0.0f32; 9];
        let skipped = par::CHUNK + 400;
        normal(&mut part, Position { offset: HERE.offset + skipped as u64 / 4, ..HERE }, 0.0, 1.0);
        assert_eq!(part, all[skipped..skipped + 9]);
    }

    #[test]
    fn thread_counts_agree() {
        let draw = |threads: usize| {
            let mut out = vec![0.0f64; 5 * par::CHUNK + 1];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| exponential(&mut out, HERE, 2.0));
            out
        };
        assert_eq!(draw(1), draw(3));
    }

    /// Mean and variance of `values`.
    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
    }

    /// Holds a draw of a million against the first two moments of its distribution.
    fn check<T: RandomFloat>(mean: f64, variance: f64, draw: impl Fn(&mut [T])) {
        let mut out = vec![T::ZERO; 1_000_000];
        draw(&mut out);
        let (found_mean, found_variance) = moments(&out.iter().map(|v| v.to_f64()).collect::<Vec<_>>());
        // Five standard errors of the mean; the variance of a variance depends on the fourth moment, so 2 % for all.
        assert!((found_mean - mean).abs() < 5.0 * (variance / 1e6).sqrt(), "mean {found_mean}, not {mean}");
        assert!((found_variance / variance - 1.0).abs() < 0.02, "variance {found_variance}, not {variance}");
    }

    #[test]
    fn moments_fit() {
        fn all<T: RandomFloat>() {
            let number = T::from_f64;
            check::<T>(1.0, 4.0 / 12.0 * 4.0, |out| uniform(out, HERE, number(-1.0), number(3.0)));
            check::<T>(0.5, 4.0, |out| normal(out, HERE, number(0.5), number(2.0)));
            check::<T>(0.25, 0.0625, |out| exponential(out, HERE, number(4.0)));
            check::<T>(0.577_215_664_9, std::f64::consts::PI.powi(2) / 6.0, |out| gumbel(out, HERE));
        }
        all::<f32>();
        all::<f64>();
        check::<f64>(2.5, 35.0 / 12.0, |out| {
            let mut drawn = vec![0; out.len()];
            integers(&mut drawn, HERE, 0, 6);
            out.iter_mut().zip(drawn).for_each(|(out, value)| *out = value as f64);
        });
    }

    #[test]
    fn ranges_hold() {
        let mut out = vec![0.0f32; 100_000];
        uniform(&mut out, HERE, 1.0, 1.000_001);
        assert!(out.iter().all(|v| (1.0..1.000_001).contains(v)));
        gumbel(&mut out, HERE);
        assert!(out.iter().all(|v| v.is_finite()));
        let mut whole = vec![0; 1000];
        integers(&mut whole, HERE, i64::MIN, i64::MAX);
        assert!(whole.iter().any(|&v| v < 0) && whole.iter().any(|&v| v > 0));
    }

    #[test]
    fn permutations_are_permutations_and_spread_evenly() {
        let mut out = vec![0; 1001];
        permutation(&mut out, HERE);
        let mut sorted = out.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(i, &v)| v == i as i64) && sorted != out);
        // Each of the 24 orders of four should come up 1,000 times of 24,000, give or take five standard deviations.
        let mut seen = std::collections::BTreeMap::new();
        for offset in 0..24_000 {
            let mut order = [0; 4];
            permutation(&mut order, Position { offset: 10 * offset, ..HERE });
            *seen.entry(order).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 24);
        assert!(seen.values().all(|&count: &i32| (count - 1000).abs() < 155), "{seen:?}");
    }
}
