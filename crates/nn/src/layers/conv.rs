//! Convolution layers.

use super::{Weighted, weight_and_bias};
use crate::{Layer, Scope, module};
use wengert_tensor::ops::conv::{ConvOptions, ConvTransposeOptions};
use wengert_tensor::{Generator, Tensor};

/// A number for each spatial axis: one for all, or an array.
pub trait PerAxis<const AXES: usize> {
    /// The numbers, outermost axis first.
    fn per_axis(self) -> [usize; AXES];
}

impl<const AXES: usize> PerAxis<AXES> for usize {
    fn per_axis(self) -> [usize; AXES] {
        [self; AXES]
    }
}

impl<const AXES: usize> PerAxis<AXES> for [usize; AXES] {
    fn per_axis(self) -> [usize; AXES] {
        self
    }
}

/// `channels / groups`, or a panic that names the layer.
fn per_group(layer: &str, channels: usize, groups: usize) -> usize {
    assert!(
        groups > 0 && channels.is_multiple_of(groups),
        "{layer}: {channels} channels cannot be divided into {groups} groups"
    );
    channels / groups
}

/// One convolution layer and its builder. `$own` and `$other` are the channels along the weight's first axis and, by
/// groups, along its second; `$output_axis` is the weight's axis of output channels.
macro_rules! convolution {
    (
        $(#[$doc:meta])*
        $layer:ident, $builder:ident, $axes:literal, $options:ident, $function:ident,
        weight: [$own:ident, $other:ident], output_axis: $output_axis:literal $(, extra: $extra:ident)?
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $layer {
            /// The kernels.
            pub weight: Tensor,
            /// What is added to each output channel.
            pub bias: Option<Tensor>,
            options: $options<$axes>,
            scope: Scope,
        }

        module!($layer { parameters: weight, bias; scope: scope });

        impl $layer {
            /// A layer with stride 1, no padding, and a bias.
            pub fn new(
                in_channels: usize,
                out_channels: usize,
                kernel: impl PerAxis<$axes>,
                rng: &Generator,
            ) -> Self {
                Self::builder(in_channels, out_channels, kernel).build(rng)
            }

            /// A layer with options.
            pub fn builder(in_channels: usize, out_channels: usize, kernel: impl PerAxis<$axes>) -> $builder {
                let kernel = kernel.per_axis();
                $builder { in_channels, out_channels, kernel, bias: true, options: $options::default() }
            }

            /// Stride, padding, dilation and groups.
            pub fn options(&self) -> $options<$axes> {
                self.options
            }
        }

        #[doc = concat!("Options of a [`", stringify!($layer), "`] layer.")]
        #[derive(Clone, Debug)]
        pub struct $builder {
            in_channels: usize,
            out_channels: usize,
            kernel: [usize; $axes],
            bias: bool,
            options: $options<$axes>,
        }

        impl $builder {
            /// Distance between neighbouring positions of the kernel; 1 at first.
            pub fn stride(mut self, stride: impl PerAxis<$axes>) -> Self {
                self.options.stride = stride.per_axis();
                self
            }

            /// Padding on both sides of each axis; 0 at first.
            pub fn padding(mut self, padding: impl PerAxis<$axes>) -> Self {
                self.options.padding = padding.per_axis().map(|size| (size, size));
                self
            }

            /// Padding (before, after) each axis, for causal convolutions.
            pub fn padding_each(mut self, padding: [(usize, usize); $axes]) -> Self {
                self.options.padding = padding;
                self
            }

            /// Distance between neighbouring elements of the kernel; 1 at first.
            pub fn dilation(mut self, dilation: impl PerAxis<$axes>) -> Self {
                self.options.dilation = dilation.per_axis();
                self
            }

            /// Groups of channels that do not see each other; 1 at first.
            pub fn groups(mut self, groups: usize) -> Self {
                self.options.groups = groups;
                self
            }

            $(
                /// Extra size of the output, where the stride leaves it open; 0 at first.
                pub fn $extra(mut self, size: impl PerAxis<$axes>) -> Self {
                    self.options.$extra = size.per_axis();
                    self
                }
            )?

            /// Whether to add a bias; true at first.
            pub fn bias(self, bias: bool) -> Self {
                Self { bias, ..self }
            }

            /// Draws the parameters.
            ///
            /// # Panics
            /// When the channels cannot be divided into the groups.
            pub fn build(self, rng: &Generator) -> $layer {
                let groups = self.options.groups;
                let own = self.$own;
                per_group(stringify!($layer), own, groups);
                let other = per_group(stringify!($layer), self.$other, groups);
                let shape: Vec<usize> = [own, other].into_iter().chain(self.kernel).collect();
                let (weight, bias) = weight_and_bias(&shape, self.bias.then_some(self.out_channels), rng);
                $layer { weight, bias, options: self.options, scope: Scope::new() }
            }
        }

        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Tensor {
                self.forward_with(&self.weight, input)
            }
        }

        impl Weighted for $layer {
            fn weight(&self) -> &Tensor {
                &self.weight
            }

            fn output_axis(&self) -> usize {
                $output_axis
            }

            fn forward_with(&self, weight: &Tensor, input: &Tensor) -> Tensor {
                let _scope = self.scope.enter();
                input.$function(weight, self.bias.as_ref(), self.options)
            }
        }
    };
}

convolution! {
    /// Convolution of `[N, in, length]` to `[N, out, length']`, with kernels `[out, in / groups, k]`.
    Conv1d, Conv1dBuilder, 1, ConvOptions, conv1d, weight: [out_channels, in_channels], output_axis: 0
}

convolution! {
    /// Convolution of `[N, in, height, width]` to `[N, out, height', width']`, with kernels `[out, in / groups, k, k]`.
    Conv2d, Conv2dBuilder, 2, ConvOptions, conv2d, weight: [out_channels, in_channels], output_axis: 0
}

convolution! {
    /// Transposed convolution of `[N, in, length]` to `[N, out, length']`, with kernels `[in, out / groups, k]`.
    ConvTranspose1d, ConvTranspose1dBuilder, 1, ConvTransposeOptions, conv_transpose1d,
    weight: [in_channels, out_channels], output_axis: 1, extra: output_padding
}

convolution! {
    /// Transposed convolution of `[N, in, height, width]` to `[N, out, height', width']`, with kernels
    /// `[in, out / groups, k, k]`.
    ConvTranspose2d, ConvTranspose2dBuilder, 2, ConvTransposeOptions, conv_transpose2d,
    weight: [in_channels, out_channels], output_axis: 1, extra: output_padding
}
