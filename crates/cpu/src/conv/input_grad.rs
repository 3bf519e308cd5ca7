//! The gradient of a convolution in its input, which is also the transposed convolution.

use super::patches::{scatter_add, tiles};
use super::product::product;
use super::{BUFFER, Convolution, WORK_PER_ELEMENT, channels_per_task};
use crate::gemm::Gemm;
use crate::par;
use crate::view::View;

/// The adjoint of [`forward`](super::forward) in its input: `out[n, c, y·s + i·d − p, x·s + j·d − p]` is the
/// sum of `weight[o, c, i, j] · cotangent[n, o, y, x]` over all o, y, x, i, j that lead there; `cotangent`
/// has the shape of the convolution's output and `out` that of its input. `bias` has one value a channel of
/// `out`.
///
/// # Panics
/// When a slice has not the length that `shape` says.
pub fn input_grad<T: Gemm>(
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

    let Convolution { groups, rows, columns, .. } = *shape;
    let (in_plane, out_plane, patch) = (shape.input_plane(), shape.output_plane(), shape.patch());
    let channels = channels_per_task(shape.in_channels, shape.images * groups);
    // An image has this many parts of `channels` input channels.
    let parts = groups * shape.in_channels / channels.max(1);
    let patch_rows = channels * shape.taps();
    let work = patch_rows * out_plane * shape.out_channels / WORK_PER_ELEMENT;
    par::rows_mut(out, channels * in_plane, work, |first_part, out| {
        let mut buffer = Vec::new();
        for (index, out) in out.chunks_exact_mut(channels * in_plane).enumerate() {
            let (image, part) = ((first_part + index) / parts, (first_part + index) % parts);
            let first_channel = part * channels;
            let (group, channel_in_group) =
                (first_channel / shape.in_channels, first_channel % shape.in_channels);
            let cotangent = shape.output_part(cotangent, image, group);
            for (out, channel) in out.chunks_exact_mut(in_plane).zip(first_channel..) {
                out.fill(bias.map_or(T::ZERO, |bias| bias[channel]));
            }
            // The weight of the group's output channels and this part's input channels, transposed.
            let weight = &weight[group * shape.out_channels * patch..][..shape.out_channels * patch];
            let (size, strides) = ([patch_rows, shape.out_channels], [1, patch as isize]);
            let weight = View::new(weight, &size, &strides, channel_in_group * shape.taps());
            if shape.is_pointwise() {
                let (size, strides) = ([shape.out_channels, out_plane], [out_plane as isize, 1]);
                product(weight, View::new(cotangent, &size, &strides, 0), out, out_plane, true);
                continue;
            }
            for tile in tiles(&rows, &columns, BUFFER / patch_rows.max(1)) {
                buffer.resize(patch_rows * tile.len(), T::ZERO);
                let (size, strides) = ([shape.out_channels, tile.len()], [out_plane as isize, 1]);
                let cotangent = View::new(cotangent, &size, &strides, tile.start(columns.output));
                product(weight, cotangent, &mut buffer, tile.len(), false);
                scatter_add(&buffer, &rows, &columns, &tile, out);
            }
        }
    });
}
