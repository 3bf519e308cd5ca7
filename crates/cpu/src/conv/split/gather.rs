//! A [`Gather`] from bf16 parts.

use super::super::blocks::{Block, Blocks};
use super::super::gather::Gather;
use super::super::kernel::{Kernel, Piece, Weave};
use super::super::sweep::Sweep;
use super::super::{WANTED_TASKS, scratch};
use super::pays;
use super::planes::{self, Planes};
use crate::gemm::Strided;
use crate::gemm::split::operand::Operand;
use crate::par::{self, Shared};
use crate::tiles::parts::{DEPTH, TILE, WORDS};
use crate::tiles::unit;
use crate::tiles::unit::{RESULT, Steps, Tiles, Unit};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Words of the source that a task splits, where there are enough for many tasks: a quarter of a second-level cache, in which
/// weights lie too.
const SOURCE: usize = 1 << 17;
/// Fewest positions of a block, and most.
const FEW_POSITIONS: usize = 64;
const MANY_POSITIONS: usize = 2048;

/// Computes a gather; `false`, and anything in `out`, where f32 should be used.
pub fn gather<const PARTS: usize>(
    unit: Unit,
    gather: &Gather<f32>,
    kernel: &Kernel<f32>,
    out: &mut [f32],
) -> bool {
    let &Gather { images, groups, source_channels, channels, .. } = gather;
    let taps = |sweeps: &[Sweep]| sweeps.iter().map(|sweep| sweep.count * sweep.reads.len()).sum::<usize>();
    let work = images * groups * channels * source_channels * taps(&gather.rows) * taps(&gather.columns);
    let numbers = gather.source.len() + gather.weight.data.len() + out.len();
    if !pays(work, numbers, [channels, source_channels]) {
        return false;
    }
    let most = |sweeps: &[Sweep]| sweeps.iter().map(|sweep| sweep.count).max().unwrap_or(0);
    let all = [images, most(&gather.rows), most(&gather.columns)];
    let pairs = source_channels.div_ceil(DEPTH) * TILE;
    let steps = gather.rows[0].step.saturating_mul(gather.columns[0].step);
    let per_position = (PARTS * pairs).saturating_mul(steps);
    let mut positions = (SOURCE / per_position).clamp(FEW_POSITIONS, MANY_POSITIONS);
    while positions > FEW_POSITIONS && Blocks::new(all, positions).len() * groups < WANTED_TASKS {
        positions /= 2;
    }
    let blocks = Blocks::new(all, positions);
    let largest = blocks.block(0);
    let planes = Planes::new(&gather.rows, &gather.columns, &largest, gather.source_size);
    let row = planes::row(largest.images.len() * planes.len());
    let mut plan =
        Plan::<PARTS> { unit, gather, kernel, blocks, planes, pairs, row, sums: Vec::new(), group: 0 };
    let tiles = plan.positions(&largest, &gather.rows[0]).len() * TILE;
    if 2 * largest.images.len() * largest.rows.len() * largest.columns.len() < tiles {
        return false;
    }
    plan.list_sums();
    scratch::words([groups * plan.group], |[weights]| plan.split_weights(weights) && plan.run(weights, out))
}

/// A gather with all that is decided before its tasks start.
struct Plan<'a, const PARTS: usize> {
    unit: Unit,
    gather: &'a Gather<'a, f32>,
    kernel: &'a Kernel<f32>,
    blocks: Blocks,
    /// What the largest block reads of a channel.
    planes: Planes,
    /// Pairs of source channels, of c and c + 16 in each 32, empty ones among them.
    pairs: usize,
    /// Words from a pair to the next.
    row: usize,
    /// For each pair of sweeps, rows first.
    sums: Vec<Sum>,
    /// Words of the weights of a group.
    group: usize,
}

/// What the elements that a pair of sweeps makes are sums of.
struct Sum {
    /// For each step the first source channel and the tap.
    terms: Vec<(usize, usize)>,
    /// Where tiles of each step lie.
    steps: Steps,
    /// Where the weights begin within their group.
    start: usize,
}

/// Sixteen neighbouring positions, some of them between rows: the first one, and what the others make.
struct Positions {
    first: usize,
    pieces: Vec<Piece>,
}

impl<const PARTS: usize> Plan<'_, PARTS> {
    /// Tiles of the channels of the result, a whole number of pairs.
    fn channel_tiles(&self) -> usize {
        self.gather.channels.div_ceil(2 * TILE) * 2
    }

    /// Lists the terms of all sums, and cuts the weights accordingly.
    fn list_sums(&mut self) {
        let step_words = PARTS * WORDS;
        for (rows, columns) in self.gather.sweep_pairs() {
            let taps = self.planes.taps(rows, columns);
            let (mut terms, mut offsets) = (Vec::new(), Vec::new());
            for channel in (0..self.gather.source_channels).step_by(DEPTH) {
                for &([row_tap, column_tap], distance) in &taps {
                    offsets.push([terms.len() * step_words, channel / 2 * self.row + distance]);
                    terms.push((channel, row_tap * self.gather.weight.columns + column_tap));
                }
            }
            let start = self.group;
            self.group += self.channel_tiles() * terms.len() * step_words;
            self.sums.push(Sum { terms, steps: Steps::new(offsets.into_iter()), start });
        }
    }

    /// Splits all weights: for each group and pair of sweeps `[tile of channels][step][part][WORDS]`. Whether all are
    /// ordinary.
    fn split_weights(&self, weights: &mut [u32]) -> bool {
        let Gather { groups, channels, source_channels, weight, .. } = self.gather;
        let (tiles, ordinary) = (self.channel_tiles(), AtomicBool::new(true));
        let weights = Shared::new(weights);
        par::ranges(groups * self.sums.len() * tiles, 1, |tasks| {
            for task in tasks {
                let (group, sum, tile) = (
                    task / tiles / self.sums.len(),
                    &self.sums[task / tiles % self.sums.len()],
                    task % tiles,
                );
                let len = sum.terms.len() * PARTS * WORDS;
                // SAFETY: each task has the words of its own group, sum and tile.
                let packed = unsafe { weights.part(group * self.group + sum.start + tile * len, len) };
                for (&(channel, tap), packed) in sum.terms.iter().zip(packed.chunks_exact_mut(PARTS * WORDS))
                {
                    let depth = DEPTH.min(source_channels - channel);
                    let first = group * weight.group + channel * weight.source + tap;
                    let last = first + (channels - 1) * weight.channel + (depth - 1) * weight.source;
                    let start = weight.data[first..=last].as_ptr();
                    let (row, column) = (weight.channel as isize, weight.source as isize);
                    let operand = Operand::left(Strided { start, row, column }, *channels, depth);
                    // SAFETY: the slice above reaches from the first element of the operand to its last one.
                    if !unsafe { operand.split::<PARTS>(tile, packed) } {
                        ordinary.store(false, Relaxed);
                    }
                }
            }
        });
        ordinary.into_inner()
    }

    /// Computes all blocks. Whether the source is ordinary; where it is not, the result is unfinished.
    fn run(&self, weights: &[u32], out: &mut [f32]) -> bool {
        let ordinary = AtomicBool::new(true);
        let out = Shared::new(out);
        let groups = self.gather.groups;
        par::ranges(self.blocks.len() * groups, 1, |tasks| {
            for task in tasks {
                let (block, group) = (self.blocks.block(task / groups), task % groups);
                scratch::words([PARTS * self.pairs * self.row], |[words]| {
                    if self.split_source(&block, group, words) {
                        let weights = &weights[group * self.group..][..self.group];
                        self.unit.with_tiles(|| self.multiply(&block, group, weights, words, &out));
                    } else {
                        ordinary.store(false, Relaxed);
                    }
                });
            }
        });
        ordinary.into_inner()
    }

    /// Splits what a block reads of a group: `[part][pair][image][words of a channel]`. Whether all is ordinary.
    fn split_source(&self, block: &Block, group: usize, words: &mut [u32]) -> bool {
        let Gather { groups, source, source_channels, source_size: size, .. } = *self.gather;
        let planes = self.planes.moved_to(block);
        let (len, plane) = (planes.len(), size[0] * size[1]);
        let mut ordinary = true;
        scratch::with([(DEPTH + 1) * len], |[frames]| {
            let (zeros, frames) = frames.split_at_mut(len);
            zeros.fill(0.0);
            for (i, image) in block.images.clone().enumerate() {
                for channel in (0..source_channels).step_by(DEPTH) {
                    let count = DEPTH.min(source_channels - channel);
                    let first = (image * groups + group) * source_channels + channel;
                    planes.frame(self.kernel, &source[first * plane..][..count * plane], size, frames);
                    let frame =
                        |index: usize| if index < count { &frames[index * len..][..len] } else { &*zeros };
                    for pair in 0..TILE {
                        let to = &mut words[(channel / 2 + pair) * self.row + i * len..];
                        ordinary &=
                            planes.split::<PARTS>(frame(pair), frame(pair + TILE), to, self.pairs * self.row);
                    }
                }
            }
        });
        ordinary
    }

    /// Computes the positions of a block in all channels of a group.
    fn multiply(&self, block: &Block, group: usize, weights: &[u32], words: &[u32], out: &Shared<f32>) {
        let columns = self.gather.columns.len();
        scratch::with([columns * 4 * RESULT], |[results]| {
            for (rows, sums) in self.gather.rows.iter().zip(self.sums.chunks_exact(columns)) {
                let positions = self.positions(block, rows);
                for tile in (0..self.channel_tiles()).step_by(2) {
                    for positions in positions.chunks(2) {
                        let next = positions.last().map_or(0, |last| last.first - positions[0].first);
                        let right = Tiles {
                            words,
                            first: positions[0].first,
                            next,
                            row: self.row,
                            part: self.pairs * self.row,
                        };
                        let (results, _) = results.as_chunks_mut::<RESULT>();
                        for (sum, results) in sums.iter().zip(results.as_chunks_mut::<4>().0) {
                            let len = sum.terms.len() * PARTS * WORDS;
                            let left = &weights[sum.start + tile * len..][..2 * len];
                            let left = Tiles { words: left, first: 0, next: len, row: TILE, part: WORDS };
                            self.start(group, tile, results);
                            self.unit
                                .multiply::<PARTS>(unit::Block { left, right, steps: &sum.steps }, results);
                        }
                        for (column, positions) in positions.iter().enumerate() {
                            for row in 0..2 {
                                let results = &results[2 * row + column..];
                                self.put(group, tile + row, &positions.pieces, results.as_flattened(), out);
                            }
                        }
                    }
                }
            }
        });
    }

    /// The channels of a tile.
    fn channels(&self, tile: usize) -> Range<usize> {
        let channels = self.gather.channels;
        (tile * TILE).min(channels)..((tile + 1) * TILE).min(channels)
    }

    /// What the sums of two tiles of channels start from: the bias.
    fn start(&self, group: usize, tile: usize, results: &mut [[f32; RESULT]; 4]) {
        for (index, results) in results.iter_mut().enumerate() {
            results.fill(0.0);
            if let Some(bias) = self.gather.bias {
                let bias = &bias[group * self.gather.channels..][self.channels(tile + index / 2)];
                for (row, &bias) in results.as_chunks_mut::<TILE>().0.iter_mut().zip(bias) {
                    row.fill(bias);
                }
            }
        }
    }

    /// Writes what a tile of channels has become at some positions; the results of column sweeps follow each other four
    /// tiles apart.
    fn put(&self, group: usize, tile: usize, pieces: &[Piece], results: &[f32], out: &Shared<f32>) {
        let Gather { channels: all, size, .. } = *self.gather;
        let (channels, plane, threads) = (self.channels(tile), size[0] * size[1], self.gather.columns.len());
        let Some(end) = pieces.last().map(|piece| piece.to + piece.count) else { return };
        if channels.is_empty() {
            return;
        }
        assert!(results.len() >= ((threads - 1) * 4 + 1) * RESULT, "a tile for each sweep");
        let weave = Weave {
            pieces,
            channels: channels.len(),
            threads,
            from: results.as_ptr(),
            from_row: 1,
            from_thread: 4 * RESULT,
            from_channel: TILE,
            to: out.at((group * all + channels.start) * plane, (channels.len() - 1) * plane + end),
            to_channel: plane,
        };
        // SAFETY: pieces lie in rows of a tile, of which each sweep has one; `at` has checked the elements of the result,
        // which blocks, tiles and groups divide among the tasks.
        unsafe { (self.kernel.weave)(&weave) }
    }

    /// The positions of a block that a row sweep makes, in as few tiles as can be; they are the same for all column
    /// sweeps, and where some of these have one element less than others, it is left out in the end.
    fn positions(&self, block: &Block, rows: &Sweep) -> Vec<Positions> {
        let Gather { groups, channels, size: [height, width], .. } = *self.gather;
        let (columns, spacing) = (block.columns.len(), self.gather.columns[0].spacing);
        let mut tiles = Vec::<Positions>::new();
        for (i, image) in block.images.clone().enumerate() {
            for row in block.rows.start..block.rows.end.min(rows.count) {
                let start = i * self.planes.len() + self.planes.position(row - block.rows.start, 0);
                let y = image * groups * channels * height + rows.first + row * rows.spacing;
                let mut done = 0;
                while done < columns {
                    let at = start + done;
                    let tile = match tiles.last_mut() {
                        Some(tile) if at < tile.first + TILE => tile,
                        _ => {
                            tiles.push(Positions { first: at, pieces: Vec::new() });
                            continue;
                        }
                    };
                    let from = at - tile.first;
                    let len = (TILE - from).min(columns - done);
                    let x = (block.columns.start + done) * spacing;
                    tile.pieces.push(Piece {
                        from,
                        to: y * width + x,
                        count: (len * spacing).min(width - x),
                    });
                    done += len;
                }
            }
        }
        tiles
    }
}
