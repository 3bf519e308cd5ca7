//! The gradient of a convolution in its input, which is also the transposed convolution.

use super::Convolution;
use super::gather::Gather;
use super::kernel::{Convolve, Kernel};
use super::panels::Weight;
use super::sweep::Sweep;

/// The adjoint of [`forward`](super::forward) in its input: `out[n, c, y·s + i·d − p, x·s + j·d − p]` is the
/// sum of `weight[o, c, i, j] · cotangent[n, o, y, x]` over all o, y, x, i, j that lead there; `cotangent`
/// has the shape of the convolution's output and `out` that of its input. `bias` has one value a channel of
/// `out`.
///
/// With stride s the elements of `out` fall into s² classes by the remainders of their row and column, and those of a
/// class are a convolution of the cotangent with every s-th tap of the turned kernel: each element is a sum of its own,
/// and nothing is added twice.
///
/// # Panics
/// When a slice has not the length that `shape` says.
pub fn input_grad<T: Convolve>(
    shape: &Convolution,
    weight: &[T],
    cotangent: &[T],
    bias: Option<&[T]>,
    out: &mut [T],
) {
    input_grad_by(T::kernel(), shape, weight, cotangent, bias, out);
}

/// [`input_grad`] by the inner loops of `kernel`.
pub(super) fn input_grad_by<T: Convolve>(
    kernel: Kernel<T>,
    shape: &Convolution,
    weight: &[T],
    cotangent: &[T],
    bias: Option<&[T]>,
    out: &mut [T],
) {
    assert_eq!(weight.len(), shape.weight_len(), "weight");
    assert_eq!(cotangent.len(), shape.output_len(), "cotangent");
    assert_eq!(out.len(), shape.input_len(), "input");
    assert!(bias.is_none_or(|bias| bias.len() == shape.groups * shape.in_channels), "one bias a channel");
    if out.is_empty() {
        return;
    }
    let gather = Gather {
        images: shape.images,
        groups: shape.groups,
        source: cotangent,
        source_channels: shape.out_channels,
        source_size: [shape.rows.output, shape.columns.output],
        channels: shape.in_channels,
        size: [shape.rows.input, shape.columns.input],
        rows: Sweep::adjoint(&shape.rows),
        columns: Sweep::adjoint(&shape.columns),
        weight: Weight {
            data: weight,
            group: shape.out_channels * shape.patch(),
            channel: shape.taps(),
            source: shape.patch(),
            taps: shape.taps(),
            columns: shape.columns.kernel,
        },
        bias,
    };
    gather.run(kernel, out);
}
