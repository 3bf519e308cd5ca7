//! Blocks side by side along an axis, and a block put back among zeros: `join.cu`.

use crate::launch::{Argument, Arguments, Grid, arguments};
use crate::{Error, Memory, Result, View};

/// Blocks of a launch, as in the kernels.
const PARTS: usize = 32;

/// The blocks of a launch, with the elements of each in a row of the result, and where they begin there.
struct Parts<'a>(&'a [(u64, usize, usize)]);

impl Argument for Parts<'_> {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = Vec::with_capacity(PARTS * 16);
        let slots = |value: fn(&(u64, usize, usize)) -> u64| {
            (0..PARTS).map(move |part| self.0.get(part).map_or(0, value))
        };
        slots(|part| part.0).for_each(|pointer| bytes.extend_from_slice(&pointer.to_ne_bytes()));
        slots(|part| part.1 as u64).for_each(|width| bytes.extend_from_slice(&(width as u32).to_ne_bytes()));
        slots(|part| part.2 as u64).for_each(|start| bytes.extend_from_slice(&(start as u32).to_ne_bytes()));
        arguments.push(&bytes);
    }
}

/// Contiguous blocks one after another along an axis; `outer` is the product of the sizes before it.
///
/// # Errors
/// When there are none, a block is not contiguous or of another type, `outer` does not divide one, or `out` is too small
/// for all.
pub fn cat(blocks: &[View<'_>], outer: usize, out: &Memory) -> Result<()> {
    let total: usize = blocks.iter().map(View::count).sum();
    let Some(first) = blocks.first() else {
        return Err(Error::Argument("cat: no blocks".into()));
    };
    let kind = first.kind();
    let fits = total <= i32::MAX as usize && total * kind.size() <= out.bytes();
    let alike = |block: &View<'_>| block.kind() == kind && block.count().is_multiple_of(outer);
    if total == 0 {
        return Ok(());
    }
    if !fits || !blocks.iter().all(alike) {
        let detail = format!("cat: {total} {kind:?} in {outer} rows into {} bytes", out.bytes());
        return Err(Error::Argument(detail));
    }
    let row = total / outer;
    let mut parts = Vec::with_capacity(blocks.len());
    let mut start = 0;
    for block in blocks.iter().filter(|block| block.count() > 0) {
        let width = block.count() / outer;
        parts.push((block.dense()?, width, start));
        start += width;
    }
    let device = out.device();
    for parts in parts.chunks(PARTS) {
        let widest = parts.iter().map(|part| part.1).max().expect("chunks are not empty");
        let mut grid = Grid::cover(device, outer * widest, 4);
        grid.blocks[1] = parts.len() as u32;
        let arguments = arguments![Parts(parts), out.pointer(), outer as u32, row as u32];
        // SAFETY: each block lies in its memory and has `outer` rows of its width; the rows of all of them fill those of
        // `out`, which is large enough. The kernel takes a part for each y of the grid and any x.
        unsafe { device.launch("join.cu", &format!("cat_{}", kind.suffix()), grid, arguments)? };
    }
    Ok(())
}

/// out [outer, size, inner] is zero but for `out[i, start + j·step, k] = grad[i, j, k]`, where `grad` is a contiguous
/// [outer, length, inner].
///
/// # Errors
/// When `grad` is not contiguous or of another size, or `out` is too small.
pub fn slice_grad(
    grad: View<'_>,
    [outer, length, inner]: [usize; 3],
    size: usize,
    [start, step]: [usize; 2],
    out: &Memory,
) -> Result<()> {
    let kind = grad.kind();
    let count = outer * size * inner;
    let fits = count <= i32::MAX as usize && count * kind.size() <= out.bytes();
    if !fits || grad.count() != outer * length * inner || step == 0 {
        let detail =
            format!("slice_grad: [{outer}, {length}, {inner}] into {size} and {} bytes", out.bytes());
        return Err(Error::Argument(detail));
    }
    if count == 0 {
        return Ok(());
    }
    // Steps and starts beyond the axis select nothing that is there.
    let [start, step] = [start, step].map(|number| number.min(size) as u32);
    let device = out.device();
    let arguments = arguments![
        grad.dense()?,
        out.pointer(),
        count as u32,
        size as u32,
        inner as u32,
        length as u32,
        start,
        step
    ];
    let grid = Grid::cover(device, count, 1);
    // SAFETY: `grad` has `length` slices of `inner` in each of `outer` blocks and `out` room for `count` elements; the kernel
    // reads slices below `length` only, and takes any grid.
    unsafe { device.launch("join.cu", &format!("slice_grad_{}", kind.suffix()), grid, arguments) }
}
