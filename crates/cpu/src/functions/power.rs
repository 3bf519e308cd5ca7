//! xʸ, in f64 inside: the logarithm is multiplied by the exponent, and its error with it.

use super::logarithm::split;
use super::{ROUNDER_F64, polynomial};

/// x to the power of `exponent`, with the special cases of C's `pow`. Error below 0.51 ULP.
#[inline(always)]
pub fn powf(x: f32, exponent: f32) -> f32 {
    let base = x.abs();
    let power = f64::from(exponent) * log2(base);
    let magnitude = if base == 1.0 { 1.0 } else { exp2(power) };
    let (whole, odd) = parity(exponent);
    let y = if odd { magnitude.copysign(x) } else { magnitude };
    let y = if x < 0.0 && x != f32::NEG_INFINITY && !whole { f32::NAN } else { y };
    if x == 1.0 || exponent == 0.0 { 1.0 } else { y }
}

/// Binary logarithm of a float that is not negative.
#[inline(always)]
fn log2(x: f32) -> f64 {
    const SCALE: f32 = 8_388_608.0;
    let subnormal = x < f32::MIN_POSITIVE;
    let (exponent, mantissa) = split(if subnormal { x * SCALE } else { x });
    let exponent = exponent.wrapping_sub(if subnormal { 23 } else { 0 });
    // ln m = 2 artanh((m − 1)/(m + 1)).
    let mantissa = f64::from(mantissa);
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = polynomial!(square; 2.885_390_081_777_426_7, 0.961_796_694_821_740_1, 0.577_077_756_492_417_2,
        0.412_226_100_365_822_7, 0.319_287_398_653_630_1, 0.290_805_029_253_526_47);
    let y = ratio.mul_add(series, f64::from(exponent));
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x < f32::INFINITY { y } else { f64::from(x) }
}

/// 2ˣ rounded to f32.
#[inline(always)]
fn exp2(x: f64) -> f32 {
    // Beyond these bounds the result is 0 or ∞; NaN stays NaN.
    let x = if x < -160.0 { -160.0 } else { x };
    let x = if x > 130.0 { 130.0 } else { x };
    let rounded = x + ROUNDER_F64;
    let r = x - (rounded - ROUNDER_F64);
    let scale = f64::from_bits(rounded.to_bits().wrapping_add(1023) << 52);
    let fraction = polynomial!(r; 1.0, 0.693_147_180_704_736_5, 0.240_226_510_670_311_03,
        0.055_504_103_655_281_07, 0.009_618_038_054_990_29, 0.001_333_393_519_954_426_3,
        0.000_154_667_831_319_940_72, 1.519_618_084_877_611_6e-5);
    (fraction * scale) as f32
}

/// Whether a float is a whole number, and whether it is an odd one.
#[inline(always)]
fn parity(x: f32) -> (bool, bool) {
    // From 2²³ on every float is whole, and from 2²⁴ on even.
    const WHOLE: f32 = 8_388_608.0;
    let size = x.abs();
    let rounded = size + WHOLE;
    let whole = size >= WHOLE || rounded - WHOLE == size;
    let last_bit = if size >= WHOLE { size.to_bits() } else { rounded.to_bits() } & 1;
    (whole, whole && last_bit == 1 && size < 2.0 * WHOLE)
}
