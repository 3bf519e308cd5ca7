//! The gradient of a convolution in its weight, from bf16 parts.

use super::super::blocks::{Block, Blocks};
use super::super::kernel::{Kernel, Turn};
use super::super::sweep::Sweep;
use super::super::{Convolution, scratch};
use super::pays;
use super::planes::{self, Planes};
use crate::par::{self, Shared};
use crate::simd::{self, vectorize};
use crate::tiles::parts::{Splitter, TILE};
use crate::tiles::unit::{self, RESULT, Steps, Tiles, Unit};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Words that a task splits at a time: an eighth of a second-level cache, in which their products lie too.
const OPERANDS: usize = 1 << 16;
/// Fewest positions of a block, in pairs of images.
const FEW_POSITIONS: usize = 64;
/// Partial sums, which are added in the end, and elements that they may take up together. Each is one task where there are as
/// many: a task splits the cotangent for itself.
const SUMS: usize = 8;
const PARTIAL_SUMS: usize = 1 << 22;

/// Computes the gradient in the weight of `[input, cotangent]`; `false`, and anything in `out`, where f32 should be used.
pub fn weight_grad<const PARTS: usize>(
    unit: Unit,
    shape: &Convolution,
    kernel: &Kernel<f32>,
    [input, cotangent]: [&[f32]; 2],
    out: &mut [f32],
) -> bool {
    let &Convolution { images, groups, in_channels, out_channels, rows, columns } = shape;
    let work = shape.output_len() * shape.patch();
    let numbers = input.len() + cotangent.len() + out.len();
    if !pays(work, numbers, [in_channels, out_channels]) {
        return false;
    }
    let [row_sweep, column_sweep] = [Sweep::forward(&rows), Sweep::forward(&columns)];
    let [in_pairs, out_pairs] = [in_channels, out_channels].map(|count| count.div_ceil(2 * TILE));
    let total = out_pairs * shape.taps() * 4 * RESULT;
    let sums = SUMS.min(PARTIAL_SUMS / (groups * in_pairs * total).max(1)).max(1);
    let parts = SUMS.div_ceil(sums * groups).clamp(1, in_pairs);
    let pairs_per_part = in_pairs.div_ceil(parts);

    let per_position =
        PARTS * 2 * TILE * (pairs_per_part * rows.stride.saturating_mul(columns.stride) + out_pairs);
    let positions = (OPERANDS / per_position.max(1)).max(FEW_POSITIONS);
    let blocks = Blocks::new([images.div_ceil(2), rows.output, columns.output], positions);
    let largest = blocks.block(0);
    let [row_sweeps, column_sweeps] = [&row_sweep, &column_sweep].map(std::slice::from_ref);
    let planes = Planes::new(row_sweeps, column_sweeps, &largest, [rows.input, columns.input]);
    let plan = Plan::<PARTS> {
        unit,
        shape,
        kernel,
        input,
        cotangent,
        blocks,
        planes,
        taps: planes.taps(&row_sweep, &column_sweep),
        in_row: planes::row(largest.images.len() * planes.len()),
        out_row: planes::row(out_pairs * 2 * TILE),
        in_pairs,
        pairs_per_part,
        out_pairs,
        total,
        sums: sums.min(blocks.len()),
    };
    let depth = plan.chunks(&largest) * TILE;
    if 2 * largest.rows.len() * largest.columns.len() < depth {
        return false;
    }
    scratch::with([plan.sums * groups * in_pairs * total], |[totals]| {
        let ordinary = plan.sum(totals);
        if ordinary {
            plan.add(totals, out);
        }
        ordinary
    })
}

/// A weight gradient with all that is decided before its tasks start.
struct Plan<'a, const PARTS: usize> {
    unit: Unit,
    shape: &'a Convolution,
    kernel: &'a Kernel<f32>,
    input: &'a [f32],
    cotangent: &'a [f32],
    /// Positions in pairs of images.
    blocks: Blocks,
    /// What the largest block reads of a channel of the input.
    planes: Planes,
    /// All taps, and the distance at which each is met.
    taps: Vec<([usize; 2], usize)>,
    /// Words from a channel of the input to the next.
    in_row: usize,
    /// Words from a position of the cotangent to the next.
    out_row: usize,
    /// Pairs of tiles of input channels, those that a task computes, and pairs of tiles of output channels.
    in_pairs: usize,
    pairs_per_part: usize,
    out_pairs: usize,
    /// Elements of the total of a pair of tiles of input channels: `[tap][pair of tiles of output channels][4 · RESULT]`.
    total: usize,
    /// Sums of different blocks.
    sums: usize,
}

impl<const PARTS: usize> Plan<'_, PARTS> {
    /// Computes all totals, `[sum][group][pair of tiles of input channels][total]`. Whether all numbers are ordinary; where
    /// they are not, the totals are unfinished.
    fn sum(&self, totals: &mut [f32]) -> bool {
        let (groups, ordinary) = (self.shape.groups, AtomicBool::new(true));
        let parts = self.in_pairs.div_ceil(self.pairs_per_part);
        let totals = Shared::new(totals);
        par::ranges(self.sums * groups * parts, 1, |tasks| {
            for task in tasks {
                let (sum, group, part) = (task / parts / groups, task / parts % groups, task % parts);
                let first = part * self.pairs_per_part;
                let pairs = first..(first + self.pairs_per_part).min(self.in_pairs);
                let start = |sum: usize| self.blocks.len() * sum / self.sums;
                let blocks = start(sum)..start(sum + 1);
                let before = (sum * groups + group) * self.in_pairs + first;
                // SAFETY: each task has the totals of its own sum, group and pairs.
                let total = unsafe { totals.part(before * self.total, pairs.len() * self.total) };
                if !self.sum_part(blocks, group, pairs, total) {
                    ordinary.store(false, Relaxed);
                }
            }
        });
        ordinary.into_inner()
    }

    /// Sums what some blocks give for some pairs of tiles of input channels. Whether all numbers are ordinary.
    fn sum_part(&self, blocks: Range<usize>, group: usize, pairs: Range<usize>, total: &mut [f32]) -> bool {
        let largest = self.blocks.block(0);
        let in_words = pairs.len() * 2 * TILE * self.in_row;
        let out_words = largest.images.len() * self.chunks(&largest) * TILE * self.out_row;
        let mut ordinary = true;
        total.fill(0.0);
        scratch::words([PARTS * in_words, PARTS * out_words], |[in_parts, out_parts]| {
            for block in blocks.map(|index| self.blocks.block(index)) {
                ordinary &= self.split_input(&block, group, &pairs, in_parts, in_words)
                    && self.split_cotangent(&block, group, out_parts, out_words);
                if !ordinary {
                    return;
                }
                let left = Tiles {
                    words: in_parts,
                    first: 0,
                    next: TILE * self.in_row,
                    row: self.in_row,
                    part: in_words,
                };
                let right =
                    Tiles { words: out_parts, first: 0, next: TILE, row: self.out_row, part: out_words };
                self.unit.with_tiles(|| self.multiply(&block, left, right, total));
            }
        });
        ordinary
    }

    /// Tiles along the positions of a block, from its first position to its last, in one pair of images.
    fn chunks(&self, block: &Block) -> usize {
        (self.planes.position(block.rows.len() - 1, block.columns.len() - 1) + 1).div_ceil(TILE)
    }

    /// Splits what a block reads of the input: `[part][channel][pair of images][words of a channel]`.
    fn split_input(
        &self,
        block: &Block,
        group: usize,
        pairs: &Range<usize>,
        words: &mut [u32],
        part: usize,
    ) -> bool {
        let Convolution { images, groups, in_channels, rows, columns, .. } = *self.shape;
        let (planes, size, plane) =
            (self.planes.moved_to(block), [rows.input, columns.input], self.shape.input_plane());
        let len = planes.len();
        let channels = pairs.start * 2 * TILE..(pairs.end * 2 * TILE).min(in_channels);
        let mut ordinary = true;
        scratch::with([2 * TILE * len], |[frames]| {
            let (low, high) = frames.split_at_mut(TILE * len);
            for (i, pair) in block.images.clone().enumerate() {
                for first in channels.clone().step_by(TILE) {
                    let count = TILE.min(channels.end - first);
                    let frame = |image: usize, frames: &mut [f32]| {
                        if image < images {
                            let start = (image * groups + group) * in_channels + first;
                            planes.frame(
                                self.kernel,
                                &self.input[start * plane..][..count * plane],
                                size,
                                frames,
                            );
                        } else {
                            frames[..count * len].fill(0.0);
                        }
                    };
                    frame(2 * pair, low);
                    frame(2 * pair + 1, high);
                    for (index, (low, high)) in
                        low.chunks_exact(len).zip(high.chunks_exact(len)).take(count).enumerate()
                    {
                        let to = &mut words[(first - channels.start + index) * self.in_row + i * len..];
                        ordinary &= planes.split::<PARTS>(low, high, to, part);
                    }
                }
            }
        });
        ordinary
    }

    /// Splits the cotangent of a block: `[part][pair of images][position][channel]`, zeros where the input has no position.
    fn split_cotangent(&self, block: &Block, group: usize, words: &mut [u32], part: usize) -> bool {
        let Convolution { images, groups, out_channels, columns, .. } = *self.shape;
        let plane = self.shape.output_plane();
        let count = block.rows.len() * block.columns.len();
        let (row, chunk) = (self.out_row, self.chunks(block) * TILE * self.out_row);
        let mut ordinary = true;
        scratch::with([count * row, count * row], |[low, high]| {
            if out_channels < row {
                // What lies beside the channels is split with them.
                low.fill(0.0);
                high.fill(0.0);
            }
            for (i, pair) in block.images.clone().enumerate() {
                for (image, turned) in [(2 * pair, &mut *low), (2 * pair + 1, &mut *high)] {
                    if image >= images {
                        turned.fill(0.0);
                        continue;
                    }
                    let first = (image * groups + group) * out_channels * plane
                        + block.rows.start * columns.output
                        + block.columns.start;
                    let turn = Turn {
                        rows: out_channels,
                        columns: count,
                        from: self.cotangent[first..][..(out_channels - 1) * plane + count].as_ptr(),
                        from_row: plane,
                        to: turned[..count * row].as_mut_ptr(),
                        to_row: row,
                    };
                    // SAFETY: the slice above holds the rows; `turned` has a row for each position.
                    unsafe { (self.kernel.turn)(&turn) }
                }
                ordinary &= vectorize(Spread::<PARTS> {
                    low,
                    high,
                    row,
                    columns: block.columns.len(),
                    spacing: self.planes.position(1, 0),
                    words: &mut words[i * chunk..],
                    len: chunk,
                    part,
                });
            }
        });
        ordinary
    }

    /// Adds the products of a block to the totals of all taps and channels.
    fn multiply(&self, block: &Block, left: Tiles, right: Tiles, total: &mut [f32]) {
        let chunks = self.chunks(block);
        let steps = (0..block.images.len() * chunks).map(|step| {
            let (pair, chunk) = (step / chunks, step % chunks);
            [pair * self.planes.len() + chunk * TILE, step * TILE * self.out_row]
        });
        let steps = &Steps::new(steps);
        let (results, _) = total.as_chunks_mut::<RESULT>();
        for (index, results) in results.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let (out_pair, tap, in_pair) = (
                index % self.out_pairs,
                index / self.out_pairs % self.taps.len(),
                index / self.out_pairs / self.taps.len(),
            );
            let left = Tiles { first: in_pair * 2 * TILE * self.in_row + self.taps[tap].1, ..left };
            let right = Tiles { first: out_pair * 2 * TILE, ..right };
            self.unit.multiply::<PARTS>(unit::Block { left, right, steps }, results);
        }
    }

    /// Adds the totals of different sums in order, and writes them to `out` `[groups · out_channels, in_channels, taps]`.
    fn add(&self, totals: &[f32], out: &mut [f32]) {
        let Convolution { groups, in_channels, out_channels, columns, .. } = *self.shape;
        let taps: Vec<usize> =
            self.taps.iter().map(|([row, column], _)| row * columns.kernel + column).collect();
        let tiles = self.in_pairs * self.out_pairs * 4;
        let out = Shared::new(out);
        par::ranges(groups * tiles, par::rows_per_task(self.sums * taps.len() * RESULT), |tasks| {
            scratch::with([taps.len() * RESULT], |[added]| {
                let added = &mut added.as_chunks_mut::<RESULT>().0[..taps.len()];
                for task in tasks {
                    let (group, in_pair, out_pair, tile) = (
                        task / tiles,
                        task % tiles / 4 / self.out_pairs,
                        task / 4 % self.out_pairs,
                        task % 4,
                    );
                    for sum in 0..self.sums {
                        let total = ((sum * groups + group) * self.in_pairs + in_pair) * self.total;
                        let (total, _) = totals[total..][..self.total].as_chunks::<RESULT>();
                        for (tap, added) in added.iter_mut().enumerate() {
                            let term = &total[(tap * self.out_pairs + out_pair) * 4 + tile];
                            match sum {
                                0 => *added = *term,
                                _ => added.iter_mut().zip(term).for_each(|(sum, term)| *sum += term),
                            }
                        }
                    }
                    let first = |pair: usize, tile: usize| (2 * pair + tile) * TILE;
                    let (first_in, first_out) = (first(in_pair, tile / 2), first(out_pair, tile % 2));
                    for o in 0..TILE.min(out_channels.saturating_sub(first_out)) {
                        for c in 0..TILE.min(in_channels.saturating_sub(first_in)) {
                            let row = (group * out_channels + first_out + o) * in_channels + first_in + c;
                            // SAFETY: tasks differ in the group or the channels.
                            let row = unsafe { out.part(row * taps.len(), taps.len()) };
                            for (added, &tap) in added.iter().zip(&taps) {
                                row[tap] = added[c * TILE + o];
                            }
                        }
                    }
                }
            });
        });
    }
}

/// Splits the rows of two matrices, of positions that follow each other, into rows for all places of a frame: `columns` of them,
/// then zeros up to the next multiple of `spacing`.
struct Spread<'a, const PARTS: usize> {
    low: &'a [f32],
    high: &'a [f32],
    /// Elements of a row.
    row: usize,
    columns: usize,
    spacing: usize,
    words: &'a mut [u32],
    /// Words of a part.
    len: usize,
    /// Words from a part to the next.
    part: usize,
}

impl<const PARTS: usize> simd::Kernel for Spread<'_, PARTS> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Self { low, high, row, columns, spacing, words, len, part } = self;
        let mut splitter = Splitter::new();
        let mut rows = low.chunks_exact(row).zip(high.chunks_exact(row));
        for place in 0..len / row {
            let numbers = if place % spacing < columns { rows.next() } else { None };
            let Some((low, high)) = numbers else {
                for index in 0..PARTS {
                    words[index * part + place * row..][..row].fill(0);
                }
                continue;
            };
            let (low, high) = (low.as_chunks::<TILE>().0, high.as_chunks::<TILE>().0);
            for (i, (low, high)) in low.iter().zip(high).enumerate() {
                let parts = splitter.split::<PARTS>(*low, *high);
                for (index, parts) in parts.iter().enumerate() {
                    words[index * part + place * row + i * TILE..][..TILE].copy_from_slice(parts);
                }
            }
        }
        splitter.ordinary()
    }
}
