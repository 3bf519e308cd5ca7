//! The normal distribution.

use super::exponential::exp_falling;
use super::polynomial;

/// Distribution function and density of the normal distribution with mean 0 and variance 1: Φ(x) and e^(−x²/2)/√(2π).
/// Error of Φ below 4.5 ULP for x ≥ −1; below, where Φ(x) is small, the rounding of x² makes it up to (3 + x²/2) ULP,
/// which is also the error of the density.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    const INVERSE_ROOT_TWO_PI: f32 = 0.398_942_3;
    let size = x.abs();
    // Beyond, both are 0.
    let size = if size > 14.5 { 14.5 } else { size };
    let exponential = exp_falling(size * size * -0.5);
    // 1 − Φ(|x|) = e^(−x²/2) p/q.
    let p = polynomial!(size; 0.5, 0.437_594_95, 0.182_681_55, 0.040_436_42, 0.004_084_076);
    let q = polynomial!(size; 1.0, 1.673_074_7, 1.200_279_8, 0.468_000_08, 0.101_365_62, 0.010_237_139);
    let tail = exponential * (p / q);
    (if x < 0.0 { tail } else { 1.0 - tail }, exponential * INVERSE_ROOT_TWO_PI)
}
