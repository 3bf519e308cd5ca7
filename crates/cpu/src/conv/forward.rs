//! Convolution.

use super::patches::{pack, tiles};
use super::product::product;
use super::{BUFFER, Convolution, WORK_PER_ELEMENT, channels_per_task};
use crate::gemm::Gemm;
use crate::par;
use crate::view::View;

/// `out[n, o, y, x] = bias[o] + Σ over c, i, j of weight[o, c, i, j] · input[n, c, y·s + i·d − p, x·s + j·d −
/// p]`, with zeros around the input, stride s, dilation d and padding p; c runs over the channels of o's
/// group.
///
/// # Panics
/// When a slice has not the length that `shape` says.
pub fn forward<T: Gemm>(shape: &Convolution, input: &[T], weight: &[T], bias: Option<&[T]>, out: &mut [T]) {
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

    let Convolution { groups, rows, columns, .. } = *shape;
    let (plane, patch) = (shape.output_plane(), shape.patch());
    let channels = channels_per_task(shape.out_channels, shape.images * groups);
    // An image has this many parts of `channels` output channels.
    let parts = groups * shape.out_channels / channels.max(1);
    let work = channels * plane * patch / WORK_PER_ELEMENT;
    par::rows_mut(out, channels * plane, work, |first_part, out| {
        let mut buffer = Vec::new();
        for (index, out) in out.chunks_exact_mut(channels * plane).enumerate() {
            let (image, part) = ((first_part + index) / parts, (first_part + index) % parts);
            let first_channel = part * channels;
            let image = shape.input_part(input, image, first_channel / shape.out_channels);
            for (out, channel) in out.chunks_exact_mut(plane).zip(first_channel..) {
                out.fill(bias.map_or(T::ZERO, |bias| bias[channel]));
            }
            let (size, strides) = ([channels, patch], [patch as isize, 1]);
            let weight = View::new(&weight[first_channel * patch..], &size, &strides, 0);
            if shape.is_pointwise() {
                let (size, strides) = ([patch, plane], [plane as isize, 1]);
                product(weight, View::new(image, &size, &strides, 0), out, plane, true);
                continue;
            }
            for tile in tiles(&rows, &columns, BUFFER / patch.max(1)) {
                buffer.resize(patch * tile.len(), T::ZERO);
                pack(image, &rows, &columns, &tile, &mut buffer);
                let (size, strides) = ([patch, tile.len()], [tile.len() as isize, 1]);
                let patches = View::new(&buffer, &size, &strides, 0);
                product(weight, patches, &mut out[tile.start(columns.output)..], plane, true);
            }
        }
    });
}
