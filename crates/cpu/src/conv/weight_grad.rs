//! The gradient of a convolution in its weight.

use super::blocks::{Block, Blocks};
use super::frame::Frame;
use super::kernel::{Convolve, Correlation, Kernel, MOST_COLUMNS, MOST_LANES, Product, ROWS, Span, Turn};
use super::panels::{Cut, Panel};
use super::sweep::Sweep;
use super::{Convolution, WANTED_TASKS, WORK_PER_ELEMENT, scratch};
use crate::par::{self, Shared};
use std::ops::Range;

/// Elements that partial sums may take up together.
const PARTIAL_SUMS: usize = 1 << 22;
/// Taps of all channels of one task, where there are that many: every task turns the cotangent for itself, which should
/// cost little beside the products.
const TAPS: usize = 512;
/// Positions of a block, over which one product sums.
const POSITIONS: usize = 400;
/// Positions of a block where lanes are positions, and a sum takes that many times fewer steps.
const CORRELATED_POSITIONS: usize = 1024;

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
    if kernel.on_tiles.is_some_and(|tiles| tiles.weight_grad(shape, &kernel, [input, cotangent], out)) {
        return;
    }
    let correlates = kernel.lanes_are_positions(shape.out_channels, shape.columns.output);
    let cut = Cut::new(shape.out_channels, if correlates { 1 } else { kernel.lanes }, kernel.columns);
    let positions = if correlates { CORRELATED_POSITIONS } else { POSITIONS };
    let blocks = Blocks::new([shape.images, shape.rows.output, shape.columns.output], positions);
    let parts = (shape.patch() / TAPS).clamp(1, shape.in_channels);
    let channels = shape.in_channels.div_ceil(parts);
    let parts = shape.in_channels.div_ceil(channels);
    let total = (channels * shape.taps()).next_multiple_of(ROWS) * cut.columns() * kernel.lanes;
    let all = shape.groups * parts * total;
    let sums = WANTED_TASKS.div_ceil(shape.groups * parts).min(PARTIAL_SUMS / all);
    let sums = sums.clamp(1, blocks.len().max(1));
    let plan = Plan {
        shape,
        input,
        cotangent,
        kernel,
        correlates,
        cut,
        blocks,
        sums,
        parts,
        channels,
        total,
        rows: Sweep::forward(&shape.rows),
        columns: Sweep::forward(&shape.columns),
    };
    scratch::with([sums * all], |[totals]| {
        plan.sum(totals);
        plan.add(totals, out);
    });
}

/// A weight gradient with all that is decided before its tasks start.
struct Plan<'a, T> {
    shape: &'a Convolution,
    input: &'a [T],
    cotangent: &'a [T],
    kernel: Kernel<T>,
    /// Whether lanes are positions, to be summed in the end, and not output channels.
    correlates: bool,
    /// How output channels are cut into panels.
    cut: Cut,
    /// How positions are cut into blocks.
    blocks: Blocks,
    /// Sums of different blocks, which are added in the end.
    sums: usize,
    /// Parts that the input channels of a group are cut into, ...
    parts: usize,
    /// ... and the channels of a part.
    channels: usize,
    /// Elements of the total of a part: for each panel a matrix [taps of all channels, width].
    total: usize,
    rows: Sweep,
    columns: Sweep,
}

impl<T: Convolve> Plan<'_, T> {
    /// Computes all totals: [sums, groups, parts, total].
    fn sum(&self, totals: &mut [T]) {
        let tasks = self.sums * self.shape.groups * self.parts;
        let work =
            self.blocks.len().div_ceil(self.sums) * self.blocks.positions() * self.total / WORK_PER_ELEMENT;
        let totals = Shared::new(totals);
        par::ranges(tasks, par::rows_per_task(work), |tasks| {
            for task in tasks {
                // SAFETY: each task has a total of its own.
                let total = unsafe { totals.part(task * self.total, self.total) };
                let (sum, part) = (task / self.parts / self.shape.groups, task % self.parts);
                let start = |sum: usize| self.blocks.len() * sum / self.sums;
                let blocks = start(sum)..start(sum + 1);
                self.sum_part(blocks, task / self.parts % self.shape.groups, self.channels(part), total);
            }
        });
    }

    /// The input channels of a part.
    fn channels(&self, part: usize) -> Range<usize> {
        let first = part * self.channels;
        first..(first + self.channels).min(self.shape.in_channels)
    }

    /// Sums what some blocks give for the input channels `channels` of a group.
    fn sum_part(&self, blocks: Range<usize>, group: usize, channels: Range<usize>, total: &mut [T]) {
        let Convolution { groups, in_channels, rows, columns, .. } = *self.shape;
        let (plane, size) = (self.shape.input_plane(), [rows.input, columns.input]);
        let [row_sweeps, column_sweeps] = [&self.rows, &self.columns].map(std::slice::from_ref);
        // The first block is the largest.
        let largest = self.blocks.block(0);
        let phases = if self.correlates { self.columns.step } else { 1 };
        let frame = Frame::new(row_sweeps, column_sweeps, &largest, size, phases);
        let framed = channels.len() * frame.plane;
        let mut bases = frame.taps(channels.len(), &self.rows, &self.columns);
        bases.resize(bases.len().next_multiple_of(ROWS), 0);
        let packed = if self.correlates { 0 } else { self.blocks.positions() * self.cut.width() };
        let lengths = [largest.images.len() * framed + MOST_LANES, packed];
        if blocks.is_empty() {
            total.fill(T::ZERO);
        }
        let first_block = blocks.start;
        scratch::with(lengths, |[frames, panels]| {
            for index in blocks {
                let block = self.blocks.block(index);
                let frame = frame.moved_to(&block);
                for (i, image) in block.images.clone().enumerate() {
                    let first = (image * groups + group) * in_channels;
                    let planes =
                        &self.input[(first + channels.start) * plane..(first + channels.end) * plane];
                    frame.copy(&self.kernel, planes, size, &mut frames[i * framed..]);
                }
                let first = index == first_block;
                if self.correlates {
                    self.correlate(&block, group, (&frame, framed), frames, &bases, first, total);
                } else {
                    self.multiply(&block, group, (&frame, framed), frames, &bases, first, panels, total);
                }
            }
        });
    }

    /// Adds to `total`, or writes to it where the block is the `first` one, the products of the cotangent's channels
    /// with the frames.
    #[expect(clippy::too_many_arguments)]
    fn multiply(
        &self,
        block: &Block,
        group: usize,
        (frame, framed): (&Frame, usize),
        frames: &[T],
        bases: &[usize],
        first: bool,
        panels: &mut [T],
        total: &mut [T],
    ) {
        let zeros = [T::ZERO; MOST_COLUMNS * MOST_LANES];
        let offsets = self.positions(block, frame, framed);
        self.turn_cotangent(block, group, panels);
        for panel in self.panels() {
            let (width, before) = self.extent(&panel);
            let total = &mut total[before * bases.len()..][..width * bases.len()];
            let (start, start_row) = if first { (zeros.as_ptr(), 0) } else { (total.as_ptr(), width) };
            let product = Product {
                tiles: bases.len() / ROWS,
                depth: offsets.len(),
                columns: panel.columns,
                source: frames.as_ptr(),
                bases: bases.as_ptr(),
                offsets: offsets.as_ptr(),
                panel: panels[before * offsets.len()..][..width * offsets.len()].as_ptr(),
                start,
                start_row,
                out: total.as_mut_ptr(),
                out_row: width,
            };
            // SAFETY: a base is where the first position meets a tap and an offset leads to a position, so that their sum
            // is within the frames; panel and total have just been checked.
            unsafe { (self.kernel.spread)(&product) }
        }
    }

    /// As [`multiply`](Self::multiply), with positions as lanes.
    #[expect(clippy::too_many_arguments)]
    fn correlate(
        &self,
        block: &Block,
        group: usize,
        (frame, framed): (&Frame, usize),
        frames: &[T],
        bases: &[usize],
        first: bool,
        total: &mut [T],
    ) {
        let Convolution { groups, out_channels, columns, .. } = *self.shape;
        let plane = self.shape.output_plane();
        let lanes = self.kernel.lanes;
        let mut spans = Vec::with_capacity(self.blocks.positions().div_ceil(lanes));
        for (i, image) in block.images.clone().enumerate() {
            for (row, y) in block.rows.clone().enumerate() {
                let source = i * framed + frame.row(row, &self.rows);
                let other = image * groups * out_channels * plane + y * columns.output + block.columns.start;
                spans.extend((0..block.columns.len()).step_by(lanes).map(|column| Span {
                    source: source + column * frame.step(&self.columns),
                    other: other + column,
                    count: lanes.min(block.columns.len() - column),
                }));
            }
        }
        for panel in self.panels() {
            let (width, before) = self.extent(&panel);
            let total = &mut total[before * bases.len()..][..width * bases.len()];
            let zeros = [T::ZERO; MOST_COLUMNS * MOST_LANES];
            let (start, start_row) = if first { (zeros.as_ptr(), 0) } else { (total.as_ptr(), width) };
            let channel = group * out_channels + panel.channels.start;
            let last = spans.last().map_or(0, |span| span.other + span.count);
            let channels = (panel.channels.len() - 1) * plane;
            let correlation = Correlation {
                tiles: bases.len() / ROWS,
                columns: panel.columns,
                spans: &spans,
                source: frames.as_ptr(),
                bases: bases.as_ptr(),
                other: self.cotangent[channel * plane..][..channels + last].as_ptr(),
                other_column: plane,
                start,
                start_row,
                out: total.as_mut_ptr(),
            };
            // SAFETY: a base is where the first position meets a tap and a span leads to neighbours of positions, so that
            // all are within the frames; the cotangent up to the last span and the total have just been checked.
            unsafe { (self.kernel.correlate)(&correlation) }
        }
    }

    /// Adds the totals of different sums in order, and writes them to `out` `[groups · out_channels, taps of all channels
    /// of a group]`.
    fn add(&self, totals: &[T], out: &mut [T]) {
        let Convolution { groups, out_channels, .. } = *self.shape;
        let (taps, patch) = (self.shape.taps(), self.shape.patch());
        let panels = self.cut.panels();
        let out = Shared::new(out);
        par::ranges(
            groups * self.parts * panels,
            par::rows_per_task(self.sums * self.total / panels),
            |tasks| {
                for task in tasks {
                    let (group, part, panel) = (
                        task / panels / self.parts,
                        task / panels % self.parts,
                        self.cut.panel(task % panels),
                    );
                    let (channels, (width, before)) = (self.channels(part), self.extent(&panel));
                    let rows = channels.len() * taps;
                    let padded = rows.next_multiple_of(ROWS);
                    scratch::with([rows * width], |[added]| {
                        let added = &mut added[..rows * width];
                        for sum in 0..self.sums {
                            let total = ((sum * groups + group) * self.parts + part) * self.total;
                            let total = &totals[total + before * padded..][..rows * width];
                            match sum {
                                0 => added.copy_from_slice(total),
                                _ => {
                                    added.iter_mut().zip(total).for_each(|(sum, &term)| *sum = sum.plus(term))
                                }
                            }
                        }
                        let first =
                            (group * out_channels + panel.channels.start) * patch + channels.start * taps;
                        if self.correlates {
                            for (row, columns) in added.chunks_exact(width).enumerate() {
                                for (channel, lanes) in columns.chunks_exact(self.kernel.lanes).enumerate() {
                                    let sum = lanes.iter().fold(T::ZERO, |sum, &lane| sum.plus(lane));
                                    // SAFETY: `at` has checked the element, and tasks differ in the group or the input
                                    // channels.
                                    unsafe { *out.at(first + channel * patch + row, 1) = sum }
                                }
                            }
                            return;
                        }
                        let columns = panel.channels.len();
                        let turn = Turn {
                            rows,
                            columns,
                            from: added.as_ptr(),
                            from_row: width,
                            to: out.at(first, (columns - 1) * patch + rows),
                            to_row: patch,
                        };
                        // SAFETY: there are `rows` rows of at least `columns`, `at` has checked the elements of the result,
                        // and tasks differ in the group, the input channels or the output channels.
                        unsafe { (self.kernel.turn)(&turn) }
                    });
                }
            },
        );
    }

    /// Channels of a panel, the empty ones of its last vector among them, and those before it.
    fn extent(&self, panel: &Panel) -> (usize, usize) {
        (panel.columns * self.kernel.lanes, panel.first_column * self.kernel.lanes)
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
            let (width, before) = self.extent(&panel);
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
