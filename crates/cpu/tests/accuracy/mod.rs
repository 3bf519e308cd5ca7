//! How far the functions of `wengert_cpu::functions` are from the same functions in f64: shared by the tests, which visit
//! some floats, and the example `accuracy`, which visits all.

use std::f64::consts::FRAC_1_SQRT_2;
use wengert_cpu::functions;

/// A function of one number, what it should be, and the error that its documentation states, in ULP.
pub struct Function {
    pub name: &'static str,
    pub single: fn(f32) -> f32,
    pub double: fn(f64) -> f64,
    pub stated: f64,
}

const fn function(
    name: &'static str,
    single: fn(f32) -> f32,
    double: fn(f64) -> f64,
    stated: f64,
) -> Function {
    Function { name, single, double, stated }
}

/// All of them, except `powf`, which takes two numbers.
pub const FUNCTIONS: [Function; 10] = [
    function("exp", functions::exp, f64::exp, 1.1),
    function("exp_m1", functions::exp_m1, f64::exp_m1, 1.6),
    function("ln", functions::ln, f64::ln, 1.0),
    function("ln_1p", functions::ln_1p, f64::ln_1p, 1.1),
    function("tanh", functions::tanh, f64::tanh, 2.5),
    function("sigmoid", functions::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 2.5),
    function("erf", functions::erf, libm::erf, 1.3),
    // Where the error is a matter of ULP; below it is relative to −ln Φ.
    function(
        "normal",
        |x| functions::normal(x.max(-1.0)).0,
        |x| 0.5 * libm::erfc(-x.max(-1.0) * FRAC_1_SQRT_2),
        4.5,
    ),
    function("sin", functions::sin, f64::sin, 0.6),
    function("cos", functions::cos, f64::cos, 0.6),
];

/// The stated error of `powf`.
pub const POWF_STATED: f64 = 0.51;

/// The largest error seen, and where.
#[derive(Default)]
pub struct Worst {
    pub ulp: f64,
    at: (f32, f32),
    found: f32,
}

impl std::fmt::Display for Worst {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Worst { ulp, at: (x, y), found } = self;
        write!(formatter, "{ulp:.3} ULP at {x:e}, {y:e}: found {found:e}")
    }
}

impl Worst {
    /// Over every `stride`-th float.
    pub fn of(function: &Function, stride: usize) -> Self {
        let mut worst = Worst::default();
        for bits in (0..=u32::MAX).step_by(stride) {
            let x = f32::from_bits(bits);
            worst.see((function.single)(x), (function.double)(f64::from(x)), (x, 0.0));
        }
        worst
    }

    /// Over `count` pairs of any base and an exponent for which the power is mostly finite.
    pub fn of_powf(count: u64) -> Self {
        let mut worst = Worst::default();
        let mut state = 1u64;
        for _ in 0..count {
            // Knuth's linear congruential generator; its high bits are good enough to draw arguments from.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let x = f32::from_bits((state >> 33) as u32);
            let unit = (state >> 8) as u32 as f32 / 4_294_967_296.0;
            let y = (unit - 0.5) * 300.0 / x.log2().abs().max(0.01);
            worst.see(functions::powf(x, y), f64::from(x).powf(f64::from(y)), (x, y));
        }
        worst
    }

    fn see(&mut self, found: f32, exact: f64, at: (f32, f32)) {
        let ulp = error(found, exact);
        if ulp > self.ulp {
            *self = Worst { ulp, at, found };
        }
    }
}

/// |found − exact| over the distance between neighbouring floats at `exact`; infinite where only one is NaN. Infinity
/// counts as the float after the largest.
fn error(found: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if found == rounded && !rounded.is_finite() || found.is_nan() && exact.is_nan() {
        return 0.0;
    }
    let found =
        if found.is_infinite() { 2f64.powi(128).copysign(f64::from(found)) } else { f64::from(found) };
    let exponent = ((exact.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let spacing = 2f64.powi(exponent.clamp(-126, 127) - 23);
    let difference = (found - exact).abs() / spacing;
    if difference.is_nan() { f64::INFINITY } else { difference }
}
