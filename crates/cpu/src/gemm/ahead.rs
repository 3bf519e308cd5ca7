//! Fetching what is read next into the second-level cache while a product keeps the multipliers busy.
//!
//! The processor foresees streams along rows, but not the columns of a wide matrix that become a panel: each of their
//! short rows would be waited for when it is packed.

use super::plan::cut;
use crate::vector::Vector;

/// Rows of a matrix that are read after a product.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// Address of the first element. Nothing is read through it.
    pub start: *const f32,
    /// Elements from a row to the next.
    pub row: isize,
    /// Number of rows.
    pub rows: usize,
    /// Elements of a row.
    pub width: usize,
}

/// Cache lines that are asked for at a time: those of a row as wide as a panel, even where it starts within a line.
const BURST: usize = 4;
/// Elements of a cache line.
pub(super) const LINE: usize = 16;

impl Ahead {
    /// Nothing is read next, or nobody knows what.
    pub const NONE: Self = Self { start: std::ptr::null(), row: 0, rows: 0, width: 0 };

    /// Part `index` of the rows, cut into so many.
    pub(super) fn part(&self, parts: usize, index: usize) -> Self {
        let rows = cut(self.rows, parts, index);
        let start = self.start.wrapping_offset(rows.start as isize * self.row);
        Self { start, rows: rows.len(), ..*self }
    }

    /// Bursts that a row takes.
    fn row_bursts(&self) -> usize {
        self.width.div_ceil(BURST * LINE)
    }

    /// Bursts that everything takes.
    pub(super) fn bursts(&self) -> usize {
        self.rows * self.row_bursts()
    }

    /// The bursts from number `first` on.
    #[inline(always)]
    pub(super) fn from(&self, first: usize) -> Bursts {
        let row_bursts = self.row_bursts();
        // Divisions take as long as a tile of little depth.
        let (row, next) = if row_bursts > 1 { (first / row_bursts, first % row_bursts) } else { (first, 0) };
        let line = self.start.wrapping_offset(row as isize * self.row);
        Bursts { line, next, row_bursts, row: self.row }
    }
}

/// Where fetching has come to.
pub(super) struct Bursts {
    /// Start of the row.
    line: *const f32,
    /// Number of the next burst within the row.
    next: usize,
    row_bursts: usize,
    row: isize,
}

impl Bursts {
    /// Fetches the next burst, perhaps of lines beyond the last row.
    ///
    /// # Safety
    /// What `V` needs.
    #[inline(always)]
    pub(super) unsafe fn fetch<V: Vector<Element = f32>>(&mut self) {
        for line in 0..BURST {
            // SAFETY: the caller has what V needs; any address may be fetched.
            unsafe { V::prefetch_far(self.line.wrapping_add((self.next * BURST + line) * LINE)) }
        }
        self.next += 1;
        if self.next == self.row_bursts {
            (self.line, self.next) = (self.line.wrapping_offset(self.row), 0);
        }
    }
}
