//! The engine of all reductions: a tree over the reduced elements whose form depends on their number only.
//!
//! The reduced elements of one output are numbered row-major. Element `r` belongs to block `r / BLOCK` and, inside
//! it, to lane `r % LANES`. A lane is combined in order, the lanes of a block by a binary tree, the blocks by another.
//! The order therefore depends neither on the number of threads nor on the strides, the lanes fill vector registers,
//! and the rounding error of a sum of `n` numbers grows with `log n` rather than with `n`.

mod axes;
mod columns;
mod lanes;
mod narrow;
mod plan;
#[cfg(test)]
mod tests;

use crate::simd::{Kernel, vectorize_for};
use crate::transpose::TILE;
use crate::{Element, View, par};
use columns::{Columns, Scratch};
use lanes::{combine_group, fold_lanes};
pub(crate) use lanes::{combine_rows, fold_slices};
use plan::{COLUMNS, Plan};
use std::ops::Range;

/// Reduces `view` over `axes`: each output combines `map(element)` of its elements.
///
/// `out` holds the kept axes row-major. `combine` must be associative up to rounding and give back what it finds beside
/// `neutral`, which is also the result where there are no elements.
///
/// # Panics
/// When `out` has another length than the kept axes have elements.
pub fn fold<T: Element, A: Element>(
    view: View<T>,
    axes: &[usize],
    out: &mut [A],
    neutral: A,
    map: impl Fn(T) -> A + Copy + Send + Sync,
    combine: impl Fn(A, A) -> A + Copy + Send + Sync,
) {
    reduce::<T, A, false>([view, view], axes, out, neutral, move |_, value, _| map(value), combine);
}

/// Reduces two views of one shape at once: like [`fold`] with `map(number, first element, second element)`, where
/// `number` counts the elements of an output row-major. A view with stride 0 along `axes` brings a value for each output.
///
/// # Panics
/// When the shapes differ or `out` has another length than the kept axes have elements.
pub fn fold_pairs<T: Element, A: Element>(
    views: [View<T>; 2],
    axes: &[usize],
    out: &mut [A],
    neutral: A,
    map: impl Fn(usize, T, T) -> A + Copy + Send + Sync,
    combine: impl Fn(A, A) -> A + Copy + Send + Sync,
) {
    reduce::<T, A, true>(views, axes, out, neutral, map, combine);
}

/// [`fold_pairs`]; where not `PAIRS`, for a `map` of the first element alone.
fn reduce<T: Element, A: Element, const PAIRS: bool>(
    views: [View<T>; 2],
    axes: &[usize],
    out: &mut [A],
    neutral: A,
    map: impl Fn(usize, T, T) -> A + Copy + Send + Sync,
    combine: impl Fn(A, A) -> A + Copy + Send + Sync,
) {
    assert_eq!(views[0].shape(), views[1].shape(), "both views of a reduction have one shape");
    let strides = [views[0].strides(), views[1].strides()];
    let plan = Plan::new(views[0].shape(), strides, [views[0].offset(), views[1].offset()], axes);
    assert_eq!(out.len(), plan.kept.count, "a reduction writes one value for each element of the kept axes");
    // Nothing to reduce, or nowhere to write it, however many elements the other axes stretch to.
    if plan.reduced.count == 0 || out.is_empty() {
        out.fill(neutral);
        return;
    }
    let data = [views[0].data(), views[1].data()];
    let same =
        views[0].offset() == views[1].offset() && strides[0] == strides[1] && std::ptr::eq(data[0], data[1]);
    let fold = Fold::<_, _, _, _, PAIRS> { plan: &plan, data, same, neutral, map, combine };
    let blocks = plan.blocks();
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
struct Fold<'a, T, A, M, C, const PAIRS: bool> {
    plan: &'a Plan,
    data: [&'a [T]; 2],
    /// Whether both views are one, whose elements need to be found once only.
    same: bool,
    neutral: A,
    map: M,
    combine: C,
}

impl<T, A, M, C, const PAIRS: bool> Fold<'_, T, A, M, C, PAIRS>
where
    T: Element,
    A: Element,
    M: Fn(usize, T, T) -> A + Copy + Send + Sync,
    C: Fn(A, A) -> A + Copy + Send + Sync,
{
    /// The elements with some numbers of one output in view `VIEW`, copied to `scratch` unless they are neighbours.
    #[inline(always)]
    fn row<'r, const VIEW: usize>(
        &'r self,
        output: usize,
        numbers: &Range<usize>,
        scratch: &'r mut Vec<T>,
    ) -> &'r [T] {
        let Plan { reduced, .. } = self.plan;
        let (data, origin) = (self.data[VIEW], self.plan.origin(VIEW, output));
        match reduced.neighbours(VIEW, numbers) {
            Some(start) => &data[(origin + start) as usize..][..numbers.len()],
            None => reduced.gather(VIEW, data, origin, numbers.clone(), scratch),
        }
    }

    /// Fills `out`, `[blocks, outputs]`, with the value of each block of each output.
    fn partials(self, out: &mut [A]) {
        par::chunks_mut(out, self.plan.task, |start, out| {
            vectorize_for::<T, _>(Part { fold: self, start, out });
        });
    }
}

/// Partial results from number `start` of `[blocks, outputs]` on.
struct Part<'a, 'o, T, A, M, C, const PAIRS: bool> {
    fold: Fold<'a, T, A, M, C, PAIRS>,
    start: usize,
    out: &'o mut [A],
}

impl<T, A, M, C, const PAIRS: bool> Kernel for Part<'_, '_, T, A, M, C, PAIRS>
where
    T: Element,
    A: Element,
    M: Fn(usize, T, T) -> A + Copy + Send + Sync,
    C: Fn(A, A) -> A + Copy + Send + Sync,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        if self.fold.plan.by_columns { self.columns() } else { self.rows() }
    }
}

impl<T, A, M, C, const PAIRS: bool> Part<'_, '_, T, A, M, C, PAIRS>
where
    T: Element,
    A: Element,
    M: Fn(usize, T, T) -> A + Copy + Send + Sync,
    C: Fn(A, A) -> A + Copy + Send + Sync,
{
    /// Reduces some outputs, each of which has its elements in a row.
    #[inline(always)]
    fn rows(self) {
        let Fold { plan, same, neutral, map, combine, .. } = self.fold;
        let (mut first_scratch, mut second_scratch) = (Vec::new(), Vec::new());
        let mut group = [[neutral; TILE]; TILE];
        let (mut block, mut output) = (self.start / plan.kept.count, self.start % plan.kept.count);
        for out in self.out.chunks_mut(TILE) {
            for lanes in &mut group[..out.len()] {
                let numbers = plan.block(block);
                let start = numbers.start;
                let first = self.fold.row::<0>(output, &numbers, &mut first_scratch);
                let second =
                    if same { first } else { self.fold.row::<1>(output, &numbers, &mut second_scratch) };
                *lanes = fold_lanes(first, second, neutral, |i, a, b| map(start + i, a, b), combine);
                output += 1;
                if output == plan.kept.count {
                    (block, output) = (block + 1, 0);
                }
            }
            combine_group(&mut group, combine);
            out.copy_from_slice(&group[0][..out.len()]);
        }
    }

    /// Reduces neighbouring outputs together, whose elements of one number lie in a row.
    #[inline(always)]
    fn columns(self) {
        let plan = self.fold.plan;
        let row = plan.kept.inner().size;
        let (mut scratch, mut running) = (Scratch::new(), Vec::new());
        let (mut position, mut rest) = (self.start, self.out);
        while !rest.is_empty() {
            let (block, output) = (position / plan.kept.count, position % plan.kept.count);
            let width = (row - output % row).min(rest.len()).min(COLUMNS);
            let (out, later) = rest.split_at_mut(width);
            if !PAIRS && plan.is_narrow(width) {
                self.fold.narrow(plan.block(block), output, out, &mut running);
            } else {
                Columns::new(self.fold, plan.block(block), output..output + width).run(out, &mut scratch);
            }
            position += width;
            rest = later;
        }
    }
}
