//! The element types that kernels are generic over.

use crate::functions;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// A type that tensors hold: f32, f64, i64, u8 or bool.
pub trait Element: Copy + Send + Sync + PartialEq + PartialOrd + Debug + Default + 'static {
    /// A number that orders elements as `<` does: the same for 0 and −0, and for every NaN one that is above all others.
    fn order_key(self) -> u64;
}

impl Element for f64 {
    fn order_key(self) -> u64 {
        if self.is_nan() {
            return u64::MAX;
        }
        // The bits of a float order as integers do, but that those of negative ones run backwards. −0 + 0 is 0.
        let bits = (self + 0.0).to_bits();
        if self < 0.0 { !bits } else { bits | 1 << 63 }
    }
}

impl Element for f32 {
    fn order_key(self) -> u64 {
        f64::from(self).order_key()
    }
}

impl Element for i64 {
    fn order_key(self) -> u64 {
        self as u64 ^ 1 << 63
    }
}

impl Element for u8 {
    fn order_key(self) -> u64 {
        u64::from(self)
    }
}

impl Element for bool {
    fn order_key(self) -> u64 {
        u64::from(self)
    }
}

/// An element with arithmetic: f32, f64, i64 or u8. Integers wrap around on overflow, as in C.
pub trait Number: Element {
    /// The neutral element of addition.
    const ZERO: Self;
    /// The neutral element of multiplication.
    const ONE: Self;
    /// Sum, wrapping for integers.
    fn plus(self, other: Self) -> Self;
    /// Difference, wrapping for integers.
    fn minus(self, other: Self) -> Self;
    /// Product, wrapping for integers.
    fn times(self, other: Self) -> Self;
    /// Nearest value of this type, truncating towards zero and saturating for integers.
    fn from_f64(value: f64) -> Self;
    /// The value as f64.
    fn to_f64(self) -> f64;
    /// Smallest value, −∞ for floats: what a running maximum starts from.
    const LOWEST: Self;
    /// Largest value, +∞ for floats: what a running minimum starts from.
    const HIGHEST: Self;
}

macro_rules! float_number {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = <$t>::NEG_INFINITY;
            const HIGHEST: Self = <$t>::INFINITY;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self - other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { value as $t }
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
        }
    )*};
}
float_number!(f32, f64);

macro_rules! integer_number {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const LOWEST: Self = <$t>::MIN;
            const HIGHEST: Self = <$t>::MAX;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { value as $t }
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
        }
    )*};
}
integer_number!(i64, u8);

/// f32 or f64, with the functions that kernels need.
pub trait Float:
    Number
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + std::iter::Sum
{
    /// Not a number.
    const NAN: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// e to the power of self.
    fn exp(self) -> Self;
    /// eˣ − 1, accurate near 0.
    fn exp_m1(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// ln(1 + x), accurate near 0.
    fn ln_1p(self) -> Self;
    /// self · factor + addend, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Sine of an angle in radians.
    fn sin(self) -> Self;
    /// Cosine of an angle in radians.
    fn cos(self) -> Self;
    /// e to the power of every element of `x`, which is as long as `out`.
    fn exp_slice(x: &[Self], out: &mut [Self]);
    /// Sine of every element of `x`, which is as long as `out`.
    fn sin_slice(x: &[Self], out: &mut [Self]);
    /// Cosine of every element of `x`, which is as long as `out`.
    fn cos_slice(x: &[Self], out: &mut [Self]);
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// 1/(1 + e^(−x)).
    fn sigmoid(self) -> Self;
    /// Error function, 2/√π ∫₀ˣ e^(−t²) dt.
    fn erf(self) -> Self;
    /// Φ(x) and φ(x): distribution function and density of the normal distribution with mean 0 and variance 1.
    fn normal(self) -> (Self, Self);
    /// Self to the power of `exponent`.
    fn powf(self, exponent: Self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Largest integer not above self.
    fn floor(self) -> Self;
    /// Smallest integer not below self.
    fn ceil(self) -> Self;
    /// Nearest integer, halves to the even one.
    fn round_ties_even(self) -> Self;
    /// Whether self is NaN.
    fn is_nan(self) -> bool;
    /// Whether self is neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

/// Methods of a float type that have the same name there.
macro_rules! inherent {
    ($t:ty, $($name:ident)*) => {$(
        #[inline(always)]
        fn $name(self) -> Self { <$t>::$name(self) }
    )*};
}

/// The functions that every float type has as instructions.
macro_rules! basic {
    ($t:ty) => {
        const NAN: Self = <$t>::NAN;
        const INFINITY: Self = <$t>::INFINITY;
        inherent!($t, sqrt abs floor ceil round_ties_even);
        #[inline(always)]
        fn mul_add(self, factor: Self, addend: Self) -> Self { <$t>::mul_add(self, factor, addend) }
        #[inline(always)]
        fn is_nan(self) -> bool { <$t>::is_nan(self) }
        #[inline(always)]
        fn is_finite(self) -> bool { <$t>::is_finite(self) }
    };
}

/// Vectorised, with their errors stated in [`functions`].
impl Float for f32 {
    basic!(f32);
    #[inline(always)]
    fn exp(self) -> Self {
        functions::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        functions::exp_m1(self)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        functions::ln(self)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        functions::ln_1p(self)
    }
    #[inline(always)]
    fn sin(self) -> Self {
        functions::sin(self)
    }
    #[inline(always)]
    fn cos(self) -> Self {
        functions::cos(self)
    }
    fn exp_slice(x: &[Self], out: &mut [Self]) {
        functions::exp_slice(x, out);
    }
    fn sin_slice(x: &[Self], out: &mut [Self]) {
        functions::sin_slice(x, out);
    }
    fn cos_slice(x: &[Self], out: &mut [Self]) {
        functions::cos_slice(x, out);
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        functions::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        functions::sigmoid(self)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        functions::erf(self)
    }
    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        functions::normal(self)
    }
    #[inline(always)]
    fn powf(self, exponent: Self) -> Self {
        functions::powf(self, exponent)
    }
}

/// The standard library's, and `libm`'s where it has none.
impl Float for f64 {
    basic!(f64);
    inherent!(f64, exp exp_m1 ln ln_1p sin cos tanh);
    fn exp_slice(x: &[Self], out: &mut [Self]) {
        out.iter_mut().zip(x).for_each(|(y, x)| *y = x.exp());
    }
    fn sin_slice(x: &[Self], out: &mut [Self]) {
        out.iter_mut().zip(x).for_each(|(y, x)| *y = x.sin());
    }
    fn cos_slice(x: &[Self], out: &mut [Self]) {
        out.iter_mut().zip(x).for_each(|(y, x)| *y = x.cos());
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        1.0 / (1.0 + (-self).exp())
    }
    #[inline(always)]
    fn erf(self) -> Self {
        libm::erf(self)
    }
    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
        let density = (self * self * -0.5).exp() * (0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI);
        (0.5 * libm::erfc(-self * FRAC_1_SQRT_2), density)
    }
    #[inline(always)]
    fn powf(self, exponent: Self) -> Self {
        f64::powf(self, exponent)
    }
}
