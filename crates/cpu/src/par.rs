//! Parallel loops whose cuts depend on the shape only, never on the number of threads.

use rayon::prelude::*;
use std::ops::Range;

/// Elements of simple work in one task. Fixed, so that the order of every sum is the same on any machine.
pub const CHUNK: usize = 1 << 14;

/// Calls `body(start, chunk)` on consecutive chunks of `out`; one chunk runs on the calling thread.
pub fn chunks_mut<T: Send>(out: &mut [T], chunk: usize, body: impl Fn(usize, &mut [T]) + Send + Sync) {
    let chunk = chunk.max(1);
    if out.len() <= chunk {
        if !out.is_empty() {
            body(0, out);
        }
        return;
    }
    out.par_chunks_mut(chunk).enumerate().for_each(|(i, part)| body(i * chunk, part));
}

/// Calls `body(first_row, rows)` on groups of whole rows of `out`. `cost` is the work of one row in simple element
/// operations; rows are grouped so that a task has about [`CHUNK`] of them.
pub fn rows_mut<T: Send>(out: &mut [T], row: usize, cost: usize, body: impl Fn(usize, &mut [T]) + Send + Sync) {
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
    if count <= chunk {
        if count > 0 {
            body(0..count);
        }
        return;
    }
    (0..count.div_ceil(chunk)).into_par_iter().for_each(|i| body(i * chunk..((i + 1) * chunk).min(count)));
}

/// Maps consecutive ranges of `0..count` in parallel and returns the results in order, for an ordered reduction.
pub fn map_ranges<R: Send>(count: usize, chunk: usize, map: impl Fn(Range<usize>) -> R + Send + Sync) -> Vec<R> {
    let chunk = chunk.max(1);
    let range = |i: usize| i * chunk..((i + 1) * chunk).min(count);
    match count.div_ceil(chunk) {
        0 => Vec::new(),
        1 => vec![map(range(0))],
        tasks => (0..tasks).into_par_iter().map(|i| map(range(i))).collect(),
    }
}
