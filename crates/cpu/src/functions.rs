//! Transcendental functions of f32 that vectorise.
//!
//! Each is a straight line of multiplications, additions, bit casts and choices between two finished values, so that a
//! loop over slices around it becomes vector instructions ([`simd`](crate::simd)). There is no fused multiply-add and no
//! call into the system's library: every instruction set and every platform gives the same bits. Functions of f64, which
//! check gradients and train nothing, stay with the standard library and `libm`.
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

pub use exponential::{exp, exp_m1};
pub use logarithm::{ln, ln_1p};
pub use normal::normal;
pub use power::powf;
pub use saturating::{erf, sigmoid, tanh};
pub use trigonometric::{cos, cos_slice, sin, sin_slice};

/// c₀ + c₁ x + c₂ x² + …, by Estrin's scheme: neighbours are paired until one is left. Its steps depend on each other half as
/// much as those of Horner's rule, and the processor waits less.
macro_rules! polynomial {
    ($x:expr; $only:expr) => { $only };
    ($x:expr; $($c:expr),+) => {{
        let x = $x;
        polynomial!(@pair x; $($c),+;)
    }};
    (@pair $x:ident; $low:expr, $high:expr, $($c:expr),+; $($paired:expr),*) => {
        polynomial!(@pair $x; $($c),+; $($paired,)* $low + $x * $high)
    };
    (@pair $x:ident; $low:expr, $high:expr; $($paired:expr),*) => {
        polynomial!($x * $x; $($paired,)* $low + $x * $high)
    };
    (@pair $x:ident; $last:expr; $($paired:expr),*) => {
        polynomial!($x * $x; $($paired,)* $last)
    };
}
use polynomial;

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

/// ln 2 in two parts, the first of 10 bits (0.693359375), so that its product with an exponent is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
