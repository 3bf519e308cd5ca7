//! Convolution.

use super::Convolution;
use super::gather::Gather;
use super::kernel::{Convolve, Kernel};
use super::panels::Weight;
use super::sweep::Sweep;

/// `out[n, o, y, x] = bias[o] + Σ over c, i, j of weight[o, c, i, j] · input[n, c, y·s + i·d − p, x·s + j·d −
/// p]`, with zeros around the input, stride s, dilation d and padding p; c runs over the channels of o's
/// group.
///
/// # Panics
/// When a slice has not the length that `shape` says.
pub fn forward<T: Convolve>(
    shape: &Convolution,
    input: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    out: &mut [T],
) {
    forward_by(T::kernel(), shape, input, weight, bias, out);
}

/// [`forward`] by the inner loops of `kernel`.
pub(super) fn forward_by<T: Convolve>(
    kernel: Kernel<T>,
    shape: &Convolution,
    input: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    out: &mut [T],
) {
    assert_eq!(input.len(), shape.input_len(), "input");
    assert_eq!(weight.len(), shape.weight_len(), "weight");
    assert_eq!(out.len(), shape.output_len(), "output");
    assert!(
        bias.is_none_or(|bias| bias.len() == shape.groups * shape.out_channels),
        "one bias an output channel"
    );
    if out.is_empty() {
        return;
    }
    let gather = Gather {
        images: shape.images,
        groups: shape.groups,
        source: input,
        source_channels: shape.in_channels,
        source_size: [shape.rows.input, shape.columns.input],
        channels: shape.out_channels,
        size: [shape.rows.output, shape.columns.output],
        rows: vec![Sweep::forward(&shape.rows)],
        columns: vec![Sweep::forward(&shape.columns)],
        weight: Weight {
            data: weight,
            group: shape.out_channels * shape.patch(),
            channel: shape.patch(),
            source: shape.taps(),
            taps: shape.taps(),
            columns: shape.columns.kernel,
        },
        bias,
    };
    gather.run(kernel, out);
}
