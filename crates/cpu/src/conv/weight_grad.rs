//! The gradient of a convolution in its weight.

use super::patches::{pack, tiles};
use super::product::product;
use super::{BUFFER, Convolution, WANTED_TASKS, WORK_PER_ELEMENT, channels_per_task};
use crate::gemm::Gemm;
use crate::par;
use crate::view::View;

/// Elements that the partial sums over groups of images may take up together.
const PARTIAL_SUMS: usize = 1 << 22;

/// The adjoint of [`forward`](super::forward) in its weight: `out[o, c, i, j] = Σ over n, y, x of
/// cotangent[n, o, y, x] · input[n, c, y·s + i·d − p, x·s + j·d − p]`; `cotangent` has the shape of the
/// convolution's output.
///
/// Images are summed in groups that depend on the shape only, and the groups are then added in order: the
/// bits do not depend on the number of threads.
///
/// # Panics
/// When a slice has not the length that `shape` says.
pub fn weight_grad<T: Gemm>(shape: &Convolution, input: &[T], cotangent: &[T], out: &mut [T]) {
    assert_eq!(input.len(), shape.input_len(), "input");
    assert_eq!(cotangent.len(), shape.output_len(), "cotangent");
    assert_eq!(out.len(), shape.weight_len(), "weight");
    if out.is_empty() {
        return;
    }
    let sums = (PARTIAL_SUMS / out.len()).clamp(1, WANTED_TASKS).min(shape.images.max(1));
    if sums == 1 {
        partial_sums(shape, input, cotangent, shape.images, out);
        return;
    }
    let images_per_sum = shape.images.div_ceil(sums);
    let mut partial = vec![T::ZERO; out.len() * shape.images.div_ceil(images_per_sum)];
    partial_sums(shape, input, cotangent, images_per_sum, &mut partial);
    let len = out.len();
    par::chunks_mut(out, par::CHUNK, |start, out| {
        out.copy_from_slice(&partial[start..start + out.len()]);
        for sum in partial.chunks_exact(len).skip(1) {
            for (total, &term) in out.iter_mut().zip(&sum[start..]) {
                *total = total.plus(term);
            }
        }
    });
}

/// Fills `sums`, a row of weights, each with the gradient of `images_per_sum` consecutive images.
fn partial_sums<T: Gemm>(
    shape: &Convolution,
    input: &[T],
    cotangent: &[T],
    images_per_sum: usize,
    sums: &mut [T],
) {
    let Convolution { images, groups, rows, columns, .. } = *shape;
    let (plane, patch) = (shape.output_plane(), shape.patch());
    let channels = channels_per_task(shape.out_channels, groups * sums.len() / shape.weight_len());
    // A weight has this many parts of `channels` output channels.
    let parts = groups * shape.out_channels / channels;
    let work = channels * patch * plane * images_per_sum / WORK_PER_ELEMENT;
    par::rows_mut(sums, channels * patch, work, |first_part, sums| {
        let mut buffer = Vec::new();
        for (index, sum) in sums.chunks_exact_mut(channels * patch).enumerate() {
            let (image_group, part) = ((first_part + index) / parts, (first_part + index) % parts);
            let first_channel = part * channels;
            let (group, channel_in_group) =
                (first_channel / shape.out_channels, first_channel % shape.out_channels);
            sum.fill(T::ZERO);
            let first_image = image_group * images_per_sum;
            for image in first_image..(first_image + images_per_sum).min(images) {
                let cotangent = shape.output_part(cotangent, image, group);
                let image = shape.input_part(input, image, group);
                for tile in tiles(&rows, &columns, BUFFER / patch) {
                    let (size, strides) = ([channels, tile.len()], [plane as isize, 1]);
                    let start = channel_in_group * plane + tile.start(columns.output);
                    let cotangent = View::new(cotangent, &size, &strides, start);
                    let size = [tile.len(), patch];
                    if shape.is_pointwise() {
                        let strides = [1, plane as isize];
                        let patches = View::new(image, &size, &strides, tile.start(columns.output));
                        product(cotangent, patches, sum, patch, true);
                        continue;
                    }
                    buffer.resize(patch * tile.len(), T::ZERO);
                    pack(image, &rows, &columns, &tile, &mut buffer);
                    let strides = [1, tile.len() as isize];
                    product(cotangent, View::new(&buffer, &size, &strides, 0), sum, patch, true);
                }
            }
        }
    });
}
