//! Reductions of neighbouring outputs, whose elements of one number lie in a row of memory.

use super::Fold;
use super::lanes::LANES;
use crate::Element;
use std::ops::Range;

/// Elements of one block of some neighbouring outputs.
pub(super) struct Columns<'a, T, A, M, C, const PAIRS: bool> {
    fold: Fold<'a, T, A, M, C, PAIRS>,
    /// The numbers of the reduced elements.
    numbers: Range<usize>,
    outputs: Range<usize>,
    /// Where in each view elements of these outputs begin, counted from that of output 0, if they are neighbours.
    starts: [Option<isize>; 2],
}

/// Memory for [`Columns`], to be used again.
pub(super) struct Scratch<T, A> {
    /// Copies of rows, for each row and view.
    rows: [[Vec<T>; 2]; STACK],
    /// Combined lanes that wait for others, a row each.
    waiting: Vec<A>,
}

/// Rows that are combined with running values in one pass over these.
const STACK: usize = 4;

impl<T, A> Scratch<T, A> {
    pub fn new() -> Self {
        Self { rows: Default::default(), waiting: Vec::new() }
    }
}

impl<'a, T, A, M, C, const PAIRS: bool> Columns<'a, T, A, M, C, PAIRS>
where
    T: Element,
    A: Element,
    M: Fn(usize, T, T) -> A + Copy,
    C: Fn(A, A) -> A + Copy,
{
    #[inline(always)]
    pub fn new(fold: Fold<'a, T, A, M, C, PAIRS>, numbers: Range<usize>, outputs: Range<usize>) -> Self {
        let starts = [fold.plan.kept.neighbours(0, &outputs), fold.plan.kept.neighbours(1, &outputs)];
        Self { fold, numbers, outputs, starts }
    }

    /// Writes the value of the block for each output.
    ///
    /// One lane is finished after the other and combined at once with those that the tree over the lanes has it meet, so
    /// that only a few running values wait, in the nearest cache. The tree combines lane i with lane i + 32, then with
    /// i + 16, and so on: by their numbers with the bits reversed, lanes come in the order in which they meet.
    #[inline(always)]
    pub fn run(self, out: &mut [A], scratch: &mut Scratch<T, A>) {
        let width = out.len();
        let lanes = self.numbers.len().min(LANES);
        // All lanes below have elements, and from here on those that meet one of them first.
        let half = lanes.next_power_of_two().div_ceil(2);
        let Scratch { rows, waiting } = scratch;
        waiting.resize((LANES.ilog2() as usize + 1) * width, self.fold.neutral);
        let mut depth = 0;
        for turn in 0..half {
            let lane = turn.reverse_bits() >> 1 >> (usize::BITS - 1 - half.ilog2());
            self.fill(lane, &mut waiting[depth * width..][..width], rows);
            if lane + half < lanes {
                self.fill(lane + half, &mut waiting[(depth + 1) * width..][..width], rows);
                self.meet(&mut waiting[depth * width..][..2 * width]);
            }
            for _ in 0..turn.trailing_ones() {
                depth -= 1;
                self.meet(&mut waiting[depth * width..][..2 * width]);
            }
            depth += 1;
        }
        out.copy_from_slice(&waiting[..width]);
    }

    /// Combines two rows into the first.
    #[inline(always)]
    fn meet(&self, rows: &mut [A]) {
        let (left, right) = rows.split_at_mut(rows.len() / 2);
        for (a, &b) in left.iter_mut().zip(&*right) {
            *a = (self.fold.combine)(*a, b);
        }
    }

    /// Sets `out` to the values of one lane.
    #[inline(always)]
    fn fill(&self, lane: usize, out: &mut [A], scratch: &mut [[Vec<T>; 2]; STACK]) {
        let mut number = self.numbers.start + lane;
        let mut rest = (self.numbers.end - number).div_ceil(LANES);
        let mut fresh = true;
        while rest > 0 {
            let rows = match rest {
                STACK.. => self.extend::<STACK>(out, number, scratch, fresh),
                2.. => self.extend::<2>(out, number, scratch, fresh),
                _ => self.extend::<1>(out, number, scratch, fresh),
            };
            number += rows * LANES;
            rest -= rows;
            fresh = false;
        }
    }

    /// Combines the elements with the next `ROWS` ≤ [`STACK`] numbers of one lane, from `number` on, into `out`, or begins it
    /// with them where it is `fresh`. Returns `ROWS`.
    #[inline(always)]
    fn extend<const ROWS: usize>(
        &self,
        out: &mut [A],
        number: usize,
        scratch: &mut [[Vec<T>; 2]; STACK],
        fresh: bool,
    ) -> usize {
        let Fold { same, map, combine, .. } = self.fold;
        let (mut first, mut second): ([&[T]; ROWS], [&[T]; ROWS]) = ([&[]; ROWS], [&[]; ROWS]);
        for (row, [a, b]) in scratch.iter_mut().take(ROWS).enumerate() {
            first[row] = self.row::<0>(number + row * LANES, a);
            second[row] = if same { first[row] } else { self.row::<1>(number + row * LANES, b) };
        }
        assert_eq!(out.len(), self.outputs.len());
        for (i, out) in out.iter_mut().enumerate() {
            let mut value = if fresh { self.fold.neutral } else { *out };
            for row in 0..ROWS {
                // SAFETY: `out` and all rows have one element for each output.
                let (a, b) = unsafe { (*first[row].get_unchecked(i), *second[row].get_unchecked(i)) };
                value = combine(value, map(number + row * LANES, a, b));
            }
            *out = value;
        }
        ROWS
    }

    /// The elements of that number in view `VIEW`, one for each output, copied to `scratch` unless they are neighbours.
    #[inline(always)]
    fn row<'r, const VIEW: usize>(&'r self, number: usize, scratch: &'r mut Vec<T>) -> &'r [T] {
        let Fold { plan, data, .. } = self.fold;
        let origin = plan.origin_of_number(VIEW, number);
        match self.starts[VIEW] {
            Some(start) => &data[VIEW][(origin + start) as usize..][..self.outputs.len()],
            None => plan.kept.gather(VIEW, data[VIEW], origin, self.outputs.clone(), scratch),
        }
    }
}
