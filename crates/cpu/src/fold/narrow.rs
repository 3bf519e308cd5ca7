//! Reductions of a short row of outputs, whose rows of elements follow each other in memory without a gap.
//!
//! Element r of an output belongs to lane r modulo [`LANES`]. So many rows in turn are one long row, and each place of it
//! is one lane of one output: long rows are combined place by place, whatever the width of the short ones.

use super::Fold;
use super::lanes::{LANES, combine_rows};
use crate::Element;
use std::ops::Range;

/// Long rows that are combined with the running values in one pass over these.
const STACK: usize = 4;

impl<T, A, M, C, const PAIRS: bool> Fold<'_, T, A, M, C, PAIRS>
where
    T: Element,
    A: Element,
    M: Fn(usize, T, T) -> A + Copy,
    C: Fn(A, A) -> A + Copy,
{
    /// Writes the value of a block, the elements with these `numbers`, for each output from `output` on; `running` is
    /// memory to be used again. The map must ask for the first element only.
    #[inline(always)]
    pub(super) fn narrow(&self, numbers: Range<usize>, output: usize, out: &mut [A], running: &mut Vec<A>) {
        let width = out.len();
        let start = self.plan.origin(0, output) + self.plan.reduced.locate(0, numbers.start);
        let elements = &self.data[0][start as usize..][..numbers.len() * width];
        let long = LANES * width;
        running.resize(long.min(elements.len()), self.neutral);
        let (first, rest) = elements.split_at(running.len());
        self.extend_places(running, [first], true);
        let mut stacks = rest.chunks_exact(STACK * long);
        for stack in &mut stacks {
            let (upper, lower) = stack.split_at(2 * long);
            let ((a, b), (c, d)) = (upper.split_at(long), lower.split_at(long));
            self.extend_places(running, [a, b, c, d], false);
        }
        for row in stacks.remainder().chunks(long) {
            self.extend_places(&mut running[..row.len()], [row], false);
        }
        combine_rows(running, width, self.combine);
        out.copy_from_slice(&running[..width]);
    }

    /// Combines each place of long rows into that of the running values, or sets these where they are `fresh`.
    #[inline(always)]
    fn extend_places<const ROWS: usize>(&self, running: &mut [A], rows: [&[T]; ROWS], fresh: bool) {
        for row in &rows {
            assert_eq!(row.len(), running.len());
        }
        for (place, running) in running.iter_mut().enumerate() {
            let mut value = if fresh { self.neutral } else { *running };
            for row in rows {
                // SAFETY: all rows are as long as the running values.
                let x = unsafe { *row.get_unchecked(place) };
                value = (self.combine)(value, (self.map)(0, x, x));
            }
            *running = value;
        }
    }
}
