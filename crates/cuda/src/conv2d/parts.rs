//! Long sums in parts, so that more blocks have something to do.

use super::tile::{DEPTH, WANTED_BLOCKS};
use crate::launch::{Grid, arguments};
use crate::view::room;
use crate::{Kind, Memory, Result};

/// How many of `terms` a block adds up, where one block for each of `tiles` would leave a device idle.
pub(super) fn part(tiles: usize, terms: usize, count: usize) -> usize {
    /// Fewer are not worth a part of their own.
    const LEAST_TERMS: usize = 256;
    let countable = i32::MAX as usize / count;
    let parts = (WANTED_BLOCKS / tiles).min(terms / LEAST_TERMS).min(countable).max(1);
    terms.div_ceil(parts).next_multiple_of(DEPTH).max(DEPTH)
}

/// Sums in parts, `[parts, count]`, and where their sum goes. A single part goes there at once.
pub(super) struct Parts<'a> {
    out: &'a Memory,
    scratch: Option<Memory>,
    count: usize,
    parts: usize,
    kind: Kind,
}

impl<'a> Parts<'a> {
    pub fn new(name: &str, out: &'a Memory, count: usize, parts: usize, kind: Kind) -> Result<Parts<'a>> {
        let bytes = parts * count * kind.size();
        let scratch = (parts > 1).then(|| Memory::unspecified(out.device(), bytes)).transpose()?;
        room(name, scratch.as_ref().unwrap_or(out), parts * count, kind)?;
        Ok(Parts { out, scratch, count, parts, kind })
    }

    /// How many there are.
    pub fn number(&self) -> usize {
        self.parts
    }

    /// Where the parts go.
    pub fn sums(&self) -> &Memory {
        self.scratch.as_ref().unwrap_or(self.out)
    }

    /// Adds up several parts, and the bias at the address `bias` if that is not 0: one for each of the channels of the
    /// result, which has planes of so many elements.
    pub fn add(&self, bias: u64, plane: usize, channels: usize) -> Result<()> {
        let Some(scratch) = &self.scratch else { return Ok(()) };
        let name = format!("conv2d_add_parts_{}", self.kind.suffix());
        let mut arguments = arguments![scratch.pointer(), bias, self.out.pointer(), self.count as u32];
        arguments.add(self.parts as u32);
        arguments.add(plane as u32);
        arguments.add(channels as u32);
        let grid = Grid::line(self.count.div_ceil(32), 256);
        // SAFETY: the scratch memory holds `parts` times `count` elements and `out` has room for `count`, as was checked;
        // the bias has an element for each channel; and the grid has a block for every 32 sums.
        unsafe { self.out.device().launch("conv2d_parts.cu", &name, grid, arguments) }
    }
}
