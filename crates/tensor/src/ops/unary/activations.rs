//! Tensor methods for the activation functions of neural networks, under PyTorch's names.

use super::functions::methods;
use super::{Gelu, Unary};
use crate::Tensor;
use crate::apply::{apply, must};

methods! {
    /// Hyperbolic tangent of every float.
    tanh => Unary::Tanh;
    /// 1/(1 + e^(−x)) of every float.
    sigmoid => Unary::Sigmoid;
    /// ln sigmoid(x) = −ln(1 + e^(−x)) of every float, without overflow (PyTorch's `logsigmoid`).
    log_sigmoid => Unary::LogSigmoid;
    /// ln(1 + eˣ) of every float; x itself above 20. See [`softplus_with`](Tensor::softplus_with).
    softplus => Unary::Softplus { beta: 1.0, threshold: 20.0 };
    /// max(0, x) of every number. The gradient at 0 is 0.
    relu => Unary::Relu;
    /// λ (x where x > 0, α(eˣ − 1) elsewhere) of every float, with α ≈ 1.6733 and λ ≈ 1.0507, for which layers keep mean 0
    /// and variance 1 (Klambauer et al., "Self-normalizing neural networks", 2017).
    selu => Unary::Selu;
    /// x · Φ(x) of every float, with Φ the normal distribution function (Hendrycks and Gimpel, 2016).
    gelu => Unary::Gelu { approximation: Gelu::Erf };
    /// x · sigmoid(x) of every float, also called swish.
    silu => Unary::Silu;
}

impl Tensor {
    /// ln(1 + e^(βx))/β of every float; x itself where βx > `threshold`, with gradient 1 there.
    #[track_caller]
    pub fn softplus_with(&self, beta: f64, threshold: f64) -> Tensor {
        must(apply(Unary::Softplus { beta, threshold }, &[self]))
    }

    /// x where x > 0, `negative_slope` · x elsewhere, of every float. The gradient at 0 is the slope.
    #[track_caller]
    pub fn leaky_relu(&self, negative_slope: f64) -> Tensor {
        must(apply(Unary::LeakyRelu { negative_slope }, &[self]))
    }

    /// x where x > 0, α(eˣ − 1) elsewhere, of every float. The gradient at 0 is α.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Tensor {
        must(apply(Unary::Elu { alpha }, &[self]))
    }

    /// [`gelu`](Tensor::gelu), exactly or by the tanh formula.
    #[track_caller]
    pub fn gelu_with(&self, approximation: Gelu) -> Tensor {
        must(apply(Unary::Gelu { approximation }, &[self]))
    }

    /// x held between `min` and `max`, of every float. Unlike that of [`clamp`](Tensor::clamp), the gradient is 0 at the
    /// bounds, as in PyTorch.
    #[track_caller]
    pub fn hardtanh(&self, min: f64, max: f64) -> Tensor {
        must(apply(Unary::Hardtanh { min, max }, &[self]))
    }
}
