//! The engine of all reductions: a tree over the reduced elements whose form depends on their number only.
//!
//! The reduced elements of one output are numbered row-major. Element `r` belongs to block `r / BLOCK` and, inside
//! it, to lane `r % LANES`. A lane is combined in order, the lanes of a block by a binary tree, the blocks by another.
//! The order therefore depends neither on the number of threads nor on the strides, the lanes fill vector registers,
//! and the rounding error of a sum of `n` numbers grows with `log n` rather than with `n`.

mod axes;
mod lanes;
#[cfg(test)]
mod tests;

use crate::simd::{Kernel, vectorize_for};
use crate::{Element, View, par};
use axes::Axes;
use lanes::LANES;
pub(crate) use lanes::{Lanes, combine_rows, fold_slices};

/// Reduced elements that one task combines for one output.
const BLOCK: usize = 4096;
/// Neighbouring outputs that are reduced together where the kept axis is the inner one.
const COLUMNS: usize = 128;

/// Reduces `view` over `axes`: each output combines `map(element)` of its elements.
///
/// `out` holds the kept axes row-major. `combine` must be associative up to rounding and give back what it finds beside
/// `neutral`, which is also the result where there are no elements.
///
/// # Panics
/// When `out` has another length than the kept axes have elements.
pub fn fold<T: Element, A: Copy + Send + Sync>(
    view: View<T>,
    axes: &[usize],
    out: &mut [A],
    neutral: A,
    map: impl Fn(T) -> A + Copy + Send + Sync,
    combine: impl Fn(A, A) -> A + Copy + Send + Sync,
) {
    fold_pairs([view, view], axes, out, neutral, move |_, value, _| map(value), combine);
}

/// Reduces two views of one shape at once: like [`fold`] with `map(number, first element, second element)`, where
/// `number` counts the elements of an output row-major. A view with stride 0 along `axes` brings a value for each output.
///
/// # Panics
/// When the shapes differ or `out` has another length than the kept axes have elements.
pub fn fold_pairs<T: Element, A: Copy + Send + Sync>(
    views: [View<T>; 2],
    axes: &[usize],
    out: &mut [A],
    neutral: A,
    map: impl Fn(usize, T, T) -> A + Copy + Send + Sync,
    combine: impl Fn(A, A) -> A + Copy + Send + Sync,
) {
    assert_eq!(views[0].shape(), views[1].shape(), "both views of a reduction have one shape");
    let strides = views.map(|view| view.strides());
    let kept = Axes::merged(views[0].shape(), strides, |axis| !axes.contains(&axis));
    let reduced = Axes::merged(views[0].shape(), strides, |axis| axes.contains(&axis));
    assert_eq!(out.len(), kept.count, "a reduction writes one value for each element of the kept axes");
    if out.is_empty() {
        return;
    }
    if reduced.count == 0 {
        out.fill(neutral);
        return;
    }
    let fold = Fold { views, kept: &kept, reduced: &reduced, neutral, map, combine };
    let blocks = reduced.count.div_ceil(BLOCK);
    if blocks == 1 {
        fold.partials(out);
        return;
    }
    let width = out.len();
    let mut partials = vec![neutral; blocks * width];
    fold.partials(&mut partials);
    combine_rows(&mut partials, width, combine);
    out.copy_from_slice(&partials[..width]);
}

#[derive(Clone, Copy)]
struct Fold<'a, T, A, M, C> {
    views: [View<'a, T>; 2],
    kept: &'a Axes,
    reduced: &'a Axes,
    neutral: A,
    map: M,
    combine: C,
}

impl<T, A, M, C> Fold<'_, T, A, M, C>
where
    T: Element,
    A: Copy + Send + Sync,
    M: Fn(usize, T, T) -> A + Copy + Send + Sync,
    C: Fn(A, A) -> A + Copy + Send + Sync,
{
    /// Fills `out`, `[blocks, outputs]`, with the value of each block of each output.
    fn partials(self, out: &mut [A]) {
        let (kept, reduced) = (self.kept.inner(), self.reduced.inner());
        let by_columns = kept.size > 1 && kept.strides[0].abs() < reduced.strides[0].abs();
        let smallest = if by_columns { COLUMNS } else { 1 };
        let outputs_per_task = par::rows_per_task(self.reduced.count.min(BLOCK)).max(smallest);
        par::chunks_mut(out, outputs_per_task, |start, out| {
            vectorize_for::<T, _>(Part { fold: self, by_columns, start, out });
        });
    }

    /// The numbers of the reduced elements in a block.
    fn block(&self, block: usize) -> std::ops::Range<usize> {
        block * BLOCK..((block + 1) * BLOCK).min(self.reduced.count)
    }
}

/// Partial results from number `start` of `[blocks, outputs]` on.
struct Part<'a, 'o, T, A, M, C> {
    fold: Fold<'a, T, A, M, C>,
    by_columns: bool,
    start: usize,
    out: &'o mut [A],
}

impl<T, A, M, C> Kernel for Part<'_, '_, T, A, M, C>
where
    T: Element,
    A: Copy + Send + Sync,
    M: Fn(usize, T, T) -> A + Copy + Send + Sync,
    C: Fn(A, A) -> A + Copy + Send + Sync,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        if self.by_columns { self.columns() } else { self.rows() }
    }
}

impl<T, A, M, C> Part<'_, '_, T, A, M, C>
where
    T: Element,
    A: Copy + Send + Sync,
    M: Fn(usize, T, T) -> A + Copy + Send + Sync,
    C: Fn(A, A) -> A + Copy + Send + Sync,
{
    /// Reduces one output after the other.
    #[inline(always)]
    fn rows(self) {
        let Fold { views: [first, second], kept, reduced, neutral, map, combine } = self.fold;
        let mut scratch = [Vec::new(), Vec::new()];
        let [first_scratch, second_scratch] = &mut scratch;
        for (position, out) in (self.start..).zip(self.out) {
            let (block, output) = (self.fold.block(position / kept.count), position % kept.count);
            let first = reduced.run::<0, T>(first, kept.locate::<0>(output), block.clone(), first_scratch);
            let second = reduced.run::<1, T>(second, kept.locate::<1>(output), block.clone(), second_scratch);
            let mut lanes = Lanes::new([neutral]);
            lanes.extend(first, second, |i, a, b| [map(block.start + i, a, b)], combine);
            [*out] = lanes.finish(combine);
        }
    }

    /// Reduces neighbouring outputs together, one reduced element of all of them after the other.
    #[inline(always)]
    fn columns(self) {
        let Fold { views: [first, second], kept, reduced, neutral, map, combine } = self.fold;
        let row = kept.inner().size;
        let mut scratch = [Vec::new(), Vec::new()];
        let [first_scratch, second_scratch] = &mut scratch;
        let mut lanes = Vec::new();
        let (mut position, mut rest) = (self.start, self.out);
        while !rest.is_empty() {
            let (block, output) = (self.fold.block(position / kept.count), position % kept.count);
            let width = (row - output % row).min(rest.len()).min(COLUMNS);
            let (out, later) = rest.split_at_mut(width);
            lanes.clear();
            lanes.resize(block.len().min(LANES) * width, neutral);
            let columns = output..output + width;
            for (i, number) in block.enumerate() {
                let first =
                    kept.run::<0, T>(first, reduced.locate::<0>(number), columns.clone(), first_scratch);
                let second =
                    kept.run::<1, T>(second, reduced.locate::<1>(number), columns.clone(), second_scratch);
                let lane = &mut lanes[i % LANES * width..][..width];
                for ((lane, &a), &b) in lane.iter_mut().zip(first).zip(second) {
                    *lane = combine(*lane, map(number, a, b));
                }
            }
            combine_rows(&mut lanes, width, combine);
            out.copy_from_slice(&lanes[..width]);
            position += width;
            rest = later;
        }
    }
}
