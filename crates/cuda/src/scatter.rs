//! Elements and slices written or added where indices say: `scatter.cu`.
//!
//! Repeated indices are taken in their order, with the same bits each time. Kernels do not follow an index that is out of
//! range. Time grows with indices × min(indices, size) of a line.

use crate::launch::{Argument, Arguments, Grid, WARP, arguments};
use crate::strides::Strides;
use crate::{Error, Kind, Memory, Result, View};

/// What is done with an element that an index names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// It becomes the source's; of several the last.
    Replace,
    /// The source's is added to it. For numbers only.
    Add,
}

/// `ScatterLines` of the kernels.
struct Lines {
    places: Strides,
    strides: [i64; 3],
    /// Lines, indices of a line, elements of the result's line, and whether neighbouring threads share a line.
    numbers: [u32; 4],
}

impl Argument for Lines {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = self.places.bytes();
        self.strides.iter().for_each(|stride| bytes.extend_from_slice(&stride.to_ne_bytes()));
        self.numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_ne_bytes()));
        arguments.push(&bytes);
    }
}

fn refuse(op: &str, target: (Kind, &[usize]), index: &View<'_>, source: &View<'_>) -> Error {
    let (index, source) = ((index.kind(), index.sizes()), (source.kind(), source.sizes()));
    Error::Argument(format!("{op}: {target:?}, indices {index:?}, source {source:?}"))
}

/// `out[i, index[i, j, k], k] = source[i, j, k]`, or `+=`, for axis 1 of three, and likewise for any rank and axis. `out`
/// is row-major of `sizes`; `source` has the sizes of `index`, i64, whose other axes may be shorter than those of `out`.
///
/// # Errors
/// When ranks, sizes or types do not fit.
pub fn scatter(
    out: &Memory,
    sizes: &[usize],
    index: View<'_>,
    source: View<'_>,
    axis: usize,
    combine: Combine,
) -> Result<()> {
    let (rank, kind) = (sizes.len(), source.kind());
    let count: usize = sizes.iter().product();
    let within = index.sizes().len() == rank
        && axis < rank
        && (0..rank).all(|i| i == axis || index.sizes()[i] <= sizes[i])
        && index.sizes() == source.sizes();
    let fits = count <= i32::MAX as usize && count * kind.size() <= out.bytes();
    if !within || !fits || index.kind() != Kind::I64 || combine == Combine::Add && kind == Kind::Bool {
        return Err(refuse("scatter", (kind, sizes), &index, &source));
    }
    if index.count() == 0 || count == 0 {
        return Ok(());
    }
    let mut strides = vec![1isize; rank];
    for i in (1..rank).rev() {
        strides[i - 1] = strides[i] * sizes[i] as isize;
    }
    let mut line_sizes = index.sizes().to_vec();
    line_sizes[axis] = 1;
    let (length, size) = (index.sizes()[axis], sizes[axis]);
    let lines = index.count() / length;
    let places = Strides::merged(&line_sizes, &[index.strides(), source.strides(), &strides])?;
    let axis_strides =
        [index.strides()[axis], source.strides()[axis], strides[axis]].map(|stride| stride as i64);
    let inner: usize = index.sizes()[axis + 1..].iter().product();
    let numbers = [lines, length, size, usize::from(inner == 1)].map(|number| number as u32);
    let (name, owners) = match combine {
        Combine::Replace => ("scatter", length),
        Combine::Add => ("scatter_add", length.min(size)),
    };
    let device = out.device();
    let lines_argument = Lines { places, strides: axis_strides, numbers };
    let arguments = arguments![out.pointer(), index.pointer(), source.pointer(), lines_argument];
    let name = format!("{name}_{}", kind.suffix());
    // SAFETY: index and source lie in their memories and have one shape, which reaches nowhere outside `out` but along the
    // axis, where the kernel keeps to `size`; each element of `out` is changed by one thread. Any grid will do.
    unsafe { device.launch("scatter.cu", &name, Grid::cover(device, lines * owners, 1), arguments) }
}

/// `out[i, index[j], k] += source[i, j, k]`, in the order of j, where `out` is [outer, size, inner], `index` a contiguous
/// vector of i64, and `source` a contiguous [outer, index.count(), inner] of numbers.
///
/// # Errors
/// When an operand is not contiguous, or sizes or types do not fit.
pub fn index_add(
    out: &Memory,
    [outer, size, inner]: [usize; 3],
    index: View<'_>,
    source: View<'_>,
) -> Result<()> {
    let (kind, length) = (source.kind(), index.count());
    let count = outer * size * inner;
    let fits = count <= i32::MAX as usize && count * kind.size() <= out.bytes();
    if !fits || source.count() != outer * length * inner || kind == Kind::Bool {
        return Err(refuse("index_add", (kind, &[outer, size, inner]), &index, &source));
    }
    if source.count() == 0 || count == 0 {
        return Ok(());
    }
    let columns = outer * inner;
    let threads = columns.next_multiple_of(WARP as usize).min(128);
    let device = out.device();
    let mut grid = Grid::line(length.min(size), threads as u32);
    grid.blocks[1] = columns.div_ceil(threads).min(1 << 15) as u32;
    let name = format!("index_add_{}", kind.suffix());
    let (index, source) = (index.dense_of(Kind::I64)?, source.dense()?);
    let [length, size, outer, inner] = [length, size, outer, inner].map(|size| size as u32);
    let arguments = arguments![out.pointer(), index, source, length, size, outer, inner];
    // SAFETY: `out` and `source` have the elements said and `index` has `length`; the kernel follows indices below `size`
    // only. There is a block for each of min(length, size) owners, of whole warps.
    unsafe { device.launch("scatter.cu", &name, grid, arguments) }
}
