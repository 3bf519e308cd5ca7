//! The gradient of a convolution in its weight.

use super::blocks::{Block, Blocks};
use super::frame::Frame;
use super::kernel::{Convolve, Kernel, MOST_LANES, Product, ROWS, Turn};
use super::panels::{Cut, Panel};
use super::sweep::Sweep;
use super::{Convolution, WANTED_TASKS, WORK_PER_ELEMENT, scratch};
use crate::par::{self, Shared};
use std::ops::Range;

/// Elements that partial sums may take up together.
const PARTIAL_SUMS: usize = 1 << 22;
/// Taps of all channels of one task, where there are that many: every task turns the cotangent for itself, which should
/// cost little beside the products.
const TAPS: usize = 192;
/// Positions of a block, over which one product sums.
const POSITIONS: usize = 384;

/// The adjoint of [`forward`](super::forward) in its weight: `out[o, c, i, j] = Σ over n, y, x of
/// cotangent[n, o, y, x] · input[n, c, y·s + i·d − p, x·s + j·d − p]`; `cotangent` has the shape of the
/// convolution's output.
///
/// Positions are summed in parts that depend on the shape only, and the parts are then added in order: the
/// bits do not depend on the number of threads.
///
/// # Panics
/// When a slice has not the length that `shape` says.
pub fn weight_grad<T: Convolve>(shape: &Convolution, input: &[T], cotangent: &[T], out: &mut [T]) {
    weight_grad_by(T::kernel(), shape, input, cotangent, out);
}

/// [`weight_grad`] by the inner loops of `kernel`.
pub(super) fn weight_grad_by<T: Convolve>(
    kernel: Kernel<T>,
    shape: &Convolution,
    input: &[T],
    cotangent: &[T],
    out: &mut [T],
) {
    assert_eq!(input.len(), shape.input_len(), "input");
    assert_eq!(cotangent.len(), shape.output_len(), "cotangent");
    assert_eq!(out.len(), shape.weight_len(), "weight");
    if out.is_empty() {
        return;
    }
    let cut = Cut::new(shape.out_channels, kernel.lanes, kernel.columns);
    let blocks = Blocks::new([shape.images, shape.rows.output, shape.columns.output], POSITIONS);
    let channel_parts = (shape.patch() / TAPS).clamp(1, shape.in_channels);
    let sums = WANTED_TASKS.div_ceil(shape.groups * channel_parts);
    let sums = sums.min(PARTIAL_SUMS / out.len()).clamp(1, blocks.len().max(1));
    let plan = Plan {
        shape,
        input,
        cotangent,
        kernel,
        cut,
        blocks,
        channels_per_part: shape.in_channels.div_ceil(channel_parts),
        blocks_per_sum: blocks.len().div_ceil(sums).max(1),
        rows: Sweep::forward(&shape.rows),
        columns: Sweep::forward(&shape.columns),
    };
    if sums == 1 {
        plan.run(1, out);
        return;
    }
    let len = out.len();
    scratch::with([sums * len], |[partial]| {
        let partial = &mut partial[..sums * len];
        plan.run(sums, partial);
        par::chunks_mut(out, par::CHUNK, |start, out| {
            out.copy_from_slice(&partial[start..start + out.len()]);
            for sum in partial.chunks_exact(len).skip(1) {
                for (total, &term) in out.iter_mut().zip(&sum[start..]) {
                    *total = total.plus(term);
                }
            }
        });
    });
}

/// A weight gradient with all that is decided before its tasks start.
struct Plan<'a, T> {
    shape: &'a Convolution,
    input: &'a [T],
    cotangent: &'a [T],
    kernel: Kernel<T>,
    /// How output channels are cut into panels.
    cut: Cut,
    /// How positions are cut into blocks.
    blocks: Blocks,
    /// Input channels of a task.
    channels_per_part: usize,
    /// Blocks that a task sums over.
    blocks_per_sum: usize,
    rows: Sweep,
    columns: Sweep,
}

impl<T: Convolve> Plan<'_, T> {
    /// Fills `out`, a row of weights, each with the sum over its share of the blocks.
    fn run(&self, sums: usize, out: &mut [T]) {
        let Convolution { groups, in_channels, .. } = *self.shape;
        let parts = in_channels.div_ceil(self.channels_per_part);
        let positions = self.blocks_per_sum * self.blocks.positions();
        let work = self.channels_per_part * self.shape.taps() * self.cut.width() * positions;
        let out = Shared::new(out);
        par::ranges(sums * groups * parts, par::rows_per_task(work / WORK_PER_ELEMENT), |tasks| {
            for task in tasks {
                let (sum, group, part) = (task / parts / groups, task / parts % groups, task % parts);
                let first = part * self.channels_per_part;
                let channels = first..(first + self.channels_per_part).min(in_channels);
                self.sum(sum, group, &channels, &out);
            }
        });
    }

    /// Sums one share of the blocks, for the input channels `channels` of a group.
    fn sum(&self, sum: usize, group: usize, channels: &Range<usize>, out: &Shared<T>) {
        let Convolution { groups, in_channels, out_channels, rows, columns, .. } = *self.shape;
        let (taps, patch, plane) = (self.shape.taps(), self.shape.patch(), self.shape.input_plane());
        let size = [rows.input, columns.input];
        let first = sum * self.blocks_per_sum;
        let blocks = first..(first + self.blocks_per_sum).min(self.blocks.len());
        let frame_of = |block: &Block| {
            Frame::new(std::slice::from_ref(&self.rows), std::slice::from_ref(&self.columns), block, size, 1)
        };
        // The first block is the largest.
        let largest = self.blocks.block(0);
        let framed = channels.len() * frame_of(&largest).plane;
        let sum_rows = (channels.len() * taps).next_multiple_of(ROWS);
        let lengths = [
            largest.images.len() * framed + MOST_LANES,
            self.blocks.positions() * self.cut.width(),
            sum_rows * self.cut.width(),
        ];
        scratch::with(lengths, |[frames, panels, totals]| {
            totals.fill(T::ZERO);
            for block in blocks.map(|index| self.blocks.block(index)) {
                let frame = frame_of(&block);
                let framed = channels.len() * frame.plane;
                for (i, image) in block.images.clone().enumerate() {
                    let first = (image * groups + group) * in_channels;
                    let planes =
                        &self.input[(first + channels.start) * plane..(first + channels.end) * plane];
                    frame.copy(&self.kernel, planes, size, &mut frames[i * framed..]);
                }
                let mut bases = frame.taps(channels.len(), &self.rows, &self.columns);
                bases.resize(sum_rows, 0);
                let offsets = self.positions(&block, &frame, framed);
                self.turn_cotangent(&block, group, panels);
                for panel in self.panels() {
                    let (width, before) =
                        (panel.columns * self.kernel.lanes, panel.first_column * self.kernel.lanes);
                    let totals = &mut totals[before * sum_rows..][..width * sum_rows];
                    let product = Product {
                        tiles: sum_rows / ROWS,
                        depth: offsets.len(),
                        columns: panel.columns,
                        source: frames.as_ptr(),
                        bases: bases.as_ptr(),
                        offsets: offsets.as_ptr(),
                        panel: panels[before * offsets.len()..][..width * offsets.len()].as_ptr(),
                        start: totals.as_ptr(),
                        start_row: width,
                        out: totals.as_mut_ptr(),
                        out_row: width,
                    };
                    // SAFETY: a base is where the first position meets a tap and an offset leads to a position, so that
                    // their sum is within the frames; panel and totals have just been checked.
                    unsafe { (self.kernel.spread)(&product) }
                }
            }
            for panel in self.panels() {
                let (width, before) =
                    (panel.columns * self.kernel.lanes, panel.first_column * self.kernel.lanes);
                let to = sum * self.shape.weight_len()
                    + (group * out_channels + panel.channels.start) * patch
                    + channels.start * taps;
                let (rows, columns) = (channels.len() * taps, panel.channels.len());
                let turn = Turn {
                    rows,
                    columns,
                    from: totals[before * sum_rows..][..width * sum_rows].as_ptr(),
                    from_row: width,
                    to: out.at(to, (columns - 1) * patch + rows),
                    to_row: patch,
                };
                // SAFETY: the totals hold `rows` rows of at least `columns`, `at` has checked the elements of the result,
                // and tasks differ in the sum, the group or the input channels.
                unsafe { (self.kernel.turn)(&turn) }
            }
        });
    }

    fn panels(&self) -> impl Iterator<Item = Panel> {
        (0..self.cut.panels()).map(|index| self.cut.panel(index))
    }

    /// How far each position of a block is from the first one.
    fn positions(&self, block: &Block, frame: &Frame, framed: usize) -> Vec<usize> {
        let mut positions = Vec::new();
        for image in 0..block.images.len() {
            for row in 0..block.rows.len() {
                let start = image * framed + frame.row(row, &self.rows);
                positions.extend(
                    (0..block.columns.len()).map(|column| start + column * frame.step(&self.columns)),
                );
            }
        }
        positions
    }

    /// Packs the cotangent of a block: for each panel, its channels at each position.
    fn turn_cotangent(&self, block: &Block, group: usize, panels: &mut [T]) {
        let Convolution { groups, out_channels, columns, .. } = *self.shape;
        let plane = self.shape.output_plane();
        let consecutive = block.rows.len() * block.columns.len();
        let positions = block.images.len() * consecutive;
        for panel in self.panels() {
            let (width, before) = (panel.columns * self.kernel.lanes, panel.first_column * self.kernel.lanes);
            let packed = &mut panels[before * positions..][..width * positions];
            if panel.channels.len() < width {
                packed.fill(T::ZERO);
            }
            for (image, packed) in
                block.images.clone().zip(packed.chunks_exact_mut((consecutive * width).max(1)))
            {
                let channel = (image * groups + group) * out_channels + panel.channels.start;
                let first = channel * plane + block.rows.start * columns.output + block.columns.start;
                let rows = panel.channels.len();
                let turn = Turn {
                    rows,
                    columns: consecutive,
                    from: self.cotangent[first..][..(rows - 1) * plane + consecutive].as_ptr(),
                    from_row: plane,
                    to: packed.as_mut_ptr(),
                    to_row: width,
                };
                // SAFETY: the slice above holds the rows; `packed` has a row of `width` for each position.
                unsafe { (self.kernel.turn)(&turn) }
            }
        }
    }
}
