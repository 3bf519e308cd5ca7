//! From random words to random floats.

use super::philox::{BLOCK, wide};
use crate::Float;

/// A float type that the words of a block can be turned into: as many floats as fit in a block, in the first places of
/// each result.
pub trait RandomFloat: Float {
    /// Numbers in [0, 1) on a grid of 2⁻²⁴ (f32) or 2⁻⁵³ (f64).
    fn units(block: [u32; BLOCK]) -> [Self; BLOCK];
    /// Numbers in (0, 1): the midpoints of a grid of 2⁻²³ (f32) or 2⁻⁵² (f64), whose logarithm is always finite.
    fn open_units(block: [u32; BLOCK]) -> [Self; BLOCK];
    /// Standard normal numbers: pairs r cos 2πv, r sin 2πv with r = √(−2 ln u), where u is an open unit and v a word as
    /// a fraction of its range.
    fn normals(block: [u32; BLOCK]) -> [Self; BLOCK];
}

impl RandomFloat for f32 {
    #[inline(always)]
    fn units(block: [u32; BLOCK]) -> [Self; BLOCK] {
        block.map(|word| (word >> 8) as f32 * (1.0 / (1u32 << 24) as f32))
    }

    #[inline(always)]
    fn open_units(block: [u32; BLOCK]) -> [Self; BLOCK] {
        block.map(|word| ((word >> 9) as f32 + 0.5) * (1.0 / (1u32 << 23) as f32))
    }

    #[inline(always)]
    fn normals(block: [u32; BLOCK]) -> [Self; BLOCK] {
        let [u, _, v, _] = Self::open_units(block);
        let ([a, b], [c, d]) = (pair(u, cos_sin_turns(block[1])), pair(v, cos_sin_turns(block[3])));
        [a, b, c, d]
    }
}

impl RandomFloat for f64 {
    #[inline(always)]
    fn units(block: [u32; BLOCK]) -> [Self; BLOCK] {
        let [a, b] = wide(block).map(|word| (word >> 11) as f64 * (1.0 / (1u64 << 53) as f64));
        [a, b, 0.0, 0.0]
    }

    #[inline(always)]
    fn open_units(block: [u32; BLOCK]) -> [Self; BLOCK] {
        let [a, b] = wide(block).map(|word| ((word >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64));
        [a, b, 0.0, 0.0]
    }

    #[inline(always)]
    fn normals(block: [u32; BLOCK]) -> [Self; BLOCK] {
        let [u, v, ..] = Self::open_units(block);
        let angle = std::f64::consts::TAU * v;
        let [a, b] = pair(u, (angle.cos(), angle.sin()));
        [a, b, 0.0, 0.0]
    }
}

/// Two normal numbers from an open unit and a point of the unit circle.
#[inline(always)]
fn pair<T: Float>(unit: T, (cos, sin): (T, T)) -> [T; 2] {
    let radius = (T::from_f64(-2.0) * unit.ln()).sqrt();
    [radius * cos, radius * sin]
}

/// Cosine and sine of `word` / 2³² turns, to 1.2e-7.
///
/// The fraction of a turn is an integer, so taking off the nearest quarter is exact and costs a shift, where the general
/// functions must reduce a rounded angle. The polynomials are least-maximum fits over an eighth of a turn either side.
#[inline(always)]
pub(super) fn cos_sin_turns(word: u32) -> (f32, f32) {
    // The top two bits, rounded to nearest, and what is left of the others as a signed number.
    let quarter = word.wrapping_add(1 << 29) >> 30;
    let rest = (word << 2) as i32 >> 2;
    let angle = rest as f32 * (std::f32::consts::TAU / (1u64 << 32) as f32);
    let square = angle * angle;
    let sin = angle + angle * square * (-0.166_666_51 + square * (0.008_331_979 - square * 0.000_194_956_02));
    let cos = 1.0 - 0.5 * square
        + square * square * (0.041_666_646 - square * (0.001_388_736_8 - square * 0.000_024_438_415));
    // A quarter turn carries (cos, sin) into (−sin, cos).
    let (x, y) = if quarter & 1 == 0 { (cos, sin) } else { (sin, cos) };
    let flip = |value: f32, bit_1: u32| f32::from_bits(value.to_bits() ^ (bit_1 & 2) << 30);
    (flip(x, quarter + 1), flip(y, quarter))
}
