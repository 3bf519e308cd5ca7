//! Running totals: `scan.cu`.

use crate::launch::{BLOCK, Grid, WARP, arguments};
use crate::{Error, Kind, Memory, Result, View};

/// Running totals along the middle axis of `x`, a contiguous [outer, n, inner], from its end where `reverse`. Floats are
/// added in f64 and keep their type; integers and truth values give i64.
///
/// # Errors
/// When `x` is not contiguous or has other sizes, or `out` is too small.
pub fn cumsum(x: View<'_>, [outer, n, inner]: [usize; 3], reverse: bool, out: &Memory) -> Result<()> {
    let (kind, count) = (x.kind(), x.count());
    let size = if matches!(kind, Kind::F32 | Kind::F64) { kind.size() } else { Kind::I64.size() };
    if count != outer * n * inner || count * size > out.bytes() {
        let detail =
            format!("cumsum: {count} elements as [{outer}, {n}, {inner}] into {} bytes", out.bytes());
        return Err(Error::Argument(detail));
    }
    if count == 0 {
        return Ok(());
    }
    let device = out.device();
    let (n, reverse) = (n as u32, u8::from(reverse));
    let (way, grid, arguments) = if inner == 1 {
        let threads = n.next_multiple_of(WARP).min(BLOCK);
        ("rows", Grid::line(outer, threads), arguments![x.dense()?, out.pointer(), n, reverse])
    } else {
        let lines = outer * inner;
        let arguments = arguments![x.dense()?, out.pointer(), lines as u32, n, inner as u32, reverse];
        // Few threads to a block, as each has a whole line to go through.
        ("columns", Grid::line(lines.div_ceil(64), 64), arguments)
    };
    // SAFETY: `x` is contiguous with the sizes said, and `out` has room for as many results. `rows` wants a block of whole
    // warps for each of `outer` lines; `columns` takes any grid.
    unsafe { device.launch("scan.cu", &format!("cumsum_{way}_{}", kind.suffix()), grid, arguments) }
}
