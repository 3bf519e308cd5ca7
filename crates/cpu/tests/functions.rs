//! The functions of f32: how exact they are, what they do at the edges, and that vectors change no bit.

mod accuracy;

use accuracy::{FUNCTIONS, POWF_STATED, Worst};
use wengert_cpu::functions;
use wengert_cpu::simd::{Kernel, Level, limit, vectorize};

/// A prime, so that mantissas of all kinds are met.
const STRIDE: usize = 24_593;

#[test]
fn no_error_is_above_the_stated_one() {
    for function in &FUNCTIONS {
        let worst = Worst::of(function, STRIDE);
        assert!(worst.ulp <= function.stated, "{}: {worst}", function.name);
    }
    let worst = Worst::of_powf(200_000);
    assert!(worst.ulp <= POWF_STATED, "powf: {worst}");
}

/// Floats at which functions turn, overflow or round off, with their negatives.
fn edges() -> Vec<f32> {
    let sizes = [
        0.0,
        f32::from_bits(1),
        1e-40,
        f32::MIN_POSITIVE,
        1e-20,
        f32::EPSILON / 4.0,
        1e-4,
        0.5,
        0.55,
        0.925,
        1.0,
        1.5,
        2.0,
        3.0,
        4.0,
        9.1,
        17.3,
        20.0,
        80.0,
        87.3,
        88.72283,
        88.8,
        103.9,
        104.1,
        1e9,
        4.3e8,
        8_388_607.0,
        8_388_608.5,
        16_777_215.0,
        16_777_216.0,
        1e20,
        2.3e38,
        f32::MAX,
        f32::INFINITY,
    ];
    sizes.iter().flat_map(|&size| [size, -size]).chain([f32::NAN, -f32::NAN]).collect()
}

#[test]
fn edges_are_those_of_the_standard_library() {
    fn check(name: &str, x: f32, y: f32, found: f32, expected: f32) {
        let close = (found - expected).abs() <= 3e-7 * expected.abs().max(f32::MIN_POSITIVE);
        let same = found == expected && found.is_sign_negative() == expected.is_sign_negative();
        assert!(
            same || close && found != 0.0 || found.is_nan() && expected.is_nan(),
            "{name}({x:e}, {y:e}) = {found:e}, not {expected:e}"
        );
    }
    for x in edges() {
        for function in &FUNCTIONS {
            check(function.name, x, 0.0, (function.single)(x), (function.double)(f64::from(x)) as f32);
        }
        for y in edges() {
            check("powf", x, y, functions::powf(x, y), x.powf(y));
        }
    }
}

#[test]
fn the_tails_of_the_normal_distribution() {
    for i in -1300..0 {
        let x = i as f32 / 100.0;
        let (lower, density) = functions::normal(x);
        let wide = f64::from(x);
        let exact = 0.5 * libm::erfc(-wide * std::f64::consts::FRAC_1_SQRT_2);
        let exact_density = (wide * wide * -0.5).exp() / std::f64::consts::TAU.sqrt();
        let tolerance = (4.0 + 0.5 * wide * wide) * f64::from(f32::EPSILON);
        for (found, exact) in [(lower, exact), (density, exact_density)] {
            let error = (f64::from(found) - exact).abs();
            assert!(error <= tolerance * exact + 1e-45, "at {x}: {found:e}, not {exact:e}");
        }
    }
    assert_eq!(functions::normal(f32::NEG_INFINITY), (0.0, 0.0));
    assert_eq!(functions::normal(f32::INFINITY), (1.0, 0.0));
}

/// `f` of every element.
struct Each<'a, F>(F, &'a [f32], &'a mut [f32]);

impl<F: Fn(f32) -> f32> Kernel for Each<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (y, &x) in self.2.iter_mut().zip(self.1) {
            *y = (self.0)(x);
        }
    }
}

/// Holds the results of a vector kernel, at every level, to what `single` gives one by one.
fn check_levels(x: &[f32], single: impl Fn(f32) -> f32, vector: impl Fn(&[f32], &mut [f32])) {
    let expected: Vec<u32> = x.iter().map(|&x| single(x).to_bits()).collect();
    let mut out = vec![0.0; x.len()];
    for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
        limit(level);
        vector(x, &mut out);
        for (i, y) in out.iter().enumerate() {
            // The sign and the payload of a NaN mean nothing.
            assert!(
                y.to_bits() == expected[i] || y.is_nan() && f32::from_bits(expected[i]).is_nan(),
                "{:e} at {level:?}",
                x[i]
            );
        }
    }
    limit(Level::Avx512);
}

#[test]
fn vectors_of_any_width_give_the_same_bits() {
    let x: Vec<f32> = (0..=u32::MAX).step_by(STRIDE).map(f32::from_bits).chain(edges()).collect();
    macro_rules! check {
        ($($name:ident),*) => {$(
            check_levels(&x, functions::$name, |x, out| vectorize(Each(functions::$name, x, out)));
        )*};
    }
    check!(exp, exp_m1, ln, ln_1p, tanh, sigmoid, erf);
    let normal = |x| functions::normal(x).0 * functions::normal(x).1;
    check_levels(&x, normal, |x, out| vectorize(Each(normal, x, out)));
    check_levels(&x, functions::exp, functions::exp_slice);
    // Beside numbers that are all moderate, blocks of an element on either side of where that ends.
    let around: Vec<f32> = (0..=64 * 1024).map(|i| i as f32 / 1024.0 - 32.0).map(|x| 1.5 * x).collect();
    check_levels(&around, functions::exp, functions::exp_slice);
    around.iter().for_each(|&x| check_levels(&[x], functions::exp, functions::exp_slice));
    check_levels(&x, functions::sin, functions::sin_slice);
    check_levels(&x, functions::cos, functions::cos_slice);
    for exponent in [-1.5, 0.3, 3.0, 40.25] {
        let power = move |x| functions::powf(x, exponent);
        check_levels(&x, power, |x, out| vectorize(Each(power, x, out)));
    }
}
