//! Reductions of any axes: `reduce.cu`.

use crate::launch::{BLOCK, Grid, arguments};
use crate::strides::Strides;
use crate::{Error, Memory, Result, View};
use smallvec::SmallVec;

/// As many blocks as keep the largest devices busy. Not asked of the device, so that sums are the same on all.
const BLOCKS: usize = 264;

/// Elements that are worth a thread.
const ELEMENTS_OF_A_THREAD: usize = 8;

/// Bytes of the largest state that a block of a reduction leaves behind.
const STATE: usize = 16;

/// out = `function` of x over `axes`, the kept axes in row-major order.
///
/// The functions are `sum`, `prod` and `count_nonzero` (i64 for all but floats), `mean` and `logsumexp` of floats,
/// `amax`, `amin` of numbers, and `argmax`, `argmin`, whose results are i64.
///
/// # Errors
/// When there is no such kernel for the type, or `out` has not the room for results of `size` bytes.
pub fn reduce(function: &str, x: View<'_>, axes: &[usize], out: &Memory, size: usize) -> Result<()> {
    let split = |wanted: bool| -> (SmallVec<[usize; 8]>, SmallVec<[isize; 8]>) {
        let chosen = (0..x.sizes().len()).filter(|axis| axes.contains(axis) == wanted);
        chosen.map(|axis| (x.sizes()[axis], x.strides()[axis])).unzip()
    };
    let ((kept, kept_strides), (reduced, reduced_strides)) = (split(false), split(true));
    let (outputs, elements) = (kept.iter().product::<usize>(), reduced.iter().product::<usize>());
    if outputs * size > out.bytes() {
        return Err(Error::Argument(format!("{function}: {outputs} results into {} bytes", out.bytes())));
    }
    if outputs == 0 {
        return Ok(());
    }
    let name = format!("{function}_{}", x.kind().suffix());
    let plan = Plan::new(outputs, elements, is_innermost(&reduced, &reduced_strides, &kept, &kept_strides));
    let device = out.device();
    let places = |sizes: &[usize], strides: &[isize]| Strides::merged(sizes, &[strides]);
    let parts = match plan.parts {
        1 => None,
        parts => Some(Memory::unspecified(device, parts * outputs * STATE)?),
    };
    let mut first = arguments![x.pointer(), out.pointer(), parts.as_ref().map_or(0, Memory::pointer)];
    first.add(outputs as u32);
    first.add(elements as u32);
    first.add(plan.chunk as u32);
    first.add(places(&kept, &kept_strides)?);
    first.add(places(&reduced, &reduced_strides)?);
    first.add(elements as f64);
    // SAFETY: the views' elements lie in their memory, `out` has room for all outputs and `parts` for a state of each of
    // them from every row of blocks; the kernel takes exactly these, in blocks of at most `BLOCK` threads with a power of
    // two along y.
    unsafe { device.launch("reduce.cu", &name, plan.grid(plan.parts), first)? };
    let Some(parts) = parts else { return Ok(()) };
    let second =
        arguments![parts.pointer(), out.pointer(), outputs as u32, plan.parts as u32, elements as f64];
    let joined = Plan::new(outputs, plan.parts, false);
    // SAFETY: as above; the first kernel has written every state.
    unsafe { device.launch("reduce.cu", &format!("{name}_join"), joined.grid(1), second) }
}

/// Whether neighbouring elements are reduced together, rather than going to neighbouring outputs.
fn is_innermost(
    reduced: &[usize],
    reduced_strides: &[isize],
    kept: &[usize],
    kept_strides: &[isize],
) -> bool {
    let nearest = |sizes: &[usize], strides: &[isize]| {
        let apart = sizes.iter().zip(strides).filter(|(size, _)| **size > 1).map(|(_, stride)| stride.abs());
        apart.filter(|&stride| stride > 0).min().unwrap_or(isize::MAX)
    };
    nearest(reduced, reduced_strides) <= nearest(kept, kept_strides)
}

/// How outputs and elements are spread over threads and blocks.
struct Plan {
    /// Outputs and threads for each in a block.
    threads: [u32; 2],
    columns: usize,
    /// Blocks that share the elements of an output, and how many each takes.
    parts: usize,
    chunk: usize,
}

impl Plan {
    fn new(outputs: usize, elements: usize, innermost: bool) -> Plan {
        let block = BLOCK as usize;
        let useful = elements.max(1).next_power_of_two().min(block);
        let shared = match innermost {
            true => useful,
            // A warp of neighbouring outputs reads whole lines of memory; more threads where there are fewer outputs.
            false => (block / outputs.next_power_of_two().clamp(1, 32)).min(useful),
        };
        let columns = block / shared;
        let blocks = outputs.div_ceil(columns);
        let parts = elements.div_ceil(shared * ELEMENTS_OF_A_THREAD).min(BLOCKS.div_ceil(blocks)).max(1);
        let chunk = elements.div_ceil(parts).max(1);
        // Rounding up may leave the last parts without any element.
        Plan {
            threads: [columns as u32, shared as u32],
            columns: blocks,
            parts: elements.div_ceil(chunk).max(1),
            chunk,
        }
    }

    fn grid(&self, parts: usize) -> Grid {
        let [x, y] = self.threads;
        Grid { blocks: [self.columns as u32, parts as u32, 1], threads: [x, y, 1], shared: 0 }
    }
}
