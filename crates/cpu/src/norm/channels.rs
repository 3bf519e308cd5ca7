//! Sums over each channel of `[batch, channels, length]` arrays, a block of examples at a time.
//!
//! A block is small enough that a second sweep over it, about what the first one found, still finds it in the
//! second-level cache: what takes two passes over the numbers is one pass over memory. How an array is cut depends on
//! its shape only, and blocks are added up in order.

use crate::simd::{Kernel, vectorize_for};
use crate::{Float, par};
use std::ops::Range;

/// The sizes of a batch: examples, channels, and positions in each channel.
pub type Dims = [usize; 3];

/// Elements of a block.
const BLOCK: usize = 1 << 15;
/// Running sums of one channel, added to side by side.
const LANES: usize = 16;

/// A few examples, and some of their channels where an example is larger than a block.
pub(super) struct Block {
    dims: Dims,
    examples: Range<usize>,
    pub channels: Range<usize>,
}

impl Block {
    /// The number of elements of each channel.
    pub fn count(&self) -> usize {
        self.examples.len() * self.dims[2]
    }

    /// Where the run of a channel of an example starts.
    fn start(&self, example: usize, channel: usize) -> usize {
        (example * self.dims[1] + channel) * self.dims[2]
    }
}

/// Calls `body` on every block, in parallel, and returns its results in order.
pub(super) fn map_blocks<R: Send>(dims: Dims, body: impl Fn(Block) -> R + Send + Sync) -> Vec<R> {
    let [batch, channels, length] = dims;
    let width = (BLOCK / length.max(1)).clamp(1, channels.max(1));
    let height = (BLOCK / (width * length).max(1)).max(1);
    let across = channels.div_ceil(width);
    let cut = |i: usize, step: usize, size: usize| i * step..((i + 1) * step).min(size);
    par::map_ranges(batch.div_ceil(height) * across, 1, |range| {
        let i = range.start;
        body(Block {
            dims,
            examples: cut(i / across, height, batch),
            channels: cut(i % across, width, channels),
        })
    })
}

/// `sums[i][c] = Σ map(parameters of channel c, first, second)[i]` over the elements of a block; the parameters and the
/// sums are those of the block's channels.
pub(super) fn block_sums<T: Float, const N: usize, const M: usize>(
    block: &Block,
    [first, second]: [&[T]; 2],
    parameters: [&[T]; N],
    map: impl Fn([T; N], T, T) -> [T; M],
) -> [Vec<T>; M] {
    let parameters = parameters.map(|values| &values[..block.channels.len()]);
    vectorize_for::<T, _>(Sums { block, first, second, parameters, map })
}

struct Sums<'a, T, F, const N: usize> {
    block: &'a Block,
    first: &'a [T],
    second: &'a [T],
    parameters: [&'a [T]; N],
    map: F,
}

impl<T: Float, F: Fn([T; N], T, T) -> [T; M], const N: usize, const M: usize> Kernel for Sums<'_, T, F, N> {
    type Output = [Vec<T>; M];
    #[inline(always)]
    fn run(self) -> [Vec<T>; M] {
        if self.block.dims[2] == 1 { self.columns() } else { self.runs() }
    }
}

impl<T: Float, F, const N: usize> Sums<'_, T, F, N> {
    /// One position a channel: the sums of all channels grow side by side.
    #[inline(always)]
    fn columns<const M: usize>(self) -> [Vec<T>; M]
    where
        F: Fn([T; N], T, T) -> [T; M],
    {
        let width = self.block.channels.len();
        let parameters = self.parameters.map(|values| &values[..width]);
        let mut sums = [const { Vec::new() }; M];
        sums.iter_mut().for_each(|sums| sums.resize(width, T::ZERO));
        for example in self.block.examples.clone() {
            let start = self.block.start(example, self.block.channels.start);
            let (first, second) = (&self.first[start..][..width], &self.second[start..][..width]);
            let sums = sums.each_mut().map(|sums| &mut sums[..width]);
            for c in 0..width {
                let terms = (self.map)(parameters.map(|values| values[c]), first[c], second[c]);
                for i in 0..M {
                    sums[i][c] += terms[i];
                }
            }
        }
        sums
    }

    /// Several positions a channel: each run is added to the lanes of its channel.
    #[inline(always)]
    fn runs<const M: usize>(self) -> [Vec<T>; M]
    where
        F: Fn([T; N], T, T) -> [T; M],
    {
        let length = self.block.dims[2];
        let mut lanes = vec![[[T::ZERO; LANES]; M]; self.block.channels.len()];
        for example in self.block.examples.clone() {
            for (c, lanes) in lanes.iter_mut().enumerate() {
                let start = self.block.start(example, self.block.channels.start + c);
                let (first, second) = (&self.first[start..][..length], &self.second[start..][..length]);
                let parameters = self.parameters.map(|values| values[c]);
                let (first, first_rest) = first.as_chunks::<LANES>();
                let (second, second_rest) = second.as_chunks::<LANES>();
                let mut sums = *lanes;
                for (first, second) in first.iter().zip(second) {
                    for lane in 0..LANES {
                        let terms = (self.map)(parameters, first[lane], second[lane]);
                        for i in 0..M {
                            sums[i][lane] += terms[i];
                        }
                    }
                }
                for (lane, (&first, &second)) in first_rest.iter().zip(second_rest).enumerate() {
                    let terms = (self.map)(parameters, first, second);
                    for i in 0..M {
                        sums[i][lane] += terms[i];
                    }
                }
                *lanes = sums;
            }
        }
        std::array::from_fn(|i| lanes.iter().map(|lanes| total(&lanes[i])).collect())
    }
}

/// The sum of all lanes by a binary tree.
#[inline(always)]
fn total<T: Float>(lanes: &[T; LANES]) -> T {
    let mut sums = *lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_every_element_once() {
        for dims in
            [[7, 3, 5], [70_000, 1, 1], [3, 5, 40_000], [2, 70_000, 1], [40, 33, 50], [0, 3, 4], [4, 3, 0]]
        {
            let data = vec![1.0; dims.iter().product()];
            let mut counts = vec![0.0; dims[1]];
            for (channels, sums) in map_blocks(dims, |block| {
                let [sums] = block_sums(&block, [&data, &data], [], |[], x: f32, _| [x]);
                assert!(sums.iter().all(|&sum| sum == block.count() as f32));
                (block.channels, sums)
            }) {
                for (channel, sum) in channels.zip(sums) {
                    counts[channel] += sum;
                }
            }
            assert!(counts.iter().all(|&count| count as usize == dims[0] * dims[2]), "{dims:?}");
        }
    }

    #[test]
    fn channels_have_their_own_parameters() {
        let (x, factors) = ([1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 1.0]);
        for (dims, expected) in [([3, 2, 1], [90.0, 12.0]), ([1, 2, 3], [60.0, 15.0])] {
            let sums =
                map_blocks(dims, |block| block_sums(&block, [&x, &x], [&factors], |[f], x, _| [f * x, x]));
            let plain = if dims[2] == 1 { [9.0, 12.0] } else { [6.0, 15.0] };
            assert_eq!(sums, [[expected, plain]]);
        }
    }
}
