//! eˣ and eˣ − 1.

use super::{LN_2_HIGH, LN_2_LOW, ROUNDER, clamp, polynomial};
use crate::simd::{Kernel, vectorize};
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

/// `unit`·(eʳ − 1 − r)/r², for |r| ≤ ½ ln 2. The unit is a constant power of two, and so rounds nothing.
#[inline(always)]
fn beyond_linear(r: f32, unit: f32) -> f32 {
    polynomial!(r; 0.5 * unit, 0.166_665_48 * unit, 0.041_666_858 * unit, 0.008_366_152 * unit,
        0.001_389_804_5 * unit)
}

/// `unit`·eʳ, for |r| ≤ ½ ln 2 and a constant power of two.
#[inline(always)]
fn exp_reduced(r: f32, unit: f32) -> f32 {
    beyond_linear(r, unit).mul_add(r, unit).mul_add(r, unit)
}

/// eˣ, which must be neither subnormal nor infinite: |x| ≤ 87.
#[inline(always)]
pub(super) fn exp_normal(x: f32) -> f32 {
    let (n, r) = reduce(x, 127);
    exp_reduced(r, 1.0) * f32::from_bits(n << 23)
}

/// eˣ, for −106 ≤ x ≤ 0.
#[inline(always)]
pub(super) fn exp_falling(x: f32) -> f32 {
    /// 2⁻⁶⁴: with its share of 2ⁿ taken away, the rest is no subnormal.
    const SHARE: f32 = 5.421_011e-20;
    let (n, r) = reduce(x, 127 + 64);
    exp_reduced(r, 1.0) * f32::from_bits(n << 23) * SHARE
}

/// eˣ. Error below 1.1 ULP.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these bounds the result is 0 or ∞.
    let (n, r) = reduce(clamp(x, -104.0, 89.0), 2 * 127);
    // 2ⁿ in two factors, because it may be below or above what one float can hold.
    let half = n >> 1;
    let factors = [f32::from_bits(half << 23), f32::from_bits(n.wrapping_sub(half) << 23)];
    exp_reduced(r, 1.0) * factors[0] * factors[1]
}

/// [`exp`] of every element, with the same bits and a quarter fewer operations where a whole block is within ±44.
///
/// # Panics
/// When the lengths differ.
pub fn exp_slice(x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "exp_slice: one result an element");
    vectorize(Moderate { x, out });
}

struct Moderate<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
}

impl Moderate<'_> {
    /// Elements of a block: what is computed again where one of them is out of bounds.
    const BLOCK: usize = 512;
}

impl Kernel for Moderate<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (out, x) in self.out.chunks_mut(Self::BLOCK).zip(self.x.chunks(Self::BLOCK)) {
            let mut bits = 0;
            for (y, &x) in out.iter_mut().zip(x) {
                let (n, value) = exp_moderate(x);
                bits |= n;
                *y = value;
            }
            if bits > 127 {
                for (y, &x) in out.iter_mut().zip(x) {
                    *y = exp(x);
                }
            }
        }
    }
}

/// eˣ, where the first result is 127 or less, which it is for |x| ≤ 44. There is no bound to keep and no product with 2ⁿ: n is
/// added to the exponent of a float that stays a normal one.
#[inline(always)]
fn exp_moderate(x: f32) -> (u32, f32) {
    /// 2⁻⁶⁴, because the bits hold n + 64.
    const UNIT: f32 = 5.421_011e-20;
    let (n, r) = reduce(x, 64);
    let y = exp_reduced(r, UNIT);
    (n ^ ROUNDER.to_bits(), f32::from_bits(y.to_bits().wrapping_add(n << 23)))
}

/// eˣ − 1, for 0 ≤ x ≤ 87. The smallest n is 0, so that nothing is lost near 0; above, 2ⁿ − 1 is exact or nearly all.
#[inline(always)]
pub(super) fn exp_m1_rising(x: f32) -> f32 {
    let (n, r) = reduce(x, 127);
    let scale = f32::from_bits(n << 23);
    let y = beyond_linear(r, 1.0).mul_add(r * r, r);
    y.mul_add(scale, scale - 1.0)
}

/// eˣ − 1, accurate near 0. Error below 1.6 ULP.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    // Beyond these bounds the result is −1 or ∞.
    let (n, r) = reduce(clamp(x, -20.0, 89.0), 126);
    // 2ⁿ(1 + r + r² …) − 1, halved, so that 2ⁿ does not overflow before the result does.
    let scale = f32::from_bits(n << 23);
    let y = 2.0 * beyond_linear(r, 1.0).mul_add(r * r, r).mul_add(scale, scale - 0.5);
    // Where x² is lost beside x; halving a subnormal would lose digits, and a sum loses the sign of zero.
    if x.abs() < f32::EPSILON / 4.0 { x } else { y }
}
