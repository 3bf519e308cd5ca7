//! eˣ and eˣ − 1.

use super::{LN_2_HIGH, LN_2_LOW, ROUNDER, clamp, polynomial, power_of_two};
use std::f32::consts::LOG2_E;

/// x = n ln 2 + high + low, with |high + low| ≤ ½ ln 2 and `high` exact. For |x| < 2²⁰.
#[inline(always)]
fn reduce(x: f32) -> (i32, f32, f32) {
    let rounded = x * LOG2_E + ROUNDER;
    let n = rounded - ROUNDER;
    let integer = rounded.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32;
    (integer, x - n * LN_2_HIGH, -(n * LN_2_LOW))
}

/// eʳ − 1 − r, for |r| ≤ ½ ln 2.
#[inline(always)]
fn beyond_linear(r: f32) -> f32 {
    r * r * polynomial!(r; 0.5, 0.166_665_48, 0.041_666_858, 0.008_366_152, 0.001_389_804_5)
}

/// eˣ, which must be neither subnormal nor infinite: |x| ≤ 87.
#[inline(always)]
pub(super) fn exp_normal(x: f32) -> f32 {
    let (n, high, low) = reduce(x);
    let r = high + low;
    (1.0 + (r + beyond_linear(r))) * power_of_two(n)
}

/// eˣ, for −106 ≤ x ≤ 0.
#[inline(always)]
pub(super) fn exp_falling(x: f32) -> f32 {
    /// 2⁻⁶⁴: with its share of 2ⁿ taken away, the rest is no subnormal.
    const SHARE: f32 = 5.421_011e-20;
    let (n, high, low) = reduce(x);
    let r = high + low;
    (1.0 + (r + beyond_linear(r))) * power_of_two(n.wrapping_add(64)) * SHARE
}

/// eˣ. Error below 1.1 ULP.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these bounds the result is 0 or ∞.
    let (n, high, low) = reduce(clamp(x, -104.0, 89.0));
    let r = high + low;
    // 2ⁿ in two factors, because it may be below or above what one float can hold.
    let half = n >> 1;
    (1.0 + (r + beyond_linear(r))) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// eˣ − 1, accurate near 0. Error below 1.4 ULP.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    // Beyond these bounds the result is −1 or ∞.
    let (n, high, low) = reduce(clamp(x, -20.0, 89.0));
    let tail = low + beyond_linear(high + low);
    // 2ⁿ(1 + high + tail) − 1, halved, so that 2ⁿ does not overflow before the result does. The large terms are added
    // without loss: `lost` is what rounding took from their sum.
    let scale = power_of_two(n.wrapping_sub(1));
    let (shift, linear) = (scale - 0.5, scale * high);
    let sum = shift + linear;
    let lost = linear - (sum - shift);
    let y = 2.0 * (sum + (lost + scale * tail));
    // Where x² is lost beside x; halving a subnormal would lose digits, and a sum loses the sign of zero.
    if x.abs() < f32::EPSILON / 4.0 { x } else { y }
}
