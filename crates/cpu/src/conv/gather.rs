//! The result of a convolution, or of its adjoint, as sums of shifted copies of a source.
//!
//! Work is cut into blocks of positions and panels of channels by the shape alone. A task copies the part of the source
//! that its block reads into a [`Frame`]; the kernels then run over all positions of the block, be they of one image or
//! of several, and write to a stage, from where results go to their planes.

use super::blocks::{Block, Blocks};
use super::frame::Frame;
use super::kernel::{Convolve, Kernel, MOST_LANES, Product, ROWS, Turn};
use super::panels::{Cut, Layout, Panel, Weight};
use super::sweep::Sweep;
use super::{WANTED_TASKS, WORK_PER_ELEMENT, scratch};
use crate::par::{self, Shared};
use std::ops::Range;

/// `out[n, o, y, x] = bias[o] + Σ over c and the reads of the sweeps of y and x of weight · source[n, c, …]`, for o among
/// the channels of a group and c among its source channels.
pub(super) struct Gather<'a, T> {
    pub images: usize,
    pub groups: usize,
    /// [images, groups · source_channels, source_size]
    pub source: &'a [T],
    /// Source channels of one group.
    pub source_channels: usize,
    pub source_size: [usize; 2],
    /// Channels of the result of one group.
    pub channels: usize,
    /// Rows and columns of the result.
    pub size: [usize; 2],
    /// How the rows of the result are made; together they make each row once.
    pub rows: Vec<Sweep>,
    /// How the columns of the result are made.
    pub columns: Vec<Sweep>,
    pub weight: Weight<'a, T>,
    /// One value a channel of all groups.
    pub bias: Option<&'a [T]>,
}

/// Fewest positions of a block: copying the source and reading the panels should cost little beside the products.
const FEW_POSITIONS: usize = 48;
/// Positions of a block where there are enough for many tasks.
const POSITIONS: usize = 192;
/// Most positions of a block, where a position takes little of the source.
const MANY_POSITIONS: usize = 1024;
/// Elements of the source in a block of more than [`POSITIONS`]: 128 KiB of f32.
const SOURCE: usize = 1 << 15;
/// Rows of a product that are computed before they are written out.
const STAGE: usize = 192;
/// Longest sum that is computed at once: panels of that depth stay in a core's second-level cache.
const DEPTH: usize = 1536;

impl<T: Convolve> Gather<'_, T> {
    /// Every pair of a row sweep and a column sweep.
    pub fn sweep_pairs(&self) -> impl Iterator<Item = (&Sweep, &Sweep)> {
        self.rows.iter().flat_map(|rows| self.columns.iter().map(move |columns| (rows, columns)))
    }

    /// Computes the result.
    pub fn run(&self, kernel: Kernel<T>, out: &mut [T]) {
        let most = |sweeps: &[Sweep]| sweeps.iter().map(|sweep| sweep.count).max().unwrap_or(0);
        let [height, width] = [most(&self.rows), most(&self.columns)];
        // The more lanes have something to do, the better; few channels leave most of a vector empty.
        let share = |size: usize| size as f64 / size.next_multiple_of(kernel.lanes) as f64;
        let slides = self.channels <= kernel.columns && share(width) > share(self.channels);
        let cut = Cut::new(self.channels, if slides { 1 } else { kernel.lanes }, kernel.columns);
        let layout = Layout::new(self, cut);

        let all = [self.images, height, width];
        let per_position = self.source_channels * self.rows[0].step * self.columns[0].step;
        let mut positions = (SOURCE / per_position.max(1)).clamp(POSITIONS, MANY_POSITIONS);
        while positions > FEW_POSITIONS && Blocks::new(all, positions).len() * self.groups < WANTED_TASKS {
            positions /= 2;
        }
        let blocks = Blocks::new(all, positions);
        let enough = blocks.len() * self.groups >= WANTED_TASKS;
        let panels_per_task = if enough { cut.panels() } else { 1 };

        scratch::with([layout.len(), self.groups * cut.width()], |[weights, bias]| {
            layout.pack(self, weights);
            bias.fill(T::ZERO);
            if let Some(values) = self.bias {
                for (to, from) in bias.chunks_exact_mut(cut.width()).zip(values.chunks_exact(self.channels)) {
                    to[..from.len()].copy_from_slice(from);
                }
            }
            Plan { gather: self, kernel, slides, layout, blocks, panels_per_task, weights, bias }.run(out);
        });
    }

    /// Elements of a plane of the result.
    fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }
}

/// A gather with all that is decided before its tasks start.
struct Plan<'a, T> {
    gather: &'a Gather<'a, T>,
    kernel: Kernel<T>,
    /// Whether lanes are neighbours in the image, and not channels.
    slides: bool,
    layout: Layout,
    blocks: Blocks,
    panels_per_task: usize,
    /// All panels of weights.
    weights: &'a [T],
    /// The bias, as wide as the panels.
    bias: &'a [T],
}

/// Rows of a product that go to one place: `len` positions, from row `first` on, to every `spacing`-th element from `to`
/// on. A product that slides has as many positions in each row as there are lanes, and a run for each.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: usize,
    len: usize,
    to: usize,
}

/// The positions of a block that one pair of sweeps makes.
struct Positions {
    /// Where each row of the product starts in the frames; a multiple of [`ROWS`].
    bases: Vec<usize>,
    /// In the order of `bases`.
    runs: Vec<Run>,
    spacing: usize,
}

impl<T: Convolve> Plan<'_, T> {
    fn run(&self, out: &mut [T]) {
        let Gather { groups, channels, .. } = *self.gather;
        let panels = self.layout.cut.panels();
        let parts = panels.div_ceil(self.panels_per_task);
        let depth: usize =
            (0..self.gather.rows.len() * self.gather.columns.len()).map(|pair| self.layout.depth(pair)).sum();
        let work = self.blocks.positions() * channels * depth / WORK_PER_ELEMENT;
        let out = Shared::new(out);
        par::ranges(self.blocks.len() * groups * parts, par::rows_per_task(work / parts), |tasks| {
            for task in tasks {
                let (block, group, part) = (task / parts / groups, task / parts % groups, task % parts);
                let first = part * self.panels_per_task;
                let panels = first..(first + self.panels_per_task).min(panels);
                self.block(&self.blocks.block(block), group, panels, &out);
            }
        });
    }

    /// Computes the positions of a block in the channels of some panels.
    fn block(&self, block: &Block, group: usize, panels: Range<usize>, out: &Shared<T>) {
        let Gather { groups, source, source_channels, source_size, channels, .. } = *self.gather;
        let Gather { rows, columns, .. } = self.gather;
        let phases = if self.slides { columns[0].step } else { 1 };
        let frame = Frame::new(rows, columns, block, source_size, phases);
        let (framed, part) =
            (source_channels * frame.plane, source_channels * source_size[0] * source_size[1]);
        let lengths =
            [block.images.len() * framed + MOST_LANES, STAGE * self.kernel.columns * self.kernel.lanes];
        scratch::with(lengths, |[frames, stage]| {
            for (i, image) in block.images.clone().enumerate() {
                let planes = &source[(image * groups + group) * part..][..part];
                frame.copy(&self.kernel, planes, source_size, &mut frames[i * framed..]);
            }
            for (pair, (rows, columns)) in self.gather.sweep_pairs().enumerate() {
                let positions = self.positions(block, &frame, framed, rows, columns);
                let offsets = frame.taps(source_channels, rows, columns);
                for panel in panels.clone().map(|panel| self.layout.cut.panel(panel)) {
                    let mut runs = &positions.runs[..];
                    for (index, bases) in positions.bases.chunks(STAGE).enumerate() {
                        self.product(group, pair, &panel, frames, bases, &offsets, stage);
                        let staged = index * STAGE..index * STAGE + bases.len();
                        let first = (group * channels + panel.channels.start) * self.gather.plane();
                        runs = self.put(runs, &staged, &panel, positions.spacing, stage, out, first);
                    }
                }
            }
        });
    }

    /// Lists the positions of a block that a pair of sweeps makes. `framed` is the size of an image's frame.
    fn positions(
        &self,
        block: &Block,
        frame: &Frame,
        framed: usize,
        rows: &Sweep,
        columns: &Sweep,
    ) -> Positions {
        let Gather { groups, channels, size, .. } = *self.gather;
        let spacing = columns.spacing;
        let clip = |range: &Range<usize>, count: usize| range.start..range.end.min(count).max(range.start);
        let (row_range, column_range) = (clip(&block.rows, rows.count), clip(&block.columns, columns.count));
        let (mut bases, mut runs) = (Vec::new(), Vec::<Run>::new());
        let lanes = if self.slides { self.kernel.lanes } else { 1 };
        for (i, image) in block.images.clone().enumerate() {
            for row in row_range.clone() {
                let start = i * framed + frame.row(row - block.rows.start, rows);
                let y = image * groups * channels * size[0] + rows.first + row * rows.spacing;
                let to = y * size[1] + columns.first + column_range.start * spacing;
                let count = column_range.len();
                if self.slides {
                    runs.extend((0..count).step_by(lanes).enumerate().map(|(index, column)| Run {
                        first: bases.len() + index,
                        len: lanes.min(count - column),
                        to: to + column * spacing,
                    }));
                } else {
                    match runs.last_mut() {
                        Some(run) if spacing == 1 && run.to + run.len == to => run.len += count,
                        _ => runs.push(Run { first: bases.len(), len: count, to }),
                    }
                }
                bases.extend((0..count).step_by(lanes).map(|column| start + column * frame.step(columns)));
            }
        }
        let rows = bases.len().next_multiple_of(ROWS);
        let last = bases.last().copied().unwrap_or(0);
        bases.resize(rows, last);
        Positions { bases, runs, spacing }
    }

    /// Computes the rows of `bases` in the channels of a panel.
    #[expect(clippy::too_many_arguments)]
    fn product(
        &self,
        group: usize,
        pair: usize,
        panel: &Panel,
        frames: &[T],
        bases: &[usize],
        offsets: &[usize],
        stage: &mut [T],
    ) {
        let Cut { unit, .. } = self.layout.cut;
        let width = panel.columns * unit;
        let start = self.layout.start(group, pair, panel);
        let weights = &self.weights[start..start + offsets.len() * width];
        let bias = &self.bias[group * self.layout.cut.width() + panel.first_column * unit..][..width];
        let out_row = panel.columns * self.kernel.lanes;
        assert!(bases.len().is_multiple_of(ROWS) && bases.len() * out_row <= stage.len());
        let out = stage.as_mut_ptr();
        // The panel of a product that slides is short, and its sums cannot be taken up again.
        let blocks = if self.slides { 1 } else { offsets.len().div_ceil(DEPTH).max(1) };
        // A sum without terms is the bias too.
        let depth = offsets.len().div_ceil(blocks).max(1);
        for first in (0..offsets.len().max(1)).step_by(depth) {
            let offsets = &offsets[first..(first + depth).min(offsets.len())];
            let (start, start_row) =
                if first == 0 { (bias.as_ptr(), 0) } else { (out.cast_const(), out_row) };
            let product = Product {
                tiles: bases.len() / ROWS,
                depth: offsets.len(),
                columns: panel.columns,
                source: frames.as_ptr(),
                bases: bases.as_ptr(),
                offsets: offsets.as_ptr(),
                panel: weights[first * width..].as_ptr(),
                start,
                start_row,
                out,
                out_row,
            };
            // SAFETY: a base is a position in a frame and an offset leads from the first position to a tap, so that their
            // sum is within the frame, where `MOST_LANES` elements follow the last; panel, bias and stage have been
            // checked above.
            unsafe {
                if self.slides { (self.kernel.slide)(&product) } else { (self.kernel.spread)(&product) }
            }
        }
    }

    /// Writes the rows `staged` of a product to their planes; `first` is where the panel's first channel starts. Returns
    /// the runs from the first unfinished one on.
    #[expect(clippy::too_many_arguments)]
    fn put<'r>(
        &self,
        mut runs: &'r [Run],
        staged: &Range<usize>,
        panel: &Panel,
        spacing: usize,
        stage: &[T],
        out: &Shared<T>,
        first: usize,
    ) -> &'r [Run] {
        let (plane, row) = (self.gather.plane(), panel.columns * self.kernel.lanes);
        while let Some(run) = runs.first() {
            let rows = if self.slides { 1 } else { run.len };
            let part = run.first.max(staged.start)..(run.first + rows).min(staged.end);
            if part.is_empty() {
                break;
            }
            let stage = &stage[(part.start - staged.start) * row..(part.end - staged.start) * row];
            let to = first + run.to + (part.start - run.first) * spacing;
            let channels = panel.channels.len();
            // From a channel to the next, and from a position to the next.
            let (channel_step, position_step, count) =
                if self.slides { (self.kernel.lanes, 1, run.len) } else { (1, row, part.len()) };
            if channels * count > 0 {
                let to = out.at(to, (channels - 1) * plane + (count - 1) * spacing + 1);
                if spacing == 1 && !self.slides {
                    let from = stage.as_ptr();
                    let turn =
                        Turn { rows: count, columns: channels, from, from_row: row, to, to_row: plane };
                    // SAFETY: the stage holds `count` rows of at least `channels`, and `at` has checked the elements of
                    // the result, which blocks, panels and groups divide among the tasks.
                    unsafe { (self.kernel.turn)(&turn) }
                } else {
                    for channel in 0..channels {
                        let from = stage[channel * channel_step..].iter().step_by(position_step);
                        for (i, &value) in from.take(count).enumerate() {
                            // SAFETY: as above; a channel is at most the last one, and i below the count.
                            unsafe { *to.add(channel * plane + i * spacing) = value }
                        }
                    }
                }
            }
            if run.first + rows > staged.end {
                break;
            }
            runs = &runs[1..];
        }
        runs
    }
}
