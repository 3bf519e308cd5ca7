//! The result of a convolution, or of its adjoint, as sums of shifted copies of a source.
//!
//! Work is cut into blocks of positions and panels of channels by the shape alone. A task copies the part of the source
//! that its block reads into a [`Frame`]; the kernels then run over all positions of the block, be they of one image or
//! of several, and write to a stage, from where results go to their planes.

use super::blocks::{Block, Blocks};
use super::frame::Frame;
use super::kernel::{Convolve, Kernel, MOST_LANES, Piece, Product, ROWS, Turn, Weave};
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
        if kernel.on_tiles.is_some_and(|tiles| tiles.gather(self, &kernel, out)) {
            return;
        }
        let most = |sweeps: &[Sweep]| sweeps.iter().map(|sweep| sweep.count).max().unwrap_or(0);
        let [height, width] = [most(&self.rows), most(&self.columns)];
        let slides = kernel.lanes_are_positions(self.channels, width);
        let cut = Cut::new(self.channels, if slides { 1 } else { kernel.lanes }, kernel.columns);
        let layout = Layout::new(self, cut);

        let all = [self.images, height, width];
        // A stride far beyond the image is as good as one that leaves few positions.
        let steps = self.rows[0].step.saturating_mul(self.columns[0].step);
        let per_position = self.source_channels.saturating_mul(steps);
        let mut positions = (SOURCE / per_position.max(1)).clamp(POSITIONS, MANY_POSITIONS);
        while positions > FEW_POSITIONS && Blocks::new(all, positions).len() * self.groups < WANTED_TASKS {
            positions /= 2;
        }
        let blocks = Blocks::new(all, positions);
        let enough = blocks.len() * self.groups >= WANTED_TASKS;
        let panels_per_task = if enough { cut.panels() } else { 1 };

        scratch::with([layout.len(), self.groups * cut.width()], |[weights, bias]| {
            layout.pack(&kernel, self, weights);
            bias.fill(T::ZERO);
            if let Some(values) = self.bias {
                for (to, from) in bias.chunks_exact_mut(cut.width()).zip(values.chunks_exact(self.channels)) {
                    to[..from.len()].copy_from_slice(from);
                }
            }
            // The first block is the largest.
            let phases = if slides { self.columns[0].step } else { 1 };
            let frame = Frame::new(&self.rows, &self.columns, &blocks.block(0), self.source_size, phases);
            let pairs = self.sweep_pairs();
            let offsets =
                pairs.map(|(rows, columns)| frame.taps(self.source_channels, rows, columns)).collect();
            let plan = Plan {
                gather: self,
                kernel,
                slides,
                layout,
                blocks,
                panels_per_task,
                weights,
                bias,
                frame,
                offsets,
            };
            plan.run(out);
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
    /// The frame of the first block.
    frame: Frame,
    /// For each pair of sweeps, how far each k is from a position in a frame.
    offsets: Vec<Vec<usize>>,
}

/// Rows of a product that lie beside each other in the result: `len` of them, from row `first` on. They make the elements
/// `to..to + count` of a plane, together with what the other column sweeps make. A product that slides has as many
/// positions in each row as there are lanes, and a run for each.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: usize,
    len: usize,
    to: usize,
    count: usize,
}

/// The positions of a block that a row sweep makes.
struct Positions {
    /// Where each row of the product starts in the frames; a multiple of [`ROWS`].
    bases: Vec<usize>,
    /// What the rows of each stage make, in the order of the result.
    pieces: Vec<Vec<Piece>>,
}

impl<T: Convolve> Plan<'_, T> {
    fn run(&self, out: &mut [T]) {
        let Gather { groups, channels, .. } = *self.gather;
        let panels = self.layout.cut.panels();
        let parts = panels.div_ceil(self.panels_per_task);
        let pairs = self.gather.rows.len() * self.gather.columns.len();
        let depth: usize = (0..pairs).map(|pair| self.layout.depth(pair)).sum();
        let work = self.blocks.positions() * channels * depth / WORK_PER_ELEMENT;
        let out = Shared::new(out);
        par::ranges(self.blocks.len() * groups * parts, par::rows_per_task(work / parts), |tasks| {
            // Groups of channels have the same positions.
            let mut known = None;
            for task in tasks {
                let (index, group, part) = (task / parts / groups, task / parts % groups, task % parts);
                let block = self.blocks.block(index);
                let positions = match known.take() {
                    Some((known, positions)) if known == index => positions,
                    _ => self.positions(&block),
                };
                let first = part * self.panels_per_task;
                let panels = first..(first + self.panels_per_task).min(panels);
                self.block(&block, &positions, group, panels, &out);
                known = Some((index, positions));
            }
        });
    }

    /// Computes the positions of a block in the channels of some panels.
    fn block(
        &self,
        block: &Block,
        positions: &[Positions],
        group: usize,
        panels: Range<usize>,
        out: &Shared<T>,
    ) {
        let Gather { groups, source, source_channels, source_size, channels, .. } = *self.gather;
        let columns = &self.gather.columns;
        let frame = self.frame.moved_to(block);
        let (framed, part) =
            (source_channels * frame.plane, source_channels * source_size[0] * source_size[1]);
        let (stage_rows, staged) = (self.stage_rows(), self.staged());
        let lengths = [block.images.len() * framed + MOST_LANES, columns.len() * staged, staged];
        scratch::with(lengths, |[frames, threads, stage]| {
            for (i, image) in block.images.clone().enumerate() {
                let planes = &source[(image * groups + group) * part..][..part];
                frame.copy(&self.kernel, planes, source_size, &mut frames[i * framed..]);
            }
            for (index, positions) in positions.iter().enumerate() {
                let offsets = &self.offsets[index * columns.len()..][..columns.len()];
                for panel in panels.clone().map(|panel| self.layout.cut.panel(panel)) {
                    let start = (group * channels + panel.channels.start) * self.gather.plane();
                    for (bases, pieces) in positions.bases.chunks(stage_rows).zip(&positions.pieces) {
                        for (thread, offsets) in offsets.iter().enumerate() {
                            let weights = self.weights(group, index * columns.len() + thread, &panel);
                            let thread = &mut threads[thread * staged..][..staged];
                            let product = if self.slides { &mut *thread } else { &mut *stage };
                            self.product(group, &panel, weights, frames, bases, offsets, product);
                            if !self.slides && columns.len() > 1 {
                                self.turn(&panel, bases.len(), stage, thread);
                            }
                        }
                        self.put(pieces, &panel, stage, threads, out, start);
                    }
                }
            }
        });
    }

    /// Rows of a product that are computed before they are written out, for each column sweep.
    fn stage_rows(&self) -> usize {
        (STAGE / self.gather.columns.len()).next_multiple_of(ROWS)
    }

    /// Elements of a stage.
    fn staged(&self) -> usize {
        self.stage_rows() * self.kernel.columns * self.kernel.lanes
    }

    /// Lists the positions of a block that each row sweep makes.
    fn positions(&self, block: &Block) -> Vec<Positions> {
        self.gather.rows.iter().map(|rows| self.positions_of(block, rows)).collect()
    }

    /// Lists the positions of a block that a row sweep makes; they are the same for all column sweeps, and where some of
    /// these have one element less than others, it is left out in the end.
    fn positions_of(&self, block: &Block, rows: &Sweep) -> Positions {
        let framed = self.gather.source_channels * self.frame.plane;
        let Gather { groups, channels, size: [height, width], .. } = *self.gather;
        let columns = &self.gather.columns[0];
        let lanes = if self.slides { self.kernel.lanes } else { 1 };
        let (count, spacing) = (block.columns.len(), columns.spacing);
        let (mut bases, mut runs) = (Vec::new(), Vec::<Run>::new());
        for (i, image) in block.images.clone().enumerate() {
            for row in block.rows.start..block.rows.end.min(rows.count) {
                let start = i * framed + self.frame.row(row - block.rows.start, rows);
                let y = image * groups * channels * height + rows.first + row * rows.spacing;
                let x = block.columns.start * spacing;
                let run = |first: usize, column: usize, len: usize| Run {
                    first,
                    len,
                    to: y * width + x + column * spacing,
                    count: (lanes.max(len) * spacing).min(width - x - column * spacing),
                };
                if self.slides {
                    let pieces = (0..count).step_by(lanes).enumerate();
                    runs.extend(pieces.map(|(index, column)| run(bases.len() + index, column, 1)));
                } else {
                    let run = run(bases.len(), 0, count);
                    match runs.last_mut() {
                        Some(last) if spacing == 1 && last.to + last.len == run.to => {
                            last.len += run.len;
                            last.count += run.count;
                        }
                        _ => runs.push(run),
                    }
                }
                bases.extend(
                    (0..count).step_by(lanes).map(|column| start + column * self.frame.step(columns)),
                );
            }
        }
        let rows = bases.len().next_multiple_of(ROWS);
        let last = bases.last().copied().unwrap_or(0);
        bases.resize(rows, last);
        let mut runs = &runs[..];
        let pieces = (0..rows).step_by(self.stage_rows());
        let pieces = pieces.map(|first| self.pieces(&mut runs, first..first + self.stage_rows())).collect();
        Positions { bases, pieces }
    }

    /// What the rows `staged` of a product make. Leaves `runs` at the first one that reaches beyond.
    fn pieces(&self, runs: &mut &[Run], staged: Range<usize>) -> Vec<Piece> {
        let spacing = self.gather.columns[0].spacing;
        let mut pieces = Vec::new();
        while let Some(run) = runs.first() {
            let part = run.first.max(staged.start)..(run.first + run.len).min(staged.end);
            if part.is_empty() {
                break;
            }
            let skipped = (part.start - run.first) * spacing;
            let count =
                if part.end == run.first + run.len { run.count - skipped } else { part.len() * spacing };
            pieces.push(Piece { from: part.start - staged.start, to: run.to + skipped, count });
            if run.first + run.len > staged.end {
                break;
            }
            *runs = &runs[1..];
        }
        pieces
    }

    /// The weights of a panel for a pair of sweeps.
    fn weights(&self, group: usize, pair: usize, panel: &Panel) -> &[T] {
        let len = self.layout.depth(pair) * panel.columns * self.layout.cut.unit;
        &self.weights[self.layout.start(group, pair, panel)..][..len]
    }

    /// Computes the rows of `bases` in the channels of a panel.
    #[expect(clippy::too_many_arguments)]
    fn product(
        &self,
        group: usize,
        panel: &Panel,
        weights: &[T],
        frames: &[T],
        bases: &[usize],
        offsets: &[usize],
        stage: &mut [T],
    ) {
        let Cut { unit, .. } = self.layout.cut;
        let width = panel.columns * unit;
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
                panel: weights[first * width..][..offsets.len() * width].as_ptr(),
                start,
                start_row,
                out,
                out_row,
            };
            let multiply = if self.slides { self.kernel.slide } else { self.kernel.spread };
            // SAFETY: a base is a position in a frame and an offset leads from the first position to a tap, so that their
            // sum is within the frame, where `MOST_LANES` elements follow the last; panel, bias and stage have been
            // checked above.
            unsafe { multiply(&product) }
        }
    }

    /// Transposes `rows` rows of a stage, so that the positions of a channel lie beside each other.
    fn turn(&self, panel: &Panel, rows: usize, stage: &[T], turned: &mut [T]) {
        let (from_row, to_row) = (panel.columns * self.kernel.lanes, self.stage_rows());
        assert!(rows <= to_row && rows * from_row <= stage.len() && turned.len() >= self.staged());
        let columns = panel.channels.len();
        let turn = Turn { rows, columns, from: stage.as_ptr(), from_row, to: turned.as_mut_ptr(), to_row };
        // SAFETY: both matrices have been checked above; a panel has no more channels than lanes.
        unsafe { (self.kernel.turn)(&turn) }
    }

    /// Writes pieces to their planes; `start` is where the panel's first channel is. They lie in `stage`, or in `threads`
    /// where there are several column sweeps or the product slides.
    fn put(
        &self,
        pieces: &[Piece],
        panel: &Panel,
        stage: &[T],
        threads: &[T],
        out: &Shared<T>,
        start: usize,
    ) {
        let (plane, channels, count) = (self.gather.plane(), panel.channels.len(), self.gather.columns.len());
        // Pieces come in the order of the result.
        let Some(end) = pieces.last().map(|piece| piece.to + piece.count) else { return };
        let to = out.at(start, (channels - 1) * plane + end);
        if self.slides || count > 1 {
            let weave = Weave {
                pieces,
                channels,
                threads: count,
                from: threads.as_ptr(),
                // A row that slides is several vectors, and rows that have been turned are one element each.
                from_row: if self.slides { panel.columns * self.kernel.lanes } else { 1 },
                from_thread: self.staged(),
                from_channel: if self.slides { self.kernel.lanes } else { self.stage_rows() },
                to,
                to_channel: plane,
            };
            // SAFETY: each thread holds the rows of the pieces; `at` has checked the elements of the result, which blocks,
            // panels and groups divide among the tasks.
            unsafe { (self.kernel.weave)(&weave) }
            return;
        }
        let from_row = panel.columns * self.kernel.lanes;
        for piece in pieces {
            let from = stage[piece.from * from_row..][..piece.count * from_row].as_ptr();
            let to = to.wrapping_add(piece.to);
            let turn = Turn { rows: piece.count, columns: channels, from, from_row, to, to_row: plane };
            // SAFETY: the stage holds as many rows, and as above.
            unsafe { (self.kernel.turn)(&turn) }
        }
    }
}
