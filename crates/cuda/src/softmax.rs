//! Softmax and its logarithm: `softmax.cu`.

use crate::launch::arguments;
use crate::rows::Rows;
use crate::{Error, Memory, Result, View};

/// exp(x) / Σ exp(x), or its logarithm, along the middle axis of a contiguous `x` of `[outer, n, inner]` floats.
///
/// # Errors
/// When `x` is not contiguous, has another number of elements, or `out` is too small.
pub fn softmax(x: View<'_>, dims: [usize; 3], log: bool, out: &Memory) -> Result<()> {
    let count = x.count();
    if dims.iter().product::<usize>() != count || count * x.kind().size() > out.bytes() {
        return Err(Error::Argument(format!(
            "softmax: {:?} as {dims:?} into {} bytes",
            x.sizes(),
            out.bytes()
        )));
    }
    if count == 0 {
        return Ok(());
    }
    let rows = Rows::of(dims);
    let (team, grid) = rows.team();
    let name = format!("{}{team}_{}", if log { "log_softmax" } else { "softmax" }, x.kind().suffix());
    let sizes = [rows.count, rows.length, rows.inner].map(|size| size as u32);
    let arguments = arguments![x.dense()?, out.pointer(), sizes[0], sizes[1], sizes[2]];
    // SAFETY: `x` is contiguous and, as `out`, has outer · n · inner elements; the kernels go through all rows with any
    // grid of whole warps.
    unsafe { out.device().launch("softmax.cu", &name, grid, arguments) }
}
