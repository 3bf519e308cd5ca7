//! Pooling layers over `[N, C, height, width]`.

use super::PerAxis;
use crate::{Layer, Scope, module};
use wengert_tensor::Tensor;
use wengert_tensor::ops::pool::Pool2dOptions;

macro_rules! window_pool {
    ($(#[$doc:meta])* $layer:ident, $function:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $layer {
            options: Pool2dOptions,
            scope: Scope,
        }

        module!($layer { scope: scope });

        impl $layer {
            /// Windows of this size side by side.
            pub fn new(kernel: impl PerAxis<2>) -> Self {
                Self { options: Pool2dOptions::new(kernel.per_axis()), scope: Scope::new() }
            }

            /// All options of the op.
            pub fn with(options: Pool2dOptions) -> Self {
                Self { options, scope: Scope::new() }
            }

            /// Distance between windows; their size at first.
            pub fn stride(mut self, stride: impl PerAxis<2>) -> Self {
                self.options.stride = stride.per_axis();
                self
            }

            /// Padding on both sides; 0 at first.
            pub fn padding(mut self, padding: impl PerAxis<2>) -> Self {
                self.options.padding = padding.per_axis().map(|size| (size, size));
                self
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Tensor {
                let _scope = self.scope.enter();
                input.$function(self.options)
            }
        }
    };
}

window_pool! {
    /// The largest element of each window; the first where several are.
    MaxPool2d, max_pool2d
}

window_pool! {
    /// The mean of each window.
    AvgPool2d, avg_pool2d
}

/// The means of windows that divide any input into `size` cells.
#[derive(Debug)]
pub struct AdaptiveAvgPool2d {
    size: [usize; 2],
    scope: Scope,
}

module!(AdaptiveAvgPool2d { scope: scope });

impl AdaptiveAvgPool2d {
    /// An output of this size; 1 is the mean over all positions.
    pub fn new(size: impl PerAxis<2>) -> Self {
        Self { size: size.per_axis(), scope: Scope::new() }
    }
}

impl Layer for AdaptiveAvgPool2d {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.adaptive_avg_pool2d(self.size)
    }
}
