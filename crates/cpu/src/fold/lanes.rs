//! The running values of a block.

use crate::Element;
use crate::transpose::{TILE, Tile, transpose};

/// Running values that are combined side by side: enough vectors of them to hide how long an addition takes.
pub(super) const LANES: usize = 64;

/// Combines `map(i, first[i], second[i])` in lane i modulo [`LANES`], each of which starts as `neutral`, and lanes whose
/// distance is a multiple of [`TILE`] by a binary tree.
#[inline(always)]
pub(super) fn fold_lanes<T: Copy, U: Copy, A: Copy>(
    first: &[T],
    second: &[U],
    neutral: A,
    map: impl Fn(usize, T, U) -> A + Copy,
    combine: impl Fn(A, A) -> A + Copy,
) -> [A; TILE] {
    let (first_rows, first_rest) = first.as_chunks::<LANES>();
    let (second_rows, second_rest) = second.as_chunks::<LANES>();
    let mut lanes = fold_rows(first_rows, second_rows, neutral, map, combine);
    if !first_rest.is_empty() {
        let start = first_rows.len() * LANES;
        for (i, (lane, (&a, &b))) in lanes.iter_mut().zip(first_rest.iter().zip(second_rest)).enumerate() {
            *lane = combine(*lane, map(start + i, a, b));
        }
    }
    let mut result = [neutral; TILE];
    for i in 0..TILE {
        let (even, odd) = (combine(lanes[i], lanes[i + 32]), combine(lanes[i + 16], lanes[i + 48]));
        result[i] = combine(even, odd);
    }
    result
}

/// The part of [`fold_lanes`] in which every lane takes part, by itself so that the lanes stay in registers.
#[inline(always)]
fn fold_rows<T: Copy, U: Copy, A: Copy>(
    first: &[[T; LANES]],
    second: &[[U; LANES]],
    neutral: A,
    map: impl Fn(usize, T, U) -> A + Copy,
    combine: impl Fn(A, A) -> A + Copy,
) -> [A; LANES] {
    let mut lanes = [neutral; LANES];
    for (row, (a, b)) in first.iter().zip(second).enumerate() {
        let mut next = lanes;
        for lane in 0..LANES {
            next[lane] = combine(lanes[lane], map(row * LANES + lane, a[lane], b[lane]));
        }
        lanes = next;
    }
    lanes
}

/// Combines the values of each row by a binary tree into the same place of the first row.
///
/// The rows of a group are turned into columns for it: the steps of one row alone would wait for each other.
#[inline(always)]
pub(super) fn combine_group<A: Element>(group: &mut Tile<A>, combine: impl Fn(A, A) -> A + Copy) {
    transpose(group);
    combine_rows(group.as_flattened_mut(), TILE, combine);
}

/// Combines `map` of each pair of elements of two rows, in the lanes of one block however long they are.
#[inline(always)]
pub(crate) fn fold_slices<T: Copy, U: Copy, A: Copy>(
    first: &[T],
    second: &[U],
    neutral: A,
    map: impl Fn(T, U) -> A + Copy,
    combine: impl Fn(A, A) -> A + Copy,
) -> A {
    let mut lanes = fold_lanes(first, second, neutral, |_, a, b| map(a, b), combine);
    combine_rows(&mut lanes, 1, combine);
    lanes[0]
}

/// Combines rows of `width` values by a binary tree into the first row.
#[inline(always)]
pub(crate) fn combine_rows<A: Copy>(rows: &mut [A], width: usize, combine: impl Fn(A, A) -> A) {
    let mut count = rows.len() / width;
    while count > 1 {
        // Halves of a power of two, the second perhaps short: the tree of few lanes is that of many with neutral ones.
        let half = count.next_power_of_two() / 2;
        let (left, right) = rows[..count * width].split_at_mut(half * width);
        for (a, &b) in left.iter_mut().zip(&*right) {
            *a = combine(*a, b);
        }
        count = half;
    }
}
