//! Max pooling: `pool.cu`.

use crate::launch::{Grid, arguments};
use crate::view::room;
use crate::window::Window;
use crate::{Error, Kind, Memory, Result, View};

/// For each window of each plane of `images` `[…, rows.input, columns.input]` the row-major index in its plane of the
/// largest element, i64: the first of equals, or the first NaN. `out` is `[…, rows.output, columns.output]`. Every window
/// must hold an element.
///
/// # Errors
/// When the images are not contiguous, not of such planes, or truth values, or `out` is too small.
pub fn max_indices(images: View<'_>, rows: Window, columns: Window, out: &Memory) -> Result<()> {
    let count =
        planes("max_pool2d_indices", &images, rows.input * columns.input)? * rows.output * columns.output;
    room("max_pool2d_indices", out, count, Kind::I64)?;
    if count == 0 {
        return Ok(());
    }
    let name = format!("max_pool2d_indices_{}", images.kind().suffix());
    let arguments =
        arguments![images.dense()?, out.pointer(), count as u32, rows.narrowed()?, columns.narrowed()?];
    let device = out.device();
    // SAFETY: the images are as many planes as `out` has room for indices of, and windows read only inside of planes. The
    // kernel goes through the indices with any grid.
    unsafe { device.launch("pool.cu", &name, Grid::cover(device, count, 1), arguments) }
}

/// out[p, i] = images[p, indices[p, i]] for each plane p of `in_plane` elements, and of `out_plane` in `indices`, i64, and
/// `out`.
///
/// The indices are not checked: they must be those that [`max_indices`] has made for planes of this size.
///
/// # Errors
/// When an array is not contiguous or has another number of planes.
pub fn gather(
    images: View<'_>,
    in_plane: usize,
    indices: View<'_>,
    out_plane: usize,
    out: &Memory,
) -> Result<()> {
    let count = indices.count();
    if indices.kind() != Kind::I64 || planes("max_pool2d", &images, in_plane)? * out_plane != count {
        return Err(mismatch("max_pool2d", &images, &indices));
    }
    room("max_pool2d", out, count, images.kind())?;
    if count == 0 {
        return Ok(());
    }
    let name = format!("max_pool2d_{}", images.kind().suffix());
    let (in_plane, out_plane) = (in_plane as u32, out_plane as u32);
    let arguments =
        arguments![images.dense()?, indices.dense()?, out.pointer(), count as u32, in_plane, out_plane];
    let device = out.device();
    // SAFETY: there are as many indices as results, of as many planes as the images have, and indices of `max_indices` lie
    // in their planes. The kernel goes through the results with any grid.
    unsafe { device.launch("pool.cu", &name, Grid::cover(device, count, 1), arguments) }
}

/// The adjoint of [`gather`]: out[p, i] is the sum of those elements of `cotangent` `[…, rows.output, columns.output]` in
/// plane p whose index, in `indices`, is i. `out` is `[…, rows.input, columns.input]`.
///
/// # Errors
/// When an array is not contiguous, the shapes of cotangent and indices differ, or the cotangent is not of floats.
pub fn scatter(
    cotangent: View<'_>,
    indices: View<'_>,
    rows: Window,
    columns: Window,
    out: &Memory,
) -> Result<()> {
    if indices.kind() != Kind::I64 || indices.sizes() != cotangent.sizes() {
        return Err(mismatch("max_pool2d_grad", &cotangent, &indices));
    }
    let planes = planes("max_pool2d_grad", &cotangent, rows.output * columns.output)?;
    let count = planes * rows.input * columns.input;
    room("max_pool2d_grad", out, count, cotangent.kind())?;
    if count == 0 {
        return Ok(());
    }
    let name = format!("max_pool2d_grad_{}", cotangent.kind().suffix());
    let (rows, columns) = (rows.narrowed()?, columns.narrowed()?);
    let arguments =
        arguments![cotangent.dense()?, indices.dense()?, out.pointer(), count as u32, rows, columns];
    let device = out.device();
    // SAFETY: `out` has room for as many planes as the cotangent and the indices have, and the kernel reads these at
    // positions of the windows only. It goes through the results with any grid.
    unsafe { device.launch("pool.cu", &name, Grid::cover(device, count, 1), arguments) }
}

/// How many planes of this size an array is made of.
pub(crate) fn planes(name: &str, array: &View<'_>, plane: usize) -> Result<usize> {
    match array.count() {
        0 => Ok(0),
        count if plane > 0 && count.is_multiple_of(plane) => Ok(count / plane),
        count => Err(Error::Argument(format!("{name}: {count} elements are not planes of {plane}"))),
    }
}

fn mismatch(name: &str, array: &View<'_>, indices: &View<'_>) -> Error {
    let (sizes, kind, indices) = (array.sizes(), indices.kind(), indices.sizes());
    Error::Argument(format!("{name}: indices {kind:?}{indices:?} do not belong to {sizes:?}"))
}
