//! Transcendental functions of f32 that vectorise.
//!
//! Each is a straight line of multiplications, additions, bit casts and choices between two finished values, so that a
//! loop over slices around it becomes vector instructions ([`simd`](crate::simd)). A product and a sum are fused where
//! `mul_add` is written and nowhere else, and there is no call into the system's mathematical functions: every instruction
//! set and every platform gives the same bits. A processor without fused multiply-add has each of them computed by the
//! system, which is slow. Functions of f64, which check gradients and train nothing, stay with the standard library and
//! `libm`.
//!
//! Error is counted in ULP, the distance between neighbouring floats at the exact result. Tests hold the stated bounds on
//! every 24,593rd float, for [`powf`] on 200,000 pairs; `cargo run --release -p wengert-cpu --example accuracy` visits all
//! 2³² floats and prints the largest error of each.
//!
//! Coefficients are minimax fits to relative error over the reduced range, rounded to the type one after the other, from
//! the lowest power on, with the rest refitted each time.

mod exponential;
mod logarithm;
mod normal;
mod power;
mod saturating;
mod trigonometric;

pub use exponential::{exp, exp_m1, exp_slice};
pub(crate) use logarithm::ln_normal;
pub use logarithm::{ln, ln_1p};
pub use normal::normal;
pub use power::powf;
pub use saturating::{erf, sigmoid, tanh};
pub use trigonometric::{cos, cos_slice, sin, sin_slice};

/// c₀ + c₁ x + c₂ x² + …, by Horner's rule: the fewest operations. Each waits for the one before, but the elements of a
/// vector loop do not wait for each other.
macro_rules! polynomial {
    ($x:expr; $last:expr) => { $last };
    ($x:expr; $c:expr, $($higher:expr),+) => {
        crate::Float::mul_add(polynomial!($x; $($higher),+), $x, $c)
    };
}
pub(crate) use polynomial;

/// Held between two bounds; NaN stays NaN.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// 2ⁿ, for −127 < n < 128.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

/// 1.5 · 2²³: a float to which a smaller one is added to round it to an integer, which then stands in the low bits.
const ROUNDER: f32 = 12_582_912.0;
/// The same in f64: 1.5 · 2⁵².
const ROUNDER_F64: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts, the first rounded to the nearest float.
const LN_2_HIGH: f32 = std::f32::consts::LN_2;
const LN_2_LOW: f32 = -1.904_654_3e-9;
