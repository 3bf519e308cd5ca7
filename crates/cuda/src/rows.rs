//! How kernels share out the rows of an array among threads: `kernels/rows.cuh`.

use crate::launch::{BLOCK, Grid};

/// Rows along the middle axis of `[outer, n, inner]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// Their number, outer · inner.
    pub count: usize,
    /// Numbers in a row.
    pub length: usize,
    /// How far apart the numbers of a row lie.
    pub inner: usize,
}

/// The longest row of neighbours that a thread takes.
const THREAD_ROW: usize = 4;

/// The longest row that a warp takes; longer ones take a block.
const WARP_ROW: usize = 1024;

/// Blocks of a launch at most. It depends on no device, so that sums over rows have one order everywhere.
const MOST_BLOCKS: usize = 2048;

impl Rows {
    /// Rows of the middle axis.
    pub fn of([outer, length, inner]: [usize; 3]) -> Rows {
        Rows { count: outer * inner, length, inner }
    }

    /// What a kernel's name has for the team that takes a row of these, and the grid for it.
    pub fn team(&self) -> (&'static str, Grid) {
        let grid = |rows_of_a_block: usize, threads| {
            Grid::line(self.count.div_ceil(rows_of_a_block).clamp(1, MOST_BLOCKS), threads)
        };
        if self.inner > 1 || self.length <= THREAD_ROW {
            // Few columns are spread over more multiprocessors.
            let threads = if self.count < BLOCK as usize * 64 { 32 } else { BLOCK };
            ("_columns", grid(threads as usize, threads))
        } else if self.length <= WARP_ROW {
            // As many warps in a block as leave no multiprocessor idle where rows are few.
            let warps = if self.count < 512 { 1 } else { 8 };
            ("", grid(warps, warps as u32 * 32))
        } else {
            ("_long", grid(1, if self.length < 8 * 1024 { BLOCK } else { 1024 }))
        }
    }
}
