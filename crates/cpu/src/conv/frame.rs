//! The part of a source that a block reads, copied into a frame of zeros.
//!
//! In the frame padding is like any other element, and a tap is at the same distance from every position.

use super::blocks::Block;
use super::kernel::{self, Convolve, Kernel, MOST_LANES};
use super::sweep::Sweep;
use std::ops::Range;

/// One axis of a frame: `len` elements of the source from `start` on, padding included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    start: isize,
    pub len: usize,
    /// The smallest shift of all reads: what the first element is for the first position.
    pub least: isize,
    /// Elements of the source from one position to the next.
    step: usize,
    /// Elements of the source.
    size: usize,
    /// The elements that lie in the source, and are not padding.
    pub inside: [usize; 2],
}

impl Axis {
    /// What `sweeps` read for the positions `range` of a source of `size` elements.
    pub fn new(sweeps: &[Sweep], range: &Range<usize>, size: usize) -> Self {
        let shifts = || sweeps.iter().flat_map(|sweep| sweep.reads.iter().map(|read| read.shift));
        let (least, most) = (shifts().min().unwrap_or(0), shifts().max().unwrap_or(0));
        let step = sweeps[0].step;
        let len = range.len().saturating_sub(1) * step + (most - least) as usize + 1;
        Self { start: 0, len, least, step, size, inside: [0, 0] }.moved_to(range.start)
    }

    /// As many elements, for the positions from `first` on.
    pub fn moved_to(self, first: usize) -> Self {
        let start = (first * self.step) as isize + self.least;
        let clip = |at: isize| at.clamp(0, self.size as isize) as usize;
        Self { start, inside: [clip(start), clip(start + self.len as isize)], ..self }
    }

    /// Elements of padding before the first that lies in the source.
    pub fn before(&self) -> usize {
        (self.inside[0] as isize - self.start).clamp(0, self.len as isize) as usize
    }

    /// Elements that lie in the source.
    pub fn count(&self) -> usize {
        self.inside[1] - self.inside[0]
    }
}

/// Elements of f32 in a cache line.
const LINE: usize = 16;

/// At least `plane`, such that the same element of many channels does not fall on the same few sets of a cache.
fn spread_out(plane: usize) -> usize {
    if plane.is_multiple_of(4 * LINE) { plane + LINE } else { plane }
}

/// What a block reads of each channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    rows: Axis,
    columns: Axis,
    /// Columns are sorted by their remainder by this number. Where it is the step of the sweep, neighbouring positions
    /// read neighbouring elements.
    phases: usize,
    /// Elements of a row.
    width: usize,
    /// Elements from a channel to the next.
    pub plane: usize,
}

impl Frame {
    pub fn new(
        rows: &[Sweep],
        columns: &[Sweep],
        block: &Block,
        [height, width]: [usize; 2],
        phases: usize,
    ) -> Self {
        let rows = Axis::new(rows, &block.rows, height);
        let columns = Axis::new(columns, &block.columns, width);
        let width = columns.len.next_multiple_of(phases);
        Self { rows, columns, phases, width, plane: spread_out(rows.len * width) }
    }

    /// A frame of the same size and with the same distances around another block, no larger.
    pub fn moved_to(self, block: &Block) -> Self {
        let (rows, columns) =
            (self.rows.moved_to(block.rows.start), self.columns.moved_to(block.columns.start));
        Self { rows, columns, ..self }
    }

    /// Copies what the block reads of `planes`, whose rows are `width` long, to the start of `to`, which must be longer
    /// by [`MOST_LANES`]: what follows the last plane is overwritten too.
    pub fn copy<T: Convolve>(
        &self,
        kernel: &Kernel<T>,
        planes: &[T],
        [height, width]: [usize; 2],
        to: &mut [T],
    ) {
        let count = planes.len() / (height * width).max(1);
        assert!(count * self.plane + MOST_LANES <= to.len(), "a frame must fit its buffer");
        let (rows, columns) = (&self.rows, &self.columns);
        if count == 0 || rows.count() == 0 || columns.count() == 0 {
            to[..count * self.plane].fill(T::ZERO);
        } else if self.phases == 1 {
            let frame = kernel::Frame {
                planes: count,
                rows: rows.count(),
                columns: columns.count(),
                from: planes[rows.inside[0] * width + columns.inside[0]..].as_ptr(),
                from_plane: height * width,
                from_row: width,
                to: to.as_mut_ptr(),
                to_plane: self.plane,
                height: rows.len,
                width: self.width,
                top: rows.before(),
                left: columns.before(),
            };
            // SAFETY: the elements inside are within every plane of the source, and the assertion makes room for
            // the frames.
            unsafe { (kernel.frame)(&frame) }
        } else {
            to[..count * self.plane].fill(T::ZERO);
            for (from, to) in planes.chunks_exact(height * width).zip(to.chunks_exact_mut(self.plane)) {
                let to = to.chunks_exact_mut(self.width).skip(rows.before());
                for (from, to) in from.chunks_exact(width).take(rows.inside[1]).skip(rows.inside[0]).zip(to) {
                    let from = &from[columns.inside[0]..columns.inside[1]];
                    for (index, &value) in (columns.before()..).zip(from) {
                        to[self.column(index)] = value;
                    }
                }
            }
        }
    }

    /// Where the first position of the block meets each tap of each of `channels`: (channel, row tap, column tap).
    pub fn taps(&self, channels: usize, rows: &Sweep, columns: &Sweep) -> Vec<usize> {
        let mut taps = Vec::with_capacity(channels * rows.reads.len() * columns.reads.len());
        for channel in 0..channels {
            for row in &rows.reads {
                let start = channel * self.plane + (row.shift - self.rows.least) as usize * self.width;
                let column = |shift: isize| self.column((shift - self.columns.least) as usize);
                taps.extend(columns.reads.iter().map(|read| start + column(read.shift)));
            }
        }
        taps
    }

    /// How far row `row` of positions is from the first one.
    pub fn row(&self, row: usize, sweep: &Sweep) -> usize {
        row * sweep.step * self.width
    }

    /// How far a position is from the one before it.
    pub fn step(&self, sweep: &Sweep) -> usize {
        sweep.step / self.phases
    }

    /// Where element `index` of a row is.
    fn column(&self, index: usize) -> usize {
        index % self.phases * (self.width / self.phases) + index / self.phases
    }
}
