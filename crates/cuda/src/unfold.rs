//! Patches of images as columns, and back: `unfold.cu`.

use crate::launch::{Grid, arguments};
use crate::pool::planes;
use crate::view::room;
use crate::window::Window;
use crate::{Memory, Result, View};

/// Patch matrices `[…, kernel rows, kernel columns, rows.output, columns.output]` of the planes of `images`
/// `[…, rows.input, columns.input]`, numbers of any type; padding is zeros.
///
/// # Errors
/// When the images are not contiguous or not of such planes, or `out` is too small.
pub fn unfold(images: View<'_>, rows: Window, columns: Window, out: &Memory) -> Result<()> {
    let count = planes("unfold", &images, rows.input * columns.input)? * matrix(&rows, &columns);
    run("unfold", images, rows, columns, count, out)
}

/// The adjoint of [`unfold`]: every element of `out` `[…, rows.input, columns.input]` is the sum of its copies in
/// `patches`.
///
/// # Errors
/// When the patches are not contiguous or not of such planes, or `out` is too small.
pub fn fold(patches: View<'_>, rows: Window, columns: Window, out: &Memory) -> Result<()> {
    let count = planes("fold", &patches, matrix(&rows, &columns))? * rows.input * columns.input;
    run("fold", patches, rows, columns, count, out)
}

/// Elements of the patches of one plane.
fn matrix(rows: &Window, columns: &Window) -> usize {
    rows.kernel * columns.kernel * rows.output * columns.output
}

fn run(name: &str, input: View<'_>, rows: Window, columns: Window, count: usize, out: &Memory) -> Result<()> {
    room(name, out, count, input.kind())?;
    if count == 0 {
        return Ok(());
    }
    let name = format!("{name}_{}", input.kind().suffix());
    let arguments =
        arguments![input.dense()?, out.pointer(), count as u32, rows.narrowed()?, columns.narrowed()?];
    let device = out.device();
    // SAFETY: the input holds as many planes or matrices as `out` has room for results of, and windows read and write
    // inside of them only. The kernels go through the results with any grid.
    unsafe { device.launch("unfold.cu", &name, Grid::cover(device, count, 1), arguments) }
}
