//! Activations that other kernels apply to their results while these are still in cache.

use crate::element::Float;
use crate::simd::{Kernel, vectorize};

/// A function of one number whose slope its result tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(x, 0); NaN stays NaN. The slope at 0 is 0.
    Relu,
    /// x where x > 0, `negative_slope` · x elsewhere; the slope must not be negative, or the result would not tell it.
    LeakyRelu {
        /// The slope below 0.
        negative_slope: f64,
    },
    /// Hyperbolic tangent.
    Tanh,
    /// 1/(1 + e^(−x)).
    Sigmoid,
}

impl Activation {
    /// `values[i] = f(values[i])`.
    pub fn apply<T: Float>(self, values: &mut [T]) {
        match self {
            Activation::Relu => each(values, |x| Relu.value(x)),
            Activation::LeakyRelu { negative_slope } => {
                let rectifier = LeakyRelu(T::from_f64(negative_slope));
                each(values, move |x| rectifier.value(x));
            }
            Activation::Tanh => each(values, T::tanh),
            Activation::Sigmoid => each(values, T::sigmoid),
        }
    }
}

/// An activation as a type of its own, so that a kernel is compiled for it, whose slope the sign of its argument tells.
pub(crate) trait Rectifier<T: Float>: Copy + Send + Sync {
    /// f(x).
    fn value(self, x: T) -> T;
    /// g · f′(x).
    fn gradient(self, x: T, g: T) -> T;
}

/// x.
#[derive(Clone, Copy)]
pub(crate) struct Identity;

/// [`Activation::Relu`].
#[derive(Clone, Copy)]
pub(crate) struct Relu;

/// [`Activation::LeakyRelu`] of this slope below 0.
#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu<T>(pub T);

impl<T: Float> Rectifier<T> for Identity {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x
    }
    #[inline(always)]
    fn gradient(self, _x: T, g: T) -> T {
        g
    }
}

impl<T: Float> Rectifier<T> for Relu {
    #[inline(always)]
    fn value(self, x: T) -> T {
        if x < T::ZERO { T::ZERO } else { x }
    }
    // An infinite g must not make NaN of a slope of 0.
    #[inline(always)]
    fn gradient(self, x: T, g: T) -> T {
        if x > T::ZERO { g } else { T::ZERO }
    }
}

impl<T: Float> Rectifier<T> for LeakyRelu<T> {
    #[inline(always)]
    fn value(self, x: T) -> T {
        if x > T::ZERO { x } else { x * self.0 }
    }
    #[inline(always)]
    fn gradient(self, x: T, g: T) -> T {
        if x > T::ZERO { g } else { g * self.0 }
    }
}

fn each<T: Float>(values: &mut [T], f: impl Fn(T) -> T) {
    vectorize(Each(values, f));
}

struct Each<'a, T, F>(&'a mut [T], F);

impl<T: Float, F: Fn(T) -> T> Kernel for Each<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        self.0.iter_mut().for_each(|value| *value = (self.1)(*value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_are_their_formulas() {
        let x = [-2.0f64, -0.0, 0.5, f64::NAN];
        let applied = |activation: Activation| {
            let mut values = x;
            activation.apply(&mut values);
            assert!(values[3].is_nan());
            [values[0], values[1], values[2]]
        };
        assert_eq!(applied(Activation::Relu), [0.0, 0.0, 0.5]);
        assert_eq!(applied(Activation::LeakyRelu { negative_slope: 0.25 }), [-0.5, 0.0, 0.5]);
        assert_eq!(applied(Activation::Tanh), [(-2.0f64).tanh(), 0.0, 0.5f64.tanh()]);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert_eq!(applied(Activation::Sigmoid), [sigmoid(-2.0), 0.5, sigmoid(0.5)]);
    }
}
