//! Elementwise kernels: a function of one, two or three strided operands, written row-major into a slice.
//!
//! Operands come as views of the output's shape; a broadcast axis has stride zero. Neighbouring axes are merged where
//! every operand allows it, so that a contiguous tensor of any rank is one long row, and each row is walked by a loop
//! over slices that the compiler vectorises.

use crate::element::Element;
use crate::par;
use crate::view::{MAX_RANK, RowWalk, View};

/// `out[i] = f(a[i])`.
///
/// # Panics
/// When `out` has another length than the view.
pub fn map1<A: Element, R: Element>(a: View<A>, out: &mut [R], f: impl Fn(A) -> R + Sync) {
    assert_eq!(out.len(), a.len(), "map1: output and operand must have the same number of elements");
    let space = Space::new([&a]);
    space.run(out, &|[start], out| match lane(&a, start, space.step(0), out.len()) {
        Lane::Dense(a) => out.iter_mut().zip(a).for_each(|(out, &a)| *out = f(a)),
        Lane::Same(a) => out.fill(f(a)),
        strided => out.iter_mut().enumerate().for_each(|(i, out)| *out = f(strided.at(i))),
    });
}

/// `out[i] = f(a[i], b[i])`.
///
/// # Panics
/// When the shapes differ or `out` has another length.
pub fn map2<A: Element, B: Element, R: Element>(
    a: View<A>,
    b: View<B>,
    out: &mut [R],
    f: impl Fn(A, B) -> R + Sync,
) {
    assert_eq!(a.shape(), b.shape(), "map2: operands must be broadcast to one shape");
    assert_eq!(out.len(), a.len(), "map2: output and operands must have the same number of elements");
    let space = Space::new([&a, &b]);
    space.run(out, &|[a_start, b_start], out| {
        let a = lane(&a, a_start, space.step(0), out.len());
        let b = lane(&b, b_start, space.step(1), out.len());
        match (a, b) {
            (Lane::Dense(a), Lane::Dense(b)) => {
                out.iter_mut().zip(a).zip(b).for_each(|((out, &a), &b)| *out = f(a, b))
            }
            (Lane::Dense(a), Lane::Same(b)) => out.iter_mut().zip(a).for_each(|(out, &a)| *out = f(a, b)),
            (Lane::Same(a), Lane::Dense(b)) => out.iter_mut().zip(b).for_each(|(out, &b)| *out = f(a, b)),
            (a, b) => out.iter_mut().enumerate().for_each(|(i, out)| *out = f(a.at(i), b.at(i))),
        }
    });
}

/// `out[i] = f(a[i], b[i], c[i])`.
///
/// # Panics
/// When the shapes differ or `out` has another length.
pub fn map3<A: Element, B: Element, C: Element, R: Element>(
    a: View<A>,
    b: View<B>,
    c: View<C>,
    out: &mut [R],
    f: impl Fn(A, B, C) -> R + Sync,
) {
    assert!(
        a.shape() == b.shape() && b.shape() == c.shape(),
        "map3: operands must be broadcast to one shape"
    );
    assert_eq!(out.len(), a.len(), "map3: output and operands must have the same number of elements");
    let space = Space::new([&a, &b, &c]);
    space.run(out, &|[a_start, b_start, c_start], out| {
        let a = lane(&a, a_start, space.step(0), out.len());
        let b = lane(&b, b_start, space.step(1), out.len());
        let c = lane(&c, c_start, space.step(2), out.len());
        match (a, b, c) {
            (Lane::Dense(a), Lane::Dense(b), Lane::Dense(c)) => {
                out.iter_mut().zip(a).zip(b).zip(c).for_each(|(((out, &a), &b), &c)| *out = f(a, b, c))
            }
            (a, b, c) => out.iter_mut().enumerate().for_each(|(i, out)| *out = f(a.at(i), b.at(i), c.at(i))),
        }
    });
}

/// `values[i] = f(values[i])`.
pub fn map1_in_place<T: Element>(values: &mut [T], f: impl Fn(T) -> T + Sync) {
    par::chunks_mut(values, par::CHUNK, |_, values| values.iter_mut().for_each(|value| *value = f(*value)));
}

/// `values[i] = f(values[i], b[i])`, where `values` lies row-major in the shape of `b`.
///
/// # Panics
/// When `values` has another length than `b`.
pub fn map2_in_place<T: Element, B: Element>(values: &mut [T], b: View<B>, f: impl Fn(T, B) -> T + Sync) {
    assert_eq!(values.len(), b.len(), "map2_in_place: both operands must have the same number of elements");
    let space = Space::new([&b]);
    space.run(values, &|[start], values| match lane(&b, start, space.step(0), values.len()) {
        Lane::Dense(b) => values.iter_mut().zip(b).for_each(|(value, &b)| *value = f(*value, b)),
        Lane::Same(b) => values.iter_mut().for_each(|value| *value = f(*value, b)),
        strided => values.iter_mut().enumerate().for_each(|(i, value)| *value = f(*value, strided.at(i))),
    });
}

/// One operand along (a part of) one row.
#[derive(Clone, Copy)]
enum Lane<'a, T> {
    /// Neighbours in memory.
    Dense(&'a [T]),
    /// A broadcast element.
    Same(T),
    /// Every `step`-th element from `start`.
    Strided { data: &'a [T], start: isize, step: isize },
}

impl<T: Copy> Lane<'_, T> {
    #[inline(always)]
    fn at(&self, i: usize) -> T {
        match *self {
            Lane::Dense(slice) => slice[i],
            Lane::Same(value) => value,
            Lane::Strided { data, start, step } => data[(start + i as isize * step) as usize],
        }
    }
}

fn lane<'a, T: Copy>(view: &View<'a, T>, start: isize, step: isize, len: usize) -> Lane<'a, T> {
    let data = view.data();
    match step {
        0 => Lane::Same(data[start as usize]),
        1 => Lane::Dense(&data[start as usize..start as usize + len]),
        _ => Lane::Strided { data, start, step },
    }
}

/// The common index space of `N` operands of one shape, with as few axes as their strides allow.
struct Space<const N: usize> {
    rank: usize,
    shape: [usize; MAX_RANK],
    strides: [[isize; MAX_RANK]; N],
    offsets: [usize; N],
}

/// What [`Space`] needs to know of a view, whatever its element type.
trait Strided {
    fn shape(&self) -> &[usize];
    fn strides(&self) -> &[isize];
    fn offset(&self) -> usize;
}

impl<T: Copy> Strided for View<'_, T> {
    fn shape(&self) -> &[usize] {
        View::shape(self)
    }
    fn strides(&self) -> &[isize] {
        View::strides(self)
    }
    fn offset(&self) -> usize {
        View::offset(self)
    }
}

impl<const N: usize> Space<N> {
    fn new(operands: [&dyn Strided; N]) -> Self {
        let mut space = Space {
            rank: 0,
            shape: [1; MAX_RANK],
            strides: [[0; MAX_RANK]; N],
            offsets: operands.map(|operand| operand.offset()),
        };
        for (axis, &size) in operands[0].shape().iter().enumerate() {
            if size == 1 {
                continue;
            }
            let steps = operands.map(|operand| operand.strides()[axis]);
            let last = space.rank.wrapping_sub(1);
            let merges = space.rank > 0 && (0..N).all(|n| space.strides[n][last] == steps[n] * size as isize);
            let target = if merges { last } else { space.rank };
            space.rank = target + 1;
            space.shape[target] *= size;
            for (strides, step) in space.strides.iter_mut().zip(steps) {
                strides[target] = step;
            }
        }
        // A single element is a row of one.
        space.rank = space.rank.max(1);
        space
    }

    /// Distance between neighbours of operand `n` along a row.
    fn step(&self, n: usize) -> isize {
        self.strides[n][self.rank - 1]
    }

    /// Calls `body(starts, part)` for pieces of `out` that lie in one row each; `starts` are the positions of their
    /// first elements in the operands' buffers. `body` is a trait object so that the parallel loop is compiled once an
    /// element type, not once an operation.
    fn run<R: Send>(&self, out: &mut [R], body: &(dyn Fn([isize; N], &mut [R]) + Sync)) {
        let row = self.shape[self.rank - 1];
        // One piece of one row: most calls in small models, and then their whole cost is what comes before the loop.
        if self.rank == 1 && (1..=par::CHUNK).contains(&row) {
            return body(self.offsets.map(|offset| offset as isize), out);
        }
        par::chunks_mut(out, par::CHUNK, |start, mut part| {
            let mut column = start % row;
            let mut walks: [RowWalk; N] = std::array::from_fn(|n| {
                let (shape, strides) = (&self.shape[..self.rank], &self.strides[n][..self.rank]);
                RowWalk::new(shape, strides, self.offsets[n], start / row)
            });
            while !part.is_empty() {
                let (piece, rest) = part.split_at_mut((row - column).min(part.len()));
                let starts = std::array::from_fn(|n| {
                    walks[n].next().expect("a row walk is endless") + column as isize * self.step(n)
                });
                body(starts, piece);
                column = 0;
                part = rest;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(len: usize) -> Vec<i64> {
        (0..len as i64).collect()
    }

    #[test]
    fn contiguous_axes_merge_into_one_row() {
        let data = counted(24);
        let view = View::new(&data, &[2, 3, 4], &[12, 4, 1], 0);
        assert_eq!(Space::new([&view]).rank, 1);
        let bias = View::new(&data, &[2, 3, 4], &[0, 1, 0], 0);
        assert_eq!(Space::new([&view, &bias]).rank, 3);
        let image = View::new(&data, &[1, 2, 3, 4], &[99, 12, 4, 1], 0);
        let channel = View::new(&data, &[1, 2, 3, 4], &[0, 1, 0, 0], 0);
        assert_eq!(Space::new([&image, &channel]).rank, 2);
    }

    #[test]
    fn every_layout_agrees_with_indexing() {
        let (data, other) = (counted(60_000), counted(60_000));
        let layouts: [([isize; 3], usize); 5] = [
            ([1500, 50, 1], 0),
            ([1, 40, 1200], 0),
            ([0, 50, 1], 7),
            ([1500, 0, 0], 0),
            ([-1500, 50, 1], 58_500),
        ];
        let shape = [40, 30, 50];
        for (a_strides, a_offset) in &layouts {
            let a = View::new(&data, &shape, a_strides, *a_offset);
            let mut out = vec![0; a.len()];
            map1(a, &mut out, |a| a * 2);
            assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 2));
            for (b_strides, b_offset) in &layouts {
                let b = View::new(&other, &shape, b_strides, *b_offset);
                map2(a, b, &mut out, |a, b| a * 3 - b);
                assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 3 - b.at(i)));
                map3(a, b, a, &mut out, |a, b, c| a * 3 - b + c * 5);
                assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 8 - b.at(i)));
                a.copy_to(&mut out);
                map2_in_place(&mut out, b, |a, b| a * 3 - b);
                assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 3 - b.at(i)));
            }
        }
    }

    #[test]
    fn scalars_and_empty_arrays() {
        let mut out = [0.0f32];
        map2(View::new(&[2.0f32], &[], &[], 0), View::new(&[3.0f32], &[], &[], 0), &mut out, |a, b| a * b);
        assert_eq!(out, [6.0]);
        map1_in_place(&mut out, |a| a + 1.0);
        assert_eq!(out, [7.0]);
        map1(View::new(&[] as &[f32], &[3, 0], &[0, 1], 0), &mut [] as &mut [f32], |a| a);
    }
}
