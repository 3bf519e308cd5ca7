//! sin and cos, in f64 inside: the reduction of the argument needs its digits, and the rest then costs little.

use super::{ROUNDER_F64, polynomial};
use crate::simd::{Kernel, vectorize};
use std::f64::consts::FRAC_2_PI;

/// Up to here, 2²⁸ π/2, the two parts of π/2 below suffice.
const MODERATE: f32 = 4.216_574_3e8;
/// π/2 in two parts, the first of 25 bits, so that its product with up to 28 bits is exact.
const HALF_PI_HIGH: f64 = 1.570_796_310_901_641_8;
const HALF_PI_LOW: f64 = 1.589_325_477_352_819_6e-8;

/// sin(x + `quarters` π/2), for |x| ≤ [`MODERATE`]; NaN of infinities.
#[inline(always)]
fn sin_moderate(x: f32, quarters: u64) -> f32 {
    let x = f64::from(x);
    let rounded = x.mul_add(FRAC_2_PI, ROUNDER_F64);
    let n = rounded - ROUNDER_F64;
    let r = n.mul_add(-HALF_PI_LOW, n.mul_add(-HALF_PI_HIGH, x));
    let square = r * r;
    let sin = r * polynomial!(square; 1.0, -0.166_666_545_366_265_24, 0.008_332_156_052_308_715,
        -0.000_195_146_316_385_078_3);
    let cos = polynomial!(square; 1.0, -0.5, 0.041_666_646_747_682_87, -0.001_388_736_144_571_463_3,
        2.443_772_960_554_379_7e-5);
    let quadrant = rounded.to_bits().wrapping_add(quarters);
    let y = if quadrant & 1 == 0 { sin } else { cos };
    // The third and the fourth quarter of the circle turn the sign.
    f64::from_bits(y.to_bits() ^ ((quadrant & 2) << 62)) as f32
}

/// Sine of an angle in radians. Error below 0.6 ULP. A loop over [`sin_slice`] is vectorised, one over this is not.
#[inline]
pub fn sin(x: f32) -> f32 {
    if x.abs() > MODERATE { libm::sinf(x) } else { sin_moderate(x, 0) }
}

/// Cosine of an angle in radians. Error below 0.6 ULP. A loop over [`cos_slice`] is vectorised, one over this is not.
#[inline]
pub fn cos(x: f32) -> f32 {
    if x.abs() > MODERATE { libm::cosf(x) } else { sin_moderate(x, 1) }
}

/// [`sin`] of every element.
///
/// # Panics
/// When the lengths differ.
pub fn sin_slice(x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "sin_slice: one result an element");
    vectorize(Moderate { x, out, quarters: 0 });
    mend(x, out, libm::sinf);
}

/// [`cos`] of every element.
///
/// # Panics
/// When the lengths differ.
pub fn cos_slice(x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "cos_slice: one result an element");
    vectorize(Moderate { x, out, quarters: 1 });
    mend(x, out, libm::cosf);
}

struct Moderate<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    quarters: u64,
}

impl Kernel for Moderate<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, &x) in self.out.iter_mut().zip(self.x) {
            *y = sin_moderate(x, self.quarters);
        }
    }
}

/// Computes again where the argument is too large for [`sin_moderate`], which is rare.
fn mend(x: &[f32], out: &mut [f32], precise: fn(f32) -> f32) {
    for (y, &x) in out.iter_mut().zip(x) {
        if x.abs() > MODERATE {
            *y = precise(x);
        }
    }
}
