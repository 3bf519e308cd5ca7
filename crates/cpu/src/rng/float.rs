//! From random words to random floats.

use super::philox::{BLOCK, wide};
use crate::Float;
use crate::functions::{ln_normal, polynomial};

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
    /// Natural logarithm of a positive number that is neither subnormal nor infinite, to 2 ULP: the same bits on every
    /// platform and device, which the system's library does not promise.
    fn logarithm(self) -> Self;
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

    #[inline(always)]
    fn logarithm(self) -> Self {
        ln_normal(self)
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
        let [u, ..] = Self::open_units(block);
        let [a, b] = pair(u, cos_sin_wide_turns(wide(block)[1]));
        [a, b, 0.0, 0.0]
    }

    #[inline(always)]
    fn logarithm(self) -> Self {
        // ln 2 in two parts, the first of 32 bits, so that its product with an exponent is exact.
        const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
        const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
        const TWO_THIRDS: i64 = 0x3fe5_5555_5555_5555;
        // x = 2ᵉ (1 + f) with 1 + f in [2/3, 4/3).
        let bits = self.to_bits() as i64;
        let exponent = bits.wrapping_sub(TWO_THIRDS) >> 52;
        let f = f64::from_bits(bits.wrapping_sub(exponent << 52) as u64) - 1.0;
        let exponent = exponent as f64;
        // ln(1 + f) = 2 artanh s = 2s (1 + s²/3 + s⁴/5 + …), where |s| ≤ 1/5.
        let s = f / (2.0 + f);
        let square = s * s;
        let series = [21, 19, 17, 15, 13, 11, 9, 7, 5, 3];
        let series = series.iter().fold(2.0 / 23.0, |sum, &odd| 2.0 / f64::from(odd) + square * sum);
        exponent * LN_2_HIGH + (2.0 * s + (s * square * series + LN_2_LOW * exponent))
    }
}

/// Two normal numbers from an open unit and a point of the unit circle.
#[inline(always)]
fn pair<T: RandomFloat>(unit: T, (cos, sin): (T, T)) -> [T; 2] {
    let radius = (T::from_f64(-2.0) * unit.logarithm()).sqrt();
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
    let beyond_linear = polynomial!(square; -0.166_666_51, 0.008_331_979, -0.000_194_956_02);
    let sin = (angle * square).mul_add(beyond_linear, angle);
    let cos = polynomial!(square; 1.0, -0.5, 0.041_666_646, -0.001_388_736_8, 0.000_024_438_415);
    // A quarter turn carries (cos, sin) into (−sin, cos).
    let (x, y) = if quarter & 1 == 0 { (cos, sin) } else { (sin, cos) };
    let flip = |value: f32, bit_1: u32| f32::from_bits(value.to_bits() ^ (bit_1 & 2) << 30);
    (flip(x, quarter + 1), flip(y, quarter))
}

/// Cosine and sine of `word` / 2⁶⁴ turns, to 4e-16: as [`cos_sin_turns`], by Taylor's series.
#[inline(always)]
pub(super) fn cos_sin_wide_turns(word: u64) -> (f64, f64) {
    let quarter = word.wrapping_add(1 << 61) >> 62;
    let rest = (word << 2) as i64 >> 2;
    let angle = rest as f64 * (std::f64::consts::TAU / (1u128 << 64) as f64);
    let square = angle * angle;
    // Factorials up to 17! are floats.
    let series =
        |factorials: &[f64]| factorials.iter().fold(0.0, |sum, factorial| 1.0 / factorial + square * sum);
    const SIN: [f64; 8] = [
        355_687_428_096_000.0,
        -1_307_674_368_000.0,
        6_227_020_800.0,
        -39_916_800.0,
        362_880.0,
        -5_040.0,
        120.0,
        -6.0,
    ];
    const COS: [f64; 7] =
        [20_922_789_888_000.0, -87_178_291_200.0, 479_001_600.0, -3_628_800.0, 40_320.0, -720.0, 24.0];
    let sin = angle + angle * square * series(&SIN);
    let cos = 1.0 - 0.5 * square + square * square * series(&COS);
    let (x, y) = if quarter & 1 == 0 { (cos, sin) } else { (sin, cos) };
    let flip = |value: f64, bit_1: u64| f64::from_bits(value.to_bits() ^ (bit_1 & 2) << 62);
    (flip(x, quarter + 1), flip(y, quarter))
}
