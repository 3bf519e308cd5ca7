//! The engine of all reductions: a tree over the reduced elements whose form depends on their number only.
//!
//! The reduced elements of one output are numbered row-major. Element `r` belongs to block `r / BLOCK` and, inside
//! it, to lane `r % LANES`. A lane is combined in order, the lanes of a block by a binary tree, the blocks by another.
//! The order therefore depends neither on the number of threads nor on the strides, the lanes fill vector registers,
//! and the rounding error of a sum of `n` numbers grows with `log n` rather than with `n`.

use crate::{Element, View, par};

/// Running values that are combined side by side.
const LANES: usize = 16;
/// Reduced elements that one task combines for one output.
const BLOCK: usize = 1024;
/// Neighbouring outputs that are reduced together where the kept axis is the inner one.
const COLUMNS: usize = 128;

/// Reduces `view` over `axes`: each output combines `map(element)` of its elements, or is `empty` where there are none.
///
/// `out` holds the kept axes row-major; `combine` must be associative up to rounding.
///
/// # Panics
/// When `out` has another length than the kept axes have elements.
pub fn fold<T: Element, A: Copy + Send + Sync>(
    view: View<T>,
    axes: &[usize],
    out: &mut [A],
    empty: A,
    map: impl Fn(T) -> A + Send + Sync,
    combine: impl Fn(A, A) -> A + Send + Sync,
) {
    fold_pairs(view, view, axes, out, empty, |_, value, _| map(value), combine);
}

/// Reduces two views of one shape at once: like [`fold`] with `map(output, first element, second element)`, where
/// `output` is the position in `out` that the elements are combined into.
///
/// # Panics
/// When the shapes differ or `out` has another length than the kept axes have elements.
pub fn fold_pairs<T: Element, U: Element, A: Copy + Send + Sync>(
    first: View<T>,
    second: View<U>,
    axes: &[usize],
    out: &mut [A],
    empty: A,
    map: impl Fn(usize, T, U) -> A + Send + Sync,
    combine: impl Fn(A, A) -> A + Send + Sync,
) {
    assert_eq!(first.shape(), second.shape(), "both views of a reduction have one shape");
    let strides = [first.strides(), second.strides()];
    let kept = Axes::merged(first.shape(), strides, |axis| !axes.contains(&axis));
    let reduced = Axes::merged(first.shape(), strides, |axis| axes.contains(&axis));
    assert_eq!(out.len(), kept.count, "a reduction writes one value for each element of the kept axes");
    if out.is_empty() {
        return;
    }
    if reduced.count == 0 {
        out.fill(empty);
        return;
    }
    let blocks = reduced.count.div_ceil(BLOCK);
    let fold = Fold { first, second, kept, reduced, empty, map, combine };
    if blocks == 1 {
        fold.partials(out);
        return;
    }
    let width = out.len();
    let mut partials = vec![empty; blocks * width];
    fold.partials(&mut partials);
    combine_rows(&mut partials, width, &fold.combine);
    out.copy_from_slice(&partials[..width]);
}

/// The axes that are kept or the ones that are reduced, for both views.
struct Axes {
    axes: Vec<Axis>,
    count: usize,
}

#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    strides: [isize; 2],
}

impl Axes {
    /// The chosen axes, neighbours merged where they lie in both buffers as one axis does; at least one.
    fn merged(shape: &[usize], strides: [&[isize]; 2], chosen: impl Fn(usize) -> bool) -> Self {
        let mut axes: Vec<Axis> = Vec::with_capacity(shape.len().max(1));
        for axis in (0..shape.len()).filter(|&axis| chosen(axis) && shape[axis] != 1) {
            let (size, strides) = (shape[axis], strides.map(|strides| strides[axis]));
            match axes.last_mut() {
                Some(outer) if outer.strides == strides.map(|stride| stride * size as isize) => {
                    *outer = Axis { size: outer.size * size, strides };
                }
                _ => axes.push(Axis { size, strides }),
            }
        }
        let count = axes.iter().map(|axis| axis.size).product();
        if axes.is_empty() {
            axes.push(Axis { size: 1, strides: [1, 1] });
        }
        Self { axes, count }
    }

    /// The innermost axis.
    fn inner(&self) -> Axis {
        self.axes[self.axes.len() - 1]
    }

    /// Distance in each buffer from the first element to the one at row-major `position`.
    fn locate(&self, mut position: usize) -> [isize; 2] {
        let mut distance = [0; 2];
        let mut add = |axis: &Axis, index: usize| {
            distance[0] += index as isize * axis.strides[0];
            distance[1] += index as isize * axis.strides[1];
        };
        for axis in self.axes[1..].iter().rev() {
            add(axis, position % axis.size);
            position /= axis.size;
        }
        add(&self.axes[0], position);
        distance
    }
}

struct Fold<'a, T, U, A, M, C> {
    first: View<'a, T>,
    second: View<'a, U>,
    kept: Axes,
    reduced: Axes,
    empty: A,
    map: M,
    combine: C,
}

impl<T, U, A, M, C> Fold<'_, T, U, A, M, C>
where
    T: Element,
    U: Element,
    A: Copy + Send + Sync,
    M: Fn(usize, T, U) -> A + Send + Sync,
    C: Fn(A, A) -> A + Send + Sync,
{
    /// Fills `out`, `[blocks, outputs]`, with the value of each block of each output.
    fn partials(&self, out: &mut [A]) {
        let row = self.kept.inner().size;
        let by_columns =
            row > 1 && self.kept.inner().strides[0].abs() < self.reduced.inner().strides[0].abs();
        let smallest = if by_columns { COLUMNS } else { 1 };
        let outputs_per_task = par::rows_per_task(self.reduced.count.min(BLOCK)).max(smallest);
        par::chunks_mut(out, outputs_per_task, |start, mut part| {
            let mut position = start;
            let mut lanes = if by_columns { vec![self.empty; LANES * COLUMNS] } else { Vec::new() };
            while !part.is_empty() {
                let (block, output) = (position / self.kept.count, position % self.kept.count);
                let width = (row - output % row).min(part.len()).min(COLUMNS);
                let (segment, rest) = part.split_at_mut(width);
                if by_columns {
                    self.columns(block, output, &mut lanes[..], segment);
                } else {
                    self.rows(block, output, segment);
                }
                position += width;
                part = rest;
            }
        });
    }

    /// The numbers of the reduced elements in a block.
    fn block(&self, block: usize) -> std::ops::Range<usize> {
        block * BLOCK..((block + 1) * BLOCK).min(self.reduced.count)
    }

    /// Buffer indices of the first element of an output.
    fn origin(&self, output: usize) -> [isize; 2] {
        let [first, second] = self.kept.locate(output);
        [self.first.offset() as isize + first, self.second.offset() as isize + second]
    }

    /// Reduces neighbouring outputs together, one reduced element of all of them after the other.
    fn columns(&self, block: usize, output: usize, lanes: &mut [A], out: &mut [A]) {
        let width = out.len();
        let strides = self.kept.inner().strides;
        let origin = self.origin(output);
        let elements = self.block(block);
        let used = elements.len().min(LANES);
        for (number, element) in elements.enumerate() {
            let [first, second] = self.reduced.locate(element);
            let at = [origin[0] + first, origin[1] + second];
            let lane = &mut lanes[number % LANES * width..][..width];
            self.zip(at, strides, output, lane, number < LANES);
        }
        combine_rows(&mut lanes[..used * width], width, &self.combine);
        out.copy_from_slice(&lanes[..width]);
    }

    /// Combines a run of elements into a lane each, or starts the lanes with them.
    #[inline(always)]
    fn zip(&self, at: [isize; 2], strides: [isize; 2], output: usize, lanes: &mut [A], start: bool) {
        let width = lanes.len();
        if strides == [1, 1] {
            let first = &self.first.data()[at[0] as usize..][..width];
            let second = &self.second.data()[at[1] as usize..][..width];
            let values = first.iter().zip(second).enumerate();
            if start {
                for (lane, (i, (&a, &b))) in lanes.iter_mut().zip(values) {
                    *lane = (self.map)(output + i, a, b);
                }
            } else {
                for (lane, (i, (&a, &b))) in lanes.iter_mut().zip(values) {
                    *lane = (self.combine)(*lane, (self.map)(output + i, a, b));
                }
            }
        } else {
            for (i, lane) in lanes.iter_mut().enumerate() {
                let value = self.map_strided(at, strides, i, output + i);
                *lane = if start { value } else { (self.combine)(*lane, value) };
            }
        }
    }

    /// Reduces outputs one after the other, each along the rows of its reduced elements.
    fn rows(&self, block: usize, output: usize, out: &mut [A]) {
        let Axis { size: row, strides } = self.reduced.inner();
        let elements = self.block(block);
        for (i, value) in out.iter_mut().enumerate() {
            let output = output + i;
            let origin = self.origin(output);
            let mut lanes = Lanes::new(self.empty);
            let mut element = elements.start;
            while element < elements.end {
                let length = (row - element % row).min(elements.end - element);
                let [first, second] = self.reduced.locate(element);
                let at = [origin[0] + first, origin[1] + second];
                if strides == [1, 1] {
                    let first = &self.first.data()[at[0] as usize..][..length];
                    let second = &self.second.data()[at[1] as usize..][..length];
                    lanes.extend(first, second, |a, b| (self.map)(output, a, b), &self.combine);
                } else {
                    for i in 0..length {
                        lanes.push(self.map_strided(at, strides, i, output), &self.combine);
                    }
                }
                element += length;
            }
            *value = lanes.finish(&self.combine);
        }
    }

    #[inline(always)]
    fn map_strided(&self, at: [isize; 2], strides: [isize; 2], i: usize, output: usize) -> A {
        let first = self.first.data()[(at[0] + i as isize * strides[0]) as usize];
        let second = self.second.data()[(at[1] + i as isize * strides[1]) as usize];
        (self.map)(output, first, second)
    }
}

/// The running values of one block.
struct Lanes<A> {
    values: [A; LANES],
    count: usize,
}

impl<A: Copy> Lanes<A> {
    /// No elements yet; `empty` is what [`Lanes::finish`] returns if none come.
    fn new(empty: A) -> Self {
        Self { values: [empty; LANES], count: 0 }
    }

    #[inline(always)]
    fn push(&mut self, value: A, combine: &impl Fn(A, A) -> A) {
        let lane = &mut self.values[self.count % LANES];
        *lane = if self.count < LANES { value } else { combine(*lane, value) };
        self.count += 1;
    }

    /// Adds `map` of each pair, whole vectors of lanes at a time.
    #[inline(always)]
    fn extend<T: Copy, U: Copy>(
        &mut self,
        first: &[T],
        second: &[U],
        map: impl Fn(T, U) -> A,
        combine: &impl Fn(A, A) -> A,
    ) {
        // Single elements only up to the boundary of a vector, and after the last one.
        let head = (LANES - self.count % LANES) % LANES;
        let (first_head, first) = first.split_at(head.min(first.len()));
        let (second_head, second) = second.split_at(head.min(second.len()));
        for (&a, &b) in first_head.iter().zip(second_head) {
            self.push(map(a, b), combine);
        }
        let (first_vectors, first_tail) = first.as_chunks::<LANES>();
        let (second_vectors, second_tail) = second.as_chunks::<LANES>();
        let mut vectors = first_vectors.iter().zip(second_vectors);
        let mut values = self.values;
        if self.count == 0
            && let Some((a, b)) = vectors.next()
        {
            values = std::array::from_fn(|lane| map(a[lane], b[lane]));
        }
        for (a, b) in vectors {
            for lane in 0..LANES {
                values[lane] = combine(values[lane], map(a[lane], b[lane]));
            }
        }
        self.values = values;
        self.count += first_vectors.len() * LANES;
        for (&a, &b) in first_tail.iter().zip(second_tail) {
            self.push(map(a, b), combine);
        }
    }

    #[inline(always)]
    fn finish(mut self, combine: &impl Fn(A, A) -> A) -> A {
        match self.count {
            0 => {}
            // Of constant length, which the compiler unrolls.
            LANES.. => combine_rows(&mut self.values, 1, combine),
            used => combine_rows(&mut self.values[..used], 1, combine),
        }
        self.values[0]
    }
}

/// Combines `map` of each pair of elements of two rows, in the lanes of one block however long they are.
pub(crate) fn fold_slices<T: Copy, U: Copy, A: Copy>(
    first: &[T],
    second: &[U],
    empty: A,
    map: impl Fn(T, U) -> A,
    combine: impl Fn(A, A) -> A,
) -> A {
    let mut lanes = Lanes::new(empty);
    lanes.extend(first, second, map, &combine);
    lanes.finish(&combine)
}

/// Combines rows of `width` values by a binary tree into the first row.
#[inline(always)]
pub(crate) fn combine_rows<A: Copy>(rows: &mut [A], width: usize, combine: &impl Fn(A, A) -> A) {
    let count = rows.len() / width;
    let mut gap = 1;
    while gap < count {
        for row in (0..count - gap).step_by(2 * gap) {
            let (head, tail) = rows.split_at_mut((row + gap) * width);
            for (a, &b) in head[row * width..][..width].iter_mut().zip(&tail[..width]) {
                *a = combine(*a, b);
            }
        }
        gap *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(view: View<f32>, axes: &[usize]) -> Vec<f32> {
        let kept = (0..view.shape().len()).filter(|axis| !axes.contains(axis));
        let mut out = vec![f32::NAN; kept.map(|axis| view.shape()[axis]).product()];
        fold(view, axes, &mut out, 0.0, |x| x, |a, b| a + b);
        out
    }

    /// Numbers whose sums round, so that equal bits mean an equal order.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.3).collect()
    }

    #[test]
    fn order_is_independent_of_the_layout() {
        for (rows, columns) in [(1, 1), (2, 3000), (3000, 2), (5, 17), (1025, 130), (40, 1100)] {
            let data = numbers(rows * columns);
            let mut transposed = vec![0.0; rows * columns];
            View::new(&data, &[columns, rows], &[1, columns as isize], 0).copy_to(&mut transposed);
            let (shape, turned) = ([rows, columns], [1, rows as isize]);
            for axes in [&[0][..], &[1], &[0, 1]] {
                let straight = sum(View::new(&data, &shape, &[columns as isize, 1], 0), axes);
                let strided = sum(View::new(&transposed, &shape, &turned, 0), axes);
                assert_eq!(straight, strided, "{rows}×{columns} over {axes:?}");
            }
        }
    }

    #[test]
    fn matches_exact_sums() {
        let (n, c, l) = (37, 5, 61);
        let data: Vec<i64> = (0..n * c * l).map(|i| (i * i % 97) as i64).collect();
        let strides = [(c * l) as isize, l as isize, 1];
        let mut out = vec![0; c];
        fold(View::new(&data, &[n, c, l], &strides, 0), &[0, 2], &mut out, 0, |x| x, |a, b| a + b);
        for (channel, &sum) in out.iter().enumerate() {
            let exact: i64 = (0..n * l).map(|i| data[i / l * c * l + channel * l + i % l]).sum();
            assert_eq!(sum, exact);
        }
        let mut out = vec![0; n * l];
        fold(View::new(&data, &[n, c, l], &strides, 0), &[1], &mut out, 0, |x| x, |a, b| a + b);
        for (i, &sum) in out.iter().enumerate() {
            let exact: i64 = (0..c).map(|channel| data[i / l * c * l + channel * l + i % l]).sum();
            assert_eq!(sum, exact);
        }
    }

    #[test]
    fn flipped_broadcast_and_empty() {
        let data = [1.0f32, 2.0, 3.0];
        assert_eq!(sum(View::new(&data, &[4, 3], &[0, -1], 2), &[0]), [12.0, 8.0, 4.0]);
        assert_eq!(sum(View::new(&data, &[4, 3], &[0, -1], 2), &[1]), [6.0; 4]);
        assert_eq!(sum(View::new(&data, &[0, 3], &[3, 1], 0), &[0]), [0.0; 3]);
        assert_eq!(sum(View::new(&data, &[0, 3], &[3, 1], 0), &[1]), [0.0; 0]);
        assert_eq!(sum(View::new(&data, &[], &[], 1), &[]), [2.0]);
        assert_eq!(sum(View::new(&data, &[3], &[1], 0), &[]), data);
    }

    #[test]
    fn pairs_know_their_output() {
        let (a, b) = ([1i64, 2, 3, 4, 5, 6], [10i64, 20, 30, 40, 50, 60]);
        let view = |data| View::new(data, &[2, 3], &[3, 1], 0);
        let mut out = [0; 2];
        fold_pairs(view(&a), view(&b), &[1], &mut out, 0, |o, a, b| a * b + o as i64, |a, b| a + b);
        assert_eq!(out, [140, 773]);
        let mut out = [0; 3];
        fold_pairs(view(&a), view(&b), &[0], &mut out, 0, |o, a, b| a * b + o as i64, |a, b| a + b);
        assert_eq!(out, [170, 292, 454]);
    }

    #[test]
    fn a_long_f32_sum_stays_accurate() {
        let data = vec![0.1f32; 10_000_000];
        let total = sum(View::new(&data, &[data.len()], &[1], 0), &[0])[0];
        assert!((f64::from(total) - 1e6).abs() < 1.0, "{total}");
    }
}
