//! Losses of pairs of numbers, their sums and their gradients: `loss.cu`.

use crate::capture::puts_off;
use crate::check::IMPROBABLE;
use crate::launch::{BLOCK, Grid, arguments};
use crate::{Error, Kind, Memory, Result, View};

/// Elements that one block adds up, rather than several and one more after them.
const ONE_BLOCK: usize = 8 * 1024;

/// Blocks of a sum at most. Not asked of the device, so that a sum is the same on all.
const MOST_BLOCKS: usize = 264;

/// out = share · Σ `function`(a, b) over all elements, a scalar of their type.
///
/// The functions are `binary_cross_entropy_with_logits`, `gaussian_kl` and `mse_loss`.
///
/// # Errors
/// When the operands are not contiguous floats of one shape and type, or `out` has no room for a number.
pub fn sum_pairs(function: &str, a: View<'_>, b: View<'_>, share: f64, out: &Memory) -> Result<()> {
    let count = same(function, a, b)?;
    room(function, 1, a.kind(), out)?;
    let (device, typed) = (out.device(), a.kind().suffix());
    let blocks = if count <= ONE_BLOCK { 1 } else { count.div_ceil(4 * BLOCK as usize).min(MOST_BLOCKS) };
    let grid = Grid::line(blocks, if blocks == 1 { 1024 } else { BLOCK });
    let parts = Memory::unspecified(device, blocks * a.kind().size())?;
    let arguments = arguments![a.dense()?, b.dense()?, count as u32, parts.pointer(), out.pointer(), share];
    // SAFETY: both operands have `count` elements, `parts` has room for one of each block and `out` for one; the kernel
    // goes through the elements with any grid of whole warps.
    unsafe { device.launch("loss.cu", &format!("{function}_sum_{typed}"), grid, arguments)? };
    if blocks == 1 { Ok(()) } else { total(&parts, blocks, a.kind(), Share::Fixed(share), out) }
}

/// What a sum is multiplied by.
#[derive(Clone, Copy, Debug)]
pub enum Share<'a> {
    /// A number.
    Fixed(f64),
    /// One in so many: the first of some 64-bit integers.
    OneOf(&'a Memory),
}

impl Share<'_> {
    /// The address of the count, or none, and the number.
    pub(crate) fn arguments(&self) -> (u64, f64) {
        match self {
            Share::Fixed(share) => (0, *share),
            Share::OneOf(counted) => (counted.pointer(), 1.0),
        }
    }
}

/// out = share · Σ of the first `count` elements of `parts`, by one block.
///
/// # Errors
/// When there are not so many, or `out` has no room for a number.
pub fn total(parts: &Memory, count: usize, kind: Kind, share: Share<'_>, out: &Memory) -> Result<()> {
    room("total", count, kind, parts)?;
    room("total", 1, kind, out)?;
    let (counted, share) = share.arguments();
    let arguments = arguments![parts.pointer(), count as u32, counted, share, out.pointer()];
    let threads = count.next_multiple_of(32).clamp(32, 1024) as u32;
    // SAFETY: the sizes were checked above, and a count is an integer that a kernel has written; one block of whole warps.
    unsafe {
        out.device().launch("loss.cu", &format!("total_{}", kind.suffix()), Grid::line(1, threads), arguments)
    }
}

/// out = share · g · ∂`function`(a, b)/∂(the number at `position`), element by element, for one g; for one of each pair
/// without the share.
///
/// # Errors
/// When the operands are not contiguous floats of one type, shapes differ, or `out` is too small.
pub fn pair_gradient(
    function: &str,
    position: usize,
    [a, b, g]: [View<'_>; 3],
    share: f64,
    out: &Memory,
) -> Result<()> {
    let count = same(function, a, b)?;
    room(function, count, a.kind(), out)?;
    let each = g.sizes() == a.sizes();
    if g.kind() != a.kind() || !each && g.count() != 1 {
        return Err(Error::Argument(format!("{function}: {:?} cotangents for {:?}", g.sizes(), a.sizes())));
    }
    if count == 0 {
        return Ok(());
    }
    let device = out.device();
    let step = u32::from(each);
    let arguments = arguments![a.dense()?, b.dense()?, g.dense()?, step, share, out.pointer(), count as u32];
    let name = format!("{function}_grad_{}_{}", ["first", "second"][position], a.kind().suffix());
    // SAFETY: both operands and `out` have `count` elements, and g has one for each where `step` is 1; the kernel goes
    // through the elements with any grid.
    unsafe { device.launch("loss.cu", &name, Grid::cover(device, count, 4), arguments) }
}

/// The first place of a contiguous p where it is less than 0 or more than 1. Waits for the device, but in a recorded step:
/// see [`check`](crate::check).
///
/// # Errors
/// When p is not contiguous, or a kernel has failed.
pub fn improbable(p: View<'_>) -> Result<Option<usize>> {
    let count = p.count();
    let device = p.memory().device();
    let blocks = count.div_ceil(16 * BLOCK as usize).clamp(1, 64);
    let found = Memory::unspecified(device, blocks * size_of::<i64>())?;
    let arguments = arguments![p.dense()?, count as u32, found.pointer()];
    let name = format!("improbable_{}", p.kind().suffix());
    // SAFETY: p has `count` elements and `found` room for one number of each block, of whole warps.
    unsafe { device.launch("loss.cu", &name, Grid::line(blocks, BLOCK), arguments)? };
    if puts_off(IMPROBABLE, &found, 0, (blocks, size_of::<i64>()), count as u64)? {
        return Ok(None);
    }
    let mut places = vec![0i64; blocks];
    found.read(0, &mut places)?;
    let first = places.into_iter().min().unwrap_or(i64::MAX) as usize;
    Ok(Some(first).filter(|&first| first < count))
}

/// The number of elements of two operands of one shape and type.
fn same(function: &str, a: View<'_>, b: View<'_>) -> Result<usize> {
    if a.sizes() == b.sizes() && a.kind() == b.kind() {
        return Ok(a.count());
    }
    let (first, second) = ((a.kind(), a.sizes()), (b.kind(), b.sizes()));
    Err(Error::Argument(format!("{function}: {first:?} and {second:?} differ")))
}

fn room(function: &str, count: usize, kind: Kind, out: &Memory) -> Result<()> {
    if count * kind.size() <= out.bytes() {
        return Ok(());
    }
    Err(Error::Argument(format!("{function}: {count} elements in {} bytes", out.bytes())))
}
