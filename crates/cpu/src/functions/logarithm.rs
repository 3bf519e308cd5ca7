//! ln x and ln(1 + x).

use super::{LN_2_HIGH, LN_2_LOW, polynomial, power_of_two};

/// The bits of 2/3: mantissas are taken from [2/3, 4/3), where the logarithm of a mantissa is smallest.
const TWO_THIRDS: i32 = 0x3f2a_aaab;

/// x = 2ᵉ m, with m in [2/3, 4/3). For positive x that are neither subnormal nor infinite.
#[inline(always)]
pub(super) fn split(x: f32) -> (i32, f32) {
    let bits = x.to_bits() as i32;
    let exponent = bits.wrapping_sub(TWO_THIRDS) >> 23;
    (exponent, f32::from_bits(bits.wrapping_sub(exponent << 23) as u32))
}

/// ln(1 + f) − f, for −1/3 ≤ f < 1/3.
#[inline(always)]
fn beyond_linear(f: f32) -> f32 {
    let series = polynomial!(f; 0.333_332_15, -0.249_998_05, 0.200_104_34, -0.166_802_33, 0.140_055_66,
        -0.121_871_99, 0.139_855_25, -0.128_806_28);
    f * f * series.mul_add(f, -0.5)
}

/// exponent · ln 2 + f + rest, where `rest` is small beside f.
#[inline(always)]
fn assemble(exponent: f32, f: f32, rest: f32) -> f32 {
    exponent.mul_add(LN_2_HIGH, f + exponent.mul_add(LN_2_LOW, rest))
}

/// Natural logarithm of a positive number that is neither subnormal nor infinite. Error below 1.0 ULP.
#[inline(always)]
pub(crate) fn ln_normal(x: f32) -> f32 {
    let (exponent, mantissa) = split(x);
    let f = mantissa - 1.0;
    assemble(exponent as f32, f, beyond_linear(f))
}

/// Natural logarithm; −∞ of 0, NaN below. Error below 1.0 ULP.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const SCALE: f32 = 8_388_608.0;
    let subnormal = x < f32::MIN_POSITIVE;
    let (exponent, mantissa) = split(if subnormal { x * SCALE } else { x });
    let exponent = exponent.wrapping_sub(if subnormal { 23 } else { 0 });
    let f = mantissa - 1.0;
    at_the_edges(x, assemble(exponent as f32, f, beyond_linear(f)))
}

/// ln(1 + x), accurate near 0; −∞ of −1, NaN below. Error below 1.1 ULP.
#[inline(always)]
pub fn ln_1p(x: f32) -> f32 {
    let sum = 1.0 + x;
    // What rounding took from the sum.
    let (large, small) = if x > 1.0 { (x, 1.0) } else { (1.0, x) };
    let lost = small - (sum - large);
    let (exponent, mantissa) = split(sum);
    let f = mantissa - 1.0;
    // Far above 1 it does not matter, and the scale would not be a float.
    let lost = if x > 1e9 { 0.0 } else { lost * power_of_two(exponent.wrapping_neg()) };
    // Where 1 + x lies in [2/3, 4/3) this gives f = x, exactly; elsewhere what is lost again is a small correction, to be
    // divided by the mantissa.
    let whole = f + lost;
    let rest = lost - (whole - f);
    let rest = (1.0 - whole).mul_add(rest, beyond_linear(whole));
    let y = assemble(exponent as f32, whole, rest);
    // Where x² is lost beside x, and so that −0 stays −0.
    if x.abs() < f32::EPSILON / 4.0 { x } else { at_the_edges(sum, y) }
}

/// `y`, or what the logarithm of x is where x has no finite one.
#[inline(always)]
fn at_the_edges(x: f32, y: f32) -> f32 {
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f32::NAN }
}
