//! What a reduction reads for each of its outputs, and how its work is cut. Nothing here depends on the element types.

use super::axes::Axes;
use crate::par;
use std::ops::Range;

/// Reduced elements that one task combines for one output.
pub(super) const BLOCK: usize = 4096;
/// Neighbouring outputs that are reduced together where the kept axis is the inner one: runs long enough to stream from
/// memory, and few enough that their running values stay in the nearest cache.
pub(super) const COLUMNS: usize = 512;

/// Widest rows of outputs whose running values, one in each lane, stay together in the nearest cache.
const NARROW: usize = 128;

/// A reduction of two views of one shape.
pub(super) struct Plan {
    /// Where the first element of each view lies.
    origins: [usize; 2],
    pub(super) kept: Axes,
    pub(super) reduced: Axes,
    /// Whether neighbours in memory belong to neighbouring outputs.
    pub(super) by_columns: bool,
    /// Values that one task finds.
    pub(super) task: usize,
}

impl Plan {
    pub(super) fn new(
        shape: &[usize],
        strides: [&[isize]; 2],
        origins: [usize; 2],
        reduced_axes: &[usize],
    ) -> Self {
        let kept = Axes::merged(shape, strides, reduced_axes, false);
        let reduced = Axes::merged(shape, strides, reduced_axes, true);
        let (outer, inner) = (reduced.inner(), kept.inner());
        let by_columns = inner.size > 1 && inner.strides[0].abs() < outer.strides[0].abs();
        // Whole rows of outputs, where these are no longer than what is reduced together.
        let unit = if by_columns { inner.size.min(COLUMNS) } else { 1 };
        let task = par::rows_per_task(reduced.count.min(BLOCK)).next_multiple_of(unit);
        Self { origins, kept, reduced, by_columns, task }
    }

    /// How many blocks the reduced elements of an output make.
    pub(super) fn blocks(&self) -> usize {
        self.reduced.count.div_ceil(BLOCK)
    }

    /// The numbers of the reduced elements in a block.
    #[inline]
    pub(super) fn block(&self, block: usize) -> Range<usize> {
        block * BLOCK..((block + 1) * BLOCK).min(self.reduced.count)
    }

    /// Where the elements of an output begin in a view's buffer.
    #[inline(always)]
    pub(super) fn origin(&self, view: usize, output: usize) -> isize {
        self.origins[view] as isize + self.kept.locate(view, output)
    }

    /// Whether `width` outputs that are neighbours along the inner kept axis are short rows of the first view, which follow
    /// each other in memory without a gap.
    #[inline]
    pub(super) fn is_narrow(&self, width: usize) -> bool {
        let (kept, reduced) = (self.kept.inner(), self.reduced.inner());
        let no_gap = width == kept.size && kept.strides[0] == 1 && reduced.strides[0] == width as isize;
        no_gap && width <= NARROW && self.reduced.is_one_axis()
    }

    /// Where the elements of that number begin in a view's buffer.
    #[inline(always)]
    pub(super) fn origin_of_number(&self, view: usize, number: usize) -> isize {
        self.origins[view] as isize + self.reduced.locate(view, number)
    }
}
