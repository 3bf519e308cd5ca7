//! Layer normalisation of the rows of contiguous `[rows, n]` floats, and its gradients: `layer_norm.cu`.

use crate::channels::Channels;
use crate::launch::{Argument, Arguments, arguments};
use crate::rows::Rows;
use crate::{Error, Memory, Result, View};

const FILE: &str = "layer_norm.cu";

/// out = (x − mean) / √(variance + ε) · weight + bias, with mean and biased variance of each row, and a weight and a bias
/// for each column, 1 and 0 where absent.
///
/// # Errors
/// When operands are not contiguous or not of one type, sizes differ, or `out` is too small.
pub fn layer_norm(
    x: View<'_>,
    n: usize,
    [weight, bias]: [Option<View<'_>>; 2],
    epsilon: f64,
    out: &Memory,
) -> Result<()> {
    const NAME: &str = "layer_norm";
    let rows = rows(NAME, x, n, out)?;
    let arguments =
        arguments![x.dense()?, parameter(NAME, weight, n, x)?, parameter(NAME, bias, n, x)?, out.pointer(),];
    each_row(NAME, x, rows, arguments, epsilon, out)
}

/// out = the gradient of x, through the statistics too, where g is that of the result: with h = g · weight and means over
/// the row, (h − mean h − x̂ · mean (h · x̂)) / √(variance + ε).
///
/// # Errors
/// As [`layer_norm`].
pub fn input_grad(
    g: View<'_>,
    x: View<'_>,
    n: usize,
    weight: Option<View<'_>>,
    epsilon: f64,
    out: &Memory,
) -> Result<()> {
    const NAME: &str = "layer_norm_input_grad";
    let rows = rows(NAME, x, n, out)?;
    let arguments = arguments![
        parameter(NAME, Some(g), x.count(), x)?,
        x.dense()?,
        parameter(NAME, weight, n, x)?,
        out.pointer(),
    ];
    each_row(NAME, x, rows, arguments, epsilon, out)
}

/// out = Σ g · x̂ over the rows, for each of n columns: the gradient of the weight.
///
/// # Errors
/// As [`layer_norm`].
pub fn weight_grad(g: View<'_>, x: View<'_>, n: usize, epsilon: f64, out: &Memory) -> Result<()> {
    const NAME: &str = "layer_norm_weight_grad";
    let size = x.kind().size();
    if n * size > out.bytes() {
        return Err(Error::Argument(format!("{NAME}: {n} columns into {} bytes", out.bytes())));
    }
    if n == 0 {
        return Ok(());
    }
    let (device, g) = (out.device(), parameter(NAME, Some(g), x.count(), x)?);
    let rows = Rows::of([x.count() / n, n, 1]);
    // Mean and scale of each row.
    let found = Memory::unspecified(device, 2 * rows.count * size)?;
    each_row("layer_norm_rows", x, rows, arguments![x.dense()?, found.pointer()], epsilon, &found)?;
    let columns = Channels::of([rows.count, n, 1]);
    let shares = columns.shares();
    let parts = Memory::unspecified(device, if shares == 1 { 0 } else { shares * n * size })?;
    let mut arguments = arguments![g, x.dense()?, found.pointer()];
    arguments.add(columns);
    arguments.add(parts.pointer());
    arguments.add(out.pointer());
    let name = format!("{NAME}_{}", x.kind().suffix());
    // SAFETY: g and x have the sizes, the statistics of every row have been written, and `parts` has room for a sum of each
    // column from every row of blocks.
    unsafe { device.launch(FILE, &name, columns.grid(shares), arguments)? };
    if shares == 1 {
        return Ok(());
    }
    let joined = columns.parts(shares);
    let arguments = arguments![parts.pointer(), joined, out.pointer()];
    // SAFETY: as above; the first kernel has written every sum.
    unsafe { device.launch(FILE, &format!("{name}_join"), joined.grid(1), arguments) }
}

/// The rows of x, for which `out` has room.
fn rows(name: &str, x: View<'_>, n: usize, out: &Memory) -> Result<Rows> {
    let count = x.count();
    if count.is_multiple_of(n.max(1)) && count * x.kind().size() <= out.bytes() {
        return Ok(Rows::of([count / n.max(1), n, 1]));
    }
    Err(Error::Argument(format!("{name}: rows of {n} of {:?} into {} bytes", x.sizes(), out.bytes())))
}

/// The address of `count` elements of the type of x; 0 where they are absent.
fn parameter(name: &str, parameter: Option<View<'_>>, count: usize, x: View<'_>) -> Result<u64> {
    let Some(parameter) = parameter else { return Ok(0) };
    if parameter.count() == count && parameter.kind() == x.kind() {
        return parameter.dense();
    }
    Err(Error::Argument(format!("{name}: needs {count} elements, got {:?}", parameter.sizes())))
}

fn each_row(
    name: &str,
    x: View<'_>,
    rows: Rows,
    mut arguments: Arguments,
    epsilon: f64,
    out: &Memory,
) -> Result<()> {
    if x.count() == 0 {
        return Ok(());
    }
    arguments.add(rows.count as u32);
    arguments.add(rows.length as u32);
    epsilon.add_to(&mut arguments);
    let (team, grid) = rows.team();
    let name = format!("{name}{team}_{}", x.kind().suffix());
    // SAFETY: callers have checked the sizes of all operands; the kernels go through all rows with any grid of whole warps.
    unsafe { out.device().launch(FILE, &name, grid, arguments) }
}
