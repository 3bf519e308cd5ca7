//! Stable sorting: `sort.cu`.

use crate::launch::{BLOCK, Grid, WARP, arguments};
use crate::{Error, Memory, Result, View};

/// Elements that a block sorts, as in the kernels.
const TILE: usize = 1024;

/// The positions, i64, that sort `x`, a contiguous [outer, n, inner], along its middle axis; equals keep their order. NaN is
/// larger than any number: last in ascending order, first in descending.
///
/// # Errors
/// When `x` is not contiguous or has other sizes, `out` is too small, or there is no memory for a line's copy.
pub fn argsort(x: View<'_>, [outer, n, inner]: [usize; 3], descending: bool, out: &Memory) -> Result<()> {
    let count = x.count();
    if count != outer * n * inner || count * 8 > out.bytes() {
        let detail =
            format!("argsort: {count} elements as [{outer}, {n}, {inner}] into {} bytes", out.bytes());
        return Err(Error::Argument(detail));
    }
    if count == 0 {
        return Ok(());
    }
    let (device, suffix, pointer) = (out.device(), x.kind().suffix(), x.dense()?);
    let (lines, descending) = (outer * inner, u8::from(descending));
    let threads = (n as u32).next_multiple_of(WARP).min(BLOCK);
    let [size, inner] = [n, inner].map(|size| size as u32);
    if n <= TILE {
        let arguments = arguments![pointer, out.pointer(), size, inner, descending];
        // SAFETY: `x` is contiguous with the sizes said and `out` has room for as many positions. There is a block for each
        // line, of no more elements than it sorts.
        return unsafe {
            device.launch("sort.cu", &format!("argsort_{suffix}"), Grid::line(lines, threads), arguments)
        };
    }
    let pair =
        || Ok::<_, Error>((Memory::unspecified(device, count * 8)?, Memory::unspecified(device, count * 4)?));
    let (mut sorted, mut next) = (pair()?, pair()?);
    let tiles = n.div_ceil(TILE);
    let (keys, positions) = (sorted.0.pointer(), sorted.1.pointer());
    let arguments = arguments![pointer, keys, positions, size, inner, tiles as u32, descending];
    let name = format!("argsort_tiles_{suffix}");
    // SAFETY: `x` is contiguous with the sizes said, and there is room for a key and a position of each element. There is a
    // block for each tile of each line.
    unsafe { device.launch("sort.cu", &name, Grid::line(lines * tiles, BLOCK), arguments)? };
    let grid = Grid::cover(device, count, 1);
    let mut run = TILE;
    while run < n {
        let (from, to) = ((sorted.0.pointer(), sorted.1.pointer()), (next.0.pointer(), next.1.pointer()));
        let arguments = arguments![from.0, from.1, to.0, to.1, count as u32, size, run as u32];
        // SAFETY: all four arrays have `count` elements, lines of `n` with sorted runs. Any grid will do.
        unsafe { device.launch("sort.cu", "argsort_merge", grid, arguments)? };
        std::mem::swap(&mut sorted, &mut next);
        run *= 2;
    }
    let arguments = arguments![sorted.1.pointer(), out.pointer(), count as u32, size, inner];
    // SAFETY: positions and `out` have `count` elements. Any grid will do.
    unsafe { device.launch("sort.cu", "argsort_finish", grid, arguments) }
}
