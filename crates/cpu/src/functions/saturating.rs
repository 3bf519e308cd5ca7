//! Functions that approach a constant on both sides: tanh, sigmoid, erf.

use super::exponential::{exp_falling, exp_m1_rising, exp_normal};
use super::polynomial;

/// Hyperbolic tangent. Error below 2.5 ULP.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    // From 9.01 on the result is 1.
    let y = exp_m1_rising(2.0 * if size > 10.0 { 10.0 } else { size });
    (y / (y + 2.0)).copysign(x)
}

/// 1/(1 + e^(−x)). Error below 2.5 ULP.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    // The exponent is never positive, so that results down to the smallest float come out.
    let exponent = -x.abs();
    let exponential = exp_falling(if exponent < -104.0 { -104.0 } else { exponent });
    let numerator = if x < 0.0 { exponential } else { 1.0 };
    numerator / (1.0 + exponential)
}

/// Error function, 2/√π ∫₀ˣ e^(−t²) dt. Error below 1.3 ULP.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let (size, square) = (x.abs(), x * x);
    let near = polynomial!(square; 0.128_379_15, -0.376_124_9, 0.112_817_31, -0.026_762_966, 0.004_987_352,
        -0.000_595_957_86);
    let near = near.mul_add(x, x);
    // From 3.92 on the result is 1.
    let t = if size > 4.0 { 4.0 } else { size };
    // −ln(1 − erf t).
    let exponent = t
        * polynomial!(t; 1.128_514_4, 0.635_718_17, 0.105_262_02, -0.022_890_063, 0.003_214_981_6,
        -0.000_213_987_44);
    let far = 1.0 - exp_normal(-exponent);
    if size < 0.925 { near } else { far.copysign(x) }
}
