//! Images in bf16 parts, laid out so that tiles are read in place.
//!
//! What a block of positions reads of a channel is first copied into a frame of zeros, in which padding is like any other
//! element, and then split. A word holds the same element of two frames: of two channels, or of two images. Rows and columns
//! are sorted by their remainders by the stride, so that sixteen neighbouring positions read sixteen words that follow
//! each other, at the same distance for every position, whatever the tap.

use super::super::blocks::Block;
use super::super::frame::Axis;
use super::super::kernel::{self, Kernel};
use super::super::sweep::Sweep;
use crate::simd::{self, vectorize};
use crate::tiles::parts::{Splitter, TILE};

/// What a block reads of a channel: for each remainder of the columns, for each remainder of the rows, a part of the
/// image, and zeros behind the last row.
#[derive(Clone, Copy, Debug)]
pub struct Planes {
    rows: Axis,
    columns: Axis,
    /// The strides that remainders are taken by.
    phases: [usize; 2],
    /// Rows of a part.
    height: usize,
    /// Columns of a part.
    width: usize,
    /// Words of all parts of a remainder of the columns; a tile may begin at any position and ends before the next.
    phase: usize,
}

impl Planes {
    /// What the largest block reads of a source of `size`.
    pub fn new(rows: &[Sweep], columns: &[Sweep], block: &Block, size: [usize; 2]) -> Self {
        // A single position reads all elements at one distance, whatever the stride.
        let step = |sweeps: &[Sweep], count: usize| if count > 1 { sweeps[0].step } else { 1 };
        let phases = [step(rows, block.rows.len()), step(columns, block.columns.len())];
        let rows = Axis::new(rows, &block.rows, size[0]);
        let columns = Axis::new(columns, &block.columns, size[1]);
        let (height, width) = (rows.len.div_ceil(phases[0]), columns.len.div_ceil(phases[1]));
        let phase = (phases[0] * height * width + TILE).next_multiple_of(TILE);
        Self { rows, columns, phases, height, width, phase }
    }

    /// The same distances around another block, no larger.
    pub fn moved_to(self, block: &Block) -> Self {
        let (rows, columns) =
            (self.rows.moved_to(block.rows.start), self.columns.moved_to(block.columns.start));
        Self { rows, columns, ..self }
    }

    /// Words of a channel, as many as numbers of its frame.
    pub fn len(&self) -> usize {
        self.phases[1] * self.phase
    }

    /// Where the position in this row and column of the block is.
    pub fn position(&self, row: usize, column: usize) -> usize {
        row * self.width + column
    }

    /// The taps of a pair of sweeps, `(row tap, column tap)`, each with the distance at which every position meets it; by
    /// distance, so that neighbours in the list read much the same words.
    pub fn taps(&self, rows: &Sweep, columns: &Sweep) -> Vec<([usize; 2], usize)> {
        let mut taps = Vec::with_capacity(rows.reads.len() * columns.reads.len());
        for row in &rows.reads {
            let y = (row.shift - self.rows.least) as usize;
            let start = (y % self.phases[0] * self.height + y / self.phases[0]) * self.width;
            for column in &columns.reads {
                let x = (column.shift - self.columns.least) as usize;
                let distance = x % self.phases[1] * self.phase + start + x / self.phases[1];
                taps.push(([row.tap, column.tap], distance));
            }
        }
        taps.sort_by_key(|&(_, distance)| distance);
        taps
    }

    /// Copies what the block reads of `planes`, each of `size`, into frames of [`Planes::len`] numbers each.
    pub fn frame(&self, kernel: &Kernel<f32>, planes: &[f32], size: [usize; 2], frames: &mut [f32]) {
        let [height, width] = size;
        let (len, row) = (self.len(), self.width * self.phases[1]);
        let count = planes.len() / (height * width).max(1);
        let frames = &mut frames[..count * len];
        let (rows, columns) = (&self.rows, &self.columns);
        let part = self.height * row;
        for phase in 0..self.phases[0] {
            let reach = |end: usize| end.saturating_sub(phase).div_ceil(self.phases[0]);
            let (top, bottom) = (reach(rows.before()), reach(rows.before() + rows.count()));
            if top >= bottom || columns.count() == 0 {
                frames.chunks_exact_mut(len).for_each(|frame| frame[phase * part..][..part].fill(0.0));
                continue;
            }
            let first = rows.inside[0] + top * self.phases[0] + phase - rows.before();
            let frame = kernel::Frame {
                planes: count,
                rows: bottom - top,
                columns: columns.count(),
                from: planes[first * width + columns.inside[0]..].as_ptr(),
                from_plane: height * width,
                from_row: self.phases[0] * width,
                to: frames[phase * part..].as_mut_ptr(),
                to_plane: len,
                height: self.height,
                width: row,
                top,
                left: columns.before(),
            };
            // SAFETY: the elements inside are within every plane of the source. What is written after the last row of a
            // part belongs to the next part, which comes later, or to the end of the frame, which has room for a tile.
            unsafe { (kernel.frame)(&frame) }
        }
        frames.chunks_exact_mut(len).for_each(|frame| frame[self.phases[0] * part..].fill(0.0));
    }

    /// Splits two frames into words: parts lie `part` words apart in `words`. Whether all numbers were ordinary, as
    /// [`Splitter::ordinary`] says.
    pub fn split<const PARTS: usize>(
        &self,
        low: &[f32],
        high: &[f32],
        words: &mut [u32],
        part: usize,
    ) -> bool {
        let [low, high] = [low, high].map(|frame| &frame[..self.len()]);
        vectorize(Split::<PARTS> { phases: self.phases[1], low, high, words, part })
    }
}

/// Words from a row of tiles to the next: at least `words`, and an odd number of cache lines, so that the rows of a tile fall
/// on different sets of a cache.
pub fn row(words: usize) -> usize {
    (words.div_ceil(TILE) | 1) * TILE
}

/// Splits frames whose columns are still in order.
struct Split<'a, const PARTS: usize> {
    phases: usize,
    low: &'a [f32],
    high: &'a [f32],
    words: &'a mut [u32],
    part: usize,
}

impl<const PARTS: usize> Split<'_, PARTS> {
    #[inline(always)]
    fn store(&mut self, at: usize, parts: [[u32; TILE]; PARTS]) {
        for (part, words) in parts.iter().enumerate() {
            self.words[part * self.part + at..][..TILE].copy_from_slice(words);
        }
    }
}

impl<const PARTS: usize> simd::Kernel for Split<'_, PARTS> {
    type Output = bool;

    #[inline(always)]
    fn run(mut self) -> bool {
        let mut splitter = Splitter::new();
        let phase = self.low.len() / self.phases;
        match self.phases {
            1 => {
                let (low, high) = (self.low.as_chunks::<TILE>().0, self.high.as_chunks::<TILE>().0);
                for (i, (low, high)) in low.iter().zip(high).enumerate() {
                    self.store(i * TILE, splitter.split(*low, *high));
                }
            }
            2 => {
                let low = self.low.as_chunks::<{ 2 * TILE }>().0;
                let high = self.high.as_chunks::<{ 2 * TILE }>().0;
                for (i, (low, high)) in low.iter().zip(high).enumerate() {
                    for remainder in 0..2 {
                        let parts =
                            splitter.split(every_second(low, remainder), every_second(high, remainder));
                        self.store(remainder * phase + i * TILE, parts);
                    }
                }
            }
            phases => {
                for remainder in 0..phases {
                    for i in (0..phase).step_by(TILE) {
                        let (mut low, mut high) = ([0.0; TILE], [0.0; TILE]);
                        for lane in 0..TILE {
                            low[lane] = self.low[(i + lane) * phases + remainder];
                            high[lane] = self.high[(i + lane) * phases + remainder];
                        }
                        self.store(remainder * phase + i, splitter.split(low, high));
                    }
                }
            }
        }
        splitter.ordinary()
    }
}

#[inline(always)]
fn every_second(numbers: &[f32; 2 * TILE], first: usize) -> [f32; TILE] {
    let mut lanes = [0.0; TILE];
    for lane in 0..TILE {
        lanes[lane] = numbers[2 * lane + first];
    }
    lanes
}
