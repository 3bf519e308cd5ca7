//! eˣ and eˣ − 1.

use super::{LN_2_HIGH, LN_2_LOW, ROUNDER, clamp, polynomial};
use std::f32::consts::LOG2_E;

/// x = n ln 2 + r, with |r| ≤ ½ ln 2. For |x| < 2²⁰. The low nine bits of the first result are those of n + `bias`: shifted
/// to where a float has its exponent, they make a power of two.
#[inline(always)]
fn reduce(x: f32, bias: u16) -> (u32, f32) {
    let rounder = ROUNDER + f32::from(bias);
    let rounded = x.mul_add(LOG2_E, rounder);
    let n = rounded - rounder;
    (rounded.to_bits(), n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x)))
}

/// (eʳ − 1 − r)/r², for |r| ≤ ½ ln 2.
#[inline(always)]
fn beyond_linear(r: f32) -> f32 {
    polynomial!(r; 0.5, 0.166_665_48, 0.041_666_858, 0.008_366_152, 0.001_389_804_5)
}

/// eʳ, for |r| ≤ ½ ln 2.
#[inline(always)]
fn exp_reduced(r: f32) -> f32 {
    beyond_linear(r).mul_add(r, 1.0).mul_add(r, 1.0)
}

/// eˣ, which must be neither subnormal nor infinite: |x| ≤ 87.
#[inline(always)]
pub(super) fn exp_normal(x: f32) -> f32 {
    let (n, r) = reduce(x, 127);
    exp_reduced(r) * f32::from_bits(n << 23)
}

/// eˣ, for −106 ≤ x ≤ 0.
#[inline(always)]
pub(super) fn exp_falling(x: f32) -> f32 {
    /// 2⁻⁶⁴: with its share of 2ⁿ taken away, the rest is no subnormal.
    const SHARE: f32 = 5.421_011e-20;
    let (n, r) = reduce(x, 127 + 64);
    exp_reduced(r) * f32::from_bits(n << 23) * SHARE
}

/// eˣ. Error below 1.1 ULP.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these bounds the result is 0 or ∞.
    let (n, r) = reduce(clamp(x, -104.0, 89.0), 2 * 127);
    // 2ⁿ in two factors, because it may be below or above what one float can hold.
    let half = n >> 1;
    let factors = [f32::from_bits(half << 23), f32::from_bits(n.wrapping_sub(half) << 23)];
    exp_reduced(r) * factors[0] * factors[1]
}

/// eˣ − 1, for 0 ≤ x ≤ 87. The smallest n is 0, so that nothing is lost near 0; above, 2ⁿ − 1 is exact or nearly all.
#[inline(always)]
pub(super) fn exp_m1_rising(x: f32) -> f32 {
    let (n, r) = reduce(x, 127);
    let scale = f32::from_bits(n << 23);
    let y = beyond_linear(r).mul_add(r * r, r);
    y.mul_add(scale, scale - 1.0)
}

/// eˣ − 1, accurate near 0. Error below 1.6 ULP.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    // Beyond these bounds the result is −1 or ∞.
    let (n, r) = reduce(clamp(x, -20.0, 89.0), 126);
    // 2ⁿ(1 + r + r² …) − 1, halved, so that 2ⁿ does not overflow before the result does.
    let scale = f32::from_bits(n << 23);
    let y = 2.0 * beyond_linear(r).mul_add(r * r, r).mul_add(scale, scale - 0.5);
    // Where x² is lost beside x; halving a subnormal would lose digits, and a sum loses the sign of zero.
    if x.abs() < f32::EPSILON / 4.0 { x } else { y }
}
