//! Parallel loops whose cuts depend on the shape only, never on the number of threads.

use rayon::prelude::*;
use std::ops::Range;

/// Elements of simple work in one task. Fixed, so that the order of every sum is the same on any machine.
pub const CHUNK: usize = 1 << 14;

/// Calls `body(start, chunk)` on consecutive chunks of `out`; one chunk runs on the calling thread.
pub fn chunks_mut<T: Send>(out: &mut [T], chunk: usize, body: impl Fn(usize, &mut [T]) + Send + Sync) {
    let (len, chunk) = (out.len(), chunk.max(1));
    let start = Shared(out.as_mut_ptr());
    tasks(len.div_ceil(chunk), &|i| {
        let first = i * chunk;
        // SAFETY: every task number below ⌈len / chunk⌉ is run once, so the parts lie inside `out` and do not overlap,
        // and `out` is borrowed until all tasks have returned.
        let part = unsafe { std::slice::from_raw_parts_mut(start.get().add(first), chunk.min(len - first)) };
        body(first, part);
    });
}

/// Runs `task(0)`, …, `task(count − 1)`, each once; a single one on the calling thread. The one place where threads come
/// in. Not generic: the thread pool's machinery is compiled once and not for every kernel.
fn tasks(count: usize, task: &(dyn Fn(usize) + Sync)) {
    match count {
        0 => {}
        1 => task(0),
        count => (0..count).into_par_iter().for_each(task),
    }
}

/// The start of a slice that tasks divide among themselves.
struct Shared<T>(*mut T);

// SAFETY: `chunks_mut` gives each task a part of its own, and `T: Send` lets a part go to another thread.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// Calls `body(first_row, rows)` on groups of whole rows of `out`. `cost` is the work of one row in simple element
/// operations; rows are grouped so that a task has about [`CHUNK`] of them.
pub fn rows_mut<T: Send>(
    out: &mut [T],
    row: usize,
    cost: usize,
    body: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    if row == 0 {
        return;
    }
    let rows = rows_per_task(cost);
    chunks_mut(out, rows * row, |start, part| body(start / row, part));
}

/// How many rows of the given cost make one task.
pub fn rows_per_task(cost: usize) -> usize {
    (CHUNK / cost.max(1)).max(1)
}

/// Calls `body` on consecutive ranges of `0..count` of at most `chunk` indices, in parallel.
pub fn ranges(count: usize, chunk: usize, body: impl Fn(Range<usize>) + Send + Sync) {
    let chunk = chunk.max(1);
    tasks(count.div_ceil(chunk), &|i| body(i * chunk..((i + 1) * chunk).min(count)));
}

/// Maps consecutive ranges of `0..count` in parallel and returns the results in order, for an ordered reduction.
pub fn map_ranges<R: Send>(
    count: usize,
    chunk: usize,
    map: impl Fn(Range<usize>) -> R + Send + Sync,
) -> Vec<R> {
    let chunk = chunk.max(1);
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(count.div_ceil(chunk), || None);
    chunks_mut(&mut results, 1, |i, result| result[0] = Some(map(i * chunk..((i + 1) * chunk).min(count))));
    results.into_iter().map(|result| result.expect("every task has run")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_visited_once_whatever_the_chunk() {
        for (len, chunk) in [(0, 4), (1, 4), (4, 4), (5, 4), (1000, 7), (3, 0)] {
            let mut out = vec![0; len];
            chunks_mut(&mut out, chunk, |start, part| {
                part.iter_mut().enumerate().for_each(|(i, value)| *value += start + i + 1);
            });
            assert_eq!(out, (1..=len).collect::<Vec<_>>());
            let sums = map_ranges(len, chunk, |range| range.sum::<usize>());
            assert_eq!(sums.len(), len.div_ceil(chunk.max(1)));
            assert_eq!(sums.iter().sum::<usize>(), (0..len).sum());
        }
    }
}
