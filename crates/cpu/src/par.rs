//! Parallel loops whose cuts depend on the shape only, never on the number of threads.

mod crew;

use std::marker::PhantomData;
use std::ops::Range;

/// Elements of simple work in one task. Fixed, so that the order of every sum is the same on any machine.
pub const CHUNK: usize = 1 << 14;

/// Calls `body(start, chunk)` on consecutive chunks of `out`; one chunk runs on the calling thread.
pub fn chunks_mut<T: Send>(out: &mut [T], chunk: usize, body: impl Fn(usize, &mut [T]) + Send + Sync) {
    let (len, chunk) = (out.len(), chunk.max(1));
    let out = Shared::new(out);
    tasks(len.div_ceil(chunk), &|i| {
        let first = i * chunk;
        // SAFETY: every task number below ⌈len / chunk⌉ is run once, and these parts do not overlap.
        body(first, unsafe { out.part(first, chunk.min(len - first)) });
    });
}

/// Runs `task(0)`, …, `task(count − 1)`, each once; a single one on the calling thread. The one place where threads come
/// in. Not generic: its machinery is compiled once and not for every kernel.
fn tasks(count: usize, task: &(dyn Fn(usize) + Sync)) {
    match count {
        0 => {}
        1 => task(0),
        count => crew::run(count, task),
    }
}

/// A slice that tasks divide among themselves.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: whoever asks for parts vouches that no two tasks hold the same element, and `T: Send` lets elements go to
// other threads.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrowed: PhantomData }
    }

    /// The address of its `len` elements from `first` on.
    ///
    /// # Panics
    /// When they are not all within the slice.
    pub fn at(&self, first: usize, len: usize) -> *mut T {
        assert!(first <= self.len && len <= self.len - first, "a part must lie in its slice");
        self.start.wrapping_add(first)
    }

    /// Its `len` elements from `first` on.
    ///
    /// # Safety
    /// The caller alone must use them.
    ///
    /// # Panics
    /// When they are not all within the slice.
    pub unsafe fn part(&self, first: usize, len: usize) -> &'a mut [T] {
        // SAFETY: `at` has checked the bounds, the slice is borrowed for 'a, and the caller vouches for sole use.
        unsafe { std::slice::from_raw_parts_mut(self.at(first, len), len) }
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

/// As [`rows_mut`] for several arrays of equally many rows, each of its own width: `body(first_row, rows of all)`.
///
/// # Panics
/// When the arrays do not have equally many rows.
pub fn rows_of_arrays_mut<T: Send, const N: usize>(
    out: [&mut [T]; N],
    rows: [usize; N],
    cost: usize,
    body: impl Fn(usize, [&mut [T]; N]) + Send + Sync,
) {
    if rows.contains(&0) {
        return;
    }
    let lengths = out.each_ref().map(|array| array.len());
    let count = lengths[0] / rows[0];
    assert_eq!(lengths, rows.map(|row| count * row), "rows_of_arrays_mut: equally many rows");
    let arrays = out.map(Shared::new);
    ranges(count, rows_per_task(cost), |range| {
        // SAFETY: every row below `count` is handed out once, so that no two tasks hold the same one.
        let part = |i: usize| unsafe { arrays[i].part(range.start * rows[i], range.len() * rows[i]) };
        body(range.start, std::array::from_fn(part));
    });
}

/// Calls `body` on runs of consecutive items that together weigh [`CHUNK`] or, the last of them, a little more.
pub fn groups_mut<T: Send>(
    items: &mut [T],
    weight: impl Fn(&T) -> usize,
    body: impl Fn(&mut [T]) + Send + Sync,
) {
    let (mut starts, mut sum) = (vec![0], 0);
    for (i, item) in items.iter().enumerate() {
        if sum >= CHUNK {
            starts.push(i);
            sum = 0;
        }
        sum += weight(item);
    }
    let end = items.len();
    let items = Shared::new(items);
    tasks(starts.len(), &|i| {
        let (start, end) = (starts[i], *starts.get(i + 1).unwrap_or(&end));
        // SAFETY: every task is run once, and the runs do not overlap.
        body(unsafe { items.part(start, end - start) });
    });
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
mod tests;
