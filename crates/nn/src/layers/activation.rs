//! Activations as layers, for [`Sequential`](crate::Sequential). Each is the tensor method of its name.

use crate::{Layer, Scope, module};
use wengert_tensor::{Activation, Gelu, Tensor};

/// Declares activations: their options with PyTorch's defaults in the doc, what they do, and for some the activation
/// that the op of the layer before can apply in their stead.
macro_rules! activations {
    ($(
        $(#[$doc:meta])*
        $layer:ident { $($option:ident: $type:ty),* } => |$input:ident| $output:expr $(, as |$this:ident| $activation:expr)?;
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $layer {
            $($option: $type,)*
            scope: Scope,
        }

        module!($layer { scope: scope });

        impl Layer for $layer {
            fn forward(&self, $input: &Tensor) -> Tensor {
                let _scope = self.scope.enter();
                $(let $option = self.$option;)*
                $output
            }

            $(fn as_activation(&self) -> Option<Activation> {
                let $this = self;
                $activation
            })?
        }

        impl $layer {
            /// The activation as a layer.
            #[allow(clippy::new_without_default)]
            pub fn new($($option: $type),*) -> Self {
                Self { $($option,)* scope: Scope::new() }
            }
        }
    )*};
}

activations! {
    /// max(x, 0).
    ReLU {} => |input| input.relu(), as |_this| Some(Activation::Relu);

    /// x above 0, slope·x below; PyTorch's slope is 0.01.
    LeakyReLU { slope: f64 } => |input| input.leaky_relu(slope),
        as |this| (this.slope >= 0.0).then_some(Activation::LeakyRelu { negative_slope: this.slope });

    /// x above 0, α(eˣ − 1) below; PyTorch's α is 1.
    ELU { alpha: f64 } => |input| input.elu(alpha);

    /// 1.0507·ELU with α = 1.6733: keeps mean 0 and variance 1 (Klambauer et al., 2017, arXiv:1706.02515).
    SELU {} => |input| input.selu();

    /// x·σ(x).
    SiLU {} => |input| input.silu();

    /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).
    Tanh {} => |input| input.tanh(), as |_this| Some(Activation::Tanh);

    /// 1 / (1 + e⁻ˣ).
    Sigmoid {} => |input| input.sigmoid(), as |_this| Some(Activation::Sigmoid);

    /// log σ(x), without overflow.
    LogSigmoid {} => |input| input.log_sigmoid();

    /// log(1 + eˣ).
    Softplus {} => |input| input.softplus();

    /// eˣ over its sum along an axis.
    Softmax { dim: isize } => |input| input.softmax(dim);

    /// The logarithm of [`Softmax`].
    LogSoftmax { dim: isize } => |input| input.log_softmax(dim);

    /// x between `low` and `high`, and these beyond; PyTorch's are −1 and 1.
    Hardtanh { low: f64, high: f64 } => |input| input.hardtanh(low, high);

    /// x.
    Identity {} => |input| input.clone();
}

/// x·Φ(x), with Φ the normal distribution function (Hendrycks and Gimpel, 2016, arXiv:1606.08415).
#[derive(Debug)]
pub struct GELU {
    approximation: Gelu,
    scope: Scope,
}

module!(GELU { scope: scope });

impl GELU {
    /// The exact form.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { approximation: Gelu::Erf, scope: Scope::new() }
    }

    /// The approximation ½x(1 + tanh(√(2/π)(x + 0.044715x³))).
    pub fn tanh() -> Self {
        Self { approximation: Gelu::Tanh, scope: Scope::new() }
    }
}

impl Layer for GELU {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.gelu_with(self.approximation)
    }
}
