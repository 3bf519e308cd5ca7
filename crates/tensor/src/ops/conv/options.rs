//! How a kernel slides: the attributes of convolutions, `D` of each for `D` axes.

/// Attributes of a convolution over `D` axes.
///
/// ```
/// use wengert_tensor::{Conv1dOptions, Conv2dOptions};
/// let halving = Conv2dOptions::default().stride(2).padding(1);
/// assert_eq!(halving, Conv2dOptions { stride: [2, 2], padding: [(1, 1), (1, 1)], ..Default::default() });
/// // WaveNet: output t sees inputs up to t only, and the length stays.
/// let causal = Conv1dOptions::causal(3, 4);
/// assert_eq!((causal.padding, causal.dilation), ([(8, 0)], [4]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions<const D: usize> {
    /// Distance between neighbouring positions of the kernel (1).
    pub stride: [usize; D],
    /// Zeros before and after each axis (0).
    pub padding: [(usize, usize); D],
    /// Distance between neighbouring taps of the kernel (1).
    pub dilation: [usize; D],
    /// Groups of channels that do not see each other (1); as many groups as channels is a depthwise
    /// convolution.
    pub groups: usize,
}

/// Attributes of [`Tensor::conv1d`](crate::Tensor::conv1d).
pub type Conv1dOptions = ConvOptions<1>;
/// Attributes of [`Tensor::conv2d`](crate::Tensor::conv2d).
pub type Conv2dOptions = ConvOptions<2>;

impl<const D: usize> Default for ConvOptions<D> {
    fn default() -> Self {
        Self { stride: [1; D], padding: [(0, 0); D], dilation: [1; D], groups: 1 }
    }
}

impl<const D: usize> ConvOptions<D> {
    /// The same stride along every axis.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; D], ..self }
    }

    /// The same padding on every side.
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [(padding, padding); D], ..self }
    }

    /// The same dilation along every axis.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation: [dilation; D], ..self }
    }

    /// The number of groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

impl Conv1dOptions {
    /// A dilated causal convolution, as in WaveNet (van den Oord et al., 2016): padded by (kernel −
    /// 1)·dilation on the left, so that the length stays and output t sees inputs up to t only.
    pub fn causal(kernel: usize, dilation: usize) -> Self {
        let padding = kernel.saturating_sub(1).saturating_mul(dilation);
        Self { padding: [(padding, 0)], dilation: [dilation], ..Self::default() }
    }
}

impl From<Conv1dOptions> for Conv2dOptions {
    /// The same over images of height 1.
    fn from(options: Conv1dOptions) -> Self {
        let ConvOptions { stride: [stride], padding: [padding], dilation: [dilation], groups } = options;
        Self { stride: [1, stride], padding: [(0, 0), padding], dilation: [1, dilation], groups }
    }
}

/// Attributes of a transposed convolution over `D` axes: those of the convolution that it is the adjoint of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTransposeOptions<const D: usize> {
    /// Distance that one step in the input moves the kernel in the output (1).
    pub stride: [usize; D],
    /// Elements cut off before and after each axis of the output (0).
    pub padding: [(usize, usize); D],
    /// Elements added after each axis of the output (0), less than the stride or the dilation: of the several
    /// sizes that a convolution with this stride takes to the same size, it picks one.
    pub output_padding: [usize; D],
    /// Distance between neighbouring taps of the kernel (1).
    pub dilation: [usize; D],
    /// Groups of channels that do not see each other (1).
    pub groups: usize,
}

/// Attributes of [`Tensor::conv_transpose1d`](crate::Tensor::conv_transpose1d).
pub type ConvTranspose1dOptions = ConvTransposeOptions<1>;
/// Attributes of [`Tensor::conv_transpose2d`](crate::Tensor::conv_transpose2d).
pub type ConvTranspose2dOptions = ConvTransposeOptions<2>;

impl<const D: usize> Default for ConvTransposeOptions<D> {
    fn default() -> Self {
        Self { stride: [1; D], padding: [(0, 0); D], output_padding: [0; D], dilation: [1; D], groups: 1 }
    }
}

impl<const D: usize> ConvTransposeOptions<D> {
    /// The same stride along every axis.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; D], ..self }
    }

    /// The same padding on every side.
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [(padding, padding); D], ..self }
    }

    /// The same output padding along every axis.
    pub fn output_padding(self, output_padding: usize) -> Self {
        Self { output_padding: [output_padding; D], ..self }
    }

    /// The same dilation along every axis.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation: [dilation; D], ..self }
    }

    /// The number of groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

impl From<ConvTranspose1dOptions> for ConvTranspose2dOptions {
    /// The same over images of height 1.
    fn from(options: ConvTranspose1dOptions) -> Self {
        Self {
            stride: [1, options.stride[0]],
            padding: [(0, 0), options.padding[0]],
            output_padding: [0, options.output_padding[0]],
            dilation: [1, options.dilation[0]],
            groups: options.groups,
        }
    }
}
