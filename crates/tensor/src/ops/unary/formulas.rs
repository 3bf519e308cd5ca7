//! Formulas that are too long for a closure: in a struct they are inlined into the loop, and the loop is vectorised (see
//! [`Function1`]).

use super::{GELU_CUBIC, GELU_SCALE};
use wengert_cpu::Float;
use wengert_cpu::map::{Function1, Function2};

/// `struct Name { parameters }`, all of the type of the elements, as a function of those elements.
macro_rules! formula {
    ($(#[$doc:meta])* $name:ident, $function:ident($($x:ident),+) $body:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        impl<T: Float> $function<$(formula!(@type $x),)+ T> for $name {
            #[inline(always)]
            fn call(self, $($x: T),+) -> T {
                $body
            }
        }
    };
    ($(#[$doc:meta])* $name:ident { $($parameter:ident),+ }, $function:ident($($x:ident),+) $body:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name<T> {
            $(pub $parameter: T,)+
        }

        impl<T: Float> $function<$(formula!(@type $x),)+ T> for $name<T> {
            #[inline(always)]
            fn call(self, $($x: T),+) -> T {
                let Self { $($parameter),+ } = self;
                $body
            }
        }
    };
    (@type $x:ident) => { T };
}
pub(crate) use formula;

formula! {
    /// ln(1/(1 + e^(−x))), with the exponent never positive.
    LogSigmoid,
    Function1(x) (if x < T::ZERO { x } else { T::ZERO }) - (-x.abs()).exp().ln_1p()
}

formula! {
    /// ln(1 + e^(βx))/β, and x where βx is above the threshold.
    Softplus { beta, threshold },
    Function1(x) {
        let smooth = (x * beta).exp().ln_1p() / beta;
        if x * beta > threshold { x } else { smooth }
    }
}

formula! {
    /// scale · (x where x > 0, α(eˣ − 1) elsewhere).
    Elu { alpha, scale },
    Function1(x) {
        let falling = alpha * x.exp_m1();
        scale * if x > T::ZERO { x } else { falling }
    }
}

formula! {
    /// x Φ(x).
    Gelu,
    Function1(x) x * x.normal().0
}

formula! {
    /// x (1 + tanh(√(2/π) (x + 0.044715 x³)))/2.
    TanhGelu,
    Function1(x) {
        let (half, scale, cubic) = (T::from_f64(0.5), T::from_f64(GELU_SCALE), T::from_f64(GELU_CUBIC));
        half * x * (T::ONE + (scale * x * (T::ONE + cubic * x * x)).tanh())
    }
}

formula! {
    /// x sigmoid(x).
    Silu,
    Function1(x) x * x.sigmoid()
}

formula! {
    /// x to the power of a constant.
    Power { exponent },
    Function1(x) x.powf(exponent)
}

formula! {
    /// a to the power of b.
    Pow,
    Function2(a, b) a.powf(b)
}

formula! {
    /// g sigmoid(−x).
    LogSigmoidGrad,
    Function2(g, x) g * (-x).sigmoid()
}

formula! {
    /// g sigmoid(βx), and g where βx is above the threshold.
    SoftplusGrad { beta, threshold },
    Function2(g, x) {
        let smooth = g * (x * beta).sigmoid();
        if x * beta > threshold { g } else { smooth }
    }
}

formula! {
    /// scale · g · (1 where x > 0, αeˣ elsewhere).
    EluGrad { alpha, scale },
    Function2(g, x) {
        let falling = g * (alpha * x.exp());
        scale * if x > T::ZERO { g } else { falling }
    }
}

formula! {
    /// g (Φ(x) + x φ(x)).
    GeluGrad,
    Function2(g, x) {
        let (distribution, density) = x.normal();
        g * (distribution + x * density)
    }
}

formula! {
    /// g times the derivative of [`TanhGelu`].
    TanhGeluGrad,
    Function2(g, x) {
        let (half, scale, cubic) = (T::from_f64(0.5), T::from_f64(GELU_SCALE), T::from_f64(GELU_CUBIC));
        let square = x * x;
        let tanh = (scale * x * (T::ONE + cubic * square)).tanh();
        let slope = scale * (T::ONE + T::from_f64(3.0 * GELU_CUBIC) * square);
        g * (half * (T::ONE + tanh) + half * x * (T::ONE - tanh * tanh) * slope)
    }
}

formula! {
    /// g s (1 + x (1 − s)), with s = sigmoid(x).
    SiluGrad,
    Function2(g, x) {
        let sigmoid = x.sigmoid();
        g * (sigmoid * (T::ONE + x * (T::ONE - sigmoid)))
    }
}
