//! Batch normalisation of contiguous `[batch, channels, length]` floats: `batch_norm.cu`.
//!
//! Statistics are `[2, channels]`: the means, then the biased variances.

use crate::channels::Channels;
use crate::launch::{Argument, Arguments, Grid, arguments};
use crate::{Error, Kind, Memory, Result, View};

const FILE: &str = "batch_norm.cu";

/// Numbers of the largest state that a block of a sum leaves behind.
const STATE: usize = 3;

/// out = means and biased variances of the channels of x, in one pass over it.
///
/// # Errors
/// When x is not contiguous, is not of the sizes, or `out` is too small.
pub fn statistics(x: View<'_>, dims: [usize; 3], out: &Memory) -> Result<()> {
    whole("batch_norm_statistics", x, dims)?;
    room("batch_norm_statistics", 2 * dims[1], x.kind(), out)?;
    let name = format!("batch_norm_statistics_{}", x.kind().suffix());
    fold(&name, dims, x.kind(), arguments![x.dense()?], None, out)
}

/// Runs the kernel `name` on `dims` with these operands, and, where blocks share channels, the one that joins their parts.
fn fold(
    name: &str,
    dims: [usize; 3],
    kind: Kind,
    mut operands: Arguments,
    lines: Option<&Lines<'_>>,
    out: &Memory,
) -> Result<()> {
    if dims[1] == 0 {
        return Ok(());
    }
    let (device, channels) = (out.device(), Channels::of(dims));
    let shares = channels.shares();
    let parts = match shares {
        1 => None,
        shares => Some(Memory::unspecified(device, shares * dims[1] * STATE * kind.size())?),
    };
    let part = parts.as_ref().map_or(0, Memory::pointer);
    operands.add(channels);
    lines.into_iter().for_each(|lines| operands.add(*lines));
    operands.add(part);
    operands.add(out.pointer());
    // SAFETY: callers have checked that the operands have the sizes and that `out` has room; `parts` has room for a state of
    // each channel from every row of blocks.
    unsafe { device.launch(FILE, name, channels.grid(shares), operands)? };
    if shares == 1 {
        return Ok(());
    }
    let joined = channels.parts(shares);
    let mut operands = arguments![part, joined];
    lines.into_iter().for_each(|lines| operands.add(*lines));
    operands.add(out.pointer());
    // SAFETY: as above; the first kernel has written every state.
    unsafe { device.launch(FILE, &format!("{name}_join"), joined.grid(1), operands) }
}

/// What becomes of an element x of a channel: f((x − mean) / √(variance + ε) · weight + bias), with a rectifier f.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// Sizes of the arrays.
    pub dims: [usize; 3],
    /// What [`statistics`] finds in x.
    pub statistics: View<'a>,
    /// One factor a channel, 1 where absent.
    pub weight: Option<View<'a>>,
    /// One number a channel, 0 where absent.
    pub bias: Option<View<'a>>,
    /// ε.
    pub epsilon: f64,
    /// The slope of f below 0; 1 for no rectifier.
    pub slope: f64,
}

impl BatchNorm<'_> {
    /// out = f of every element of x.
    ///
    /// # Errors
    /// When an operand is not contiguous or not of the sizes or the type of x, or `out` is too small.
    pub fn forward(&self, x: View<'_>, out: &Memory) -> Result<()> {
        const NAME: &str = "batch_norm";
        let count = whole(NAME, x, self.dims)?;
        room(NAME, count, x.kind(), out)?;
        let mut arguments = arguments![x.dense()?, out.pointer(), count as u32, Channels::of(self.dims)];
        arguments.add(self.lines(NAME, x.kind())?);
        self.each(NAME, x.kind(), count, arguments, out)
    }

    /// out = Σ g′ and Σ g′ · x̂ of each channel, `[2, channels]`: the gradients of bias and weight. g′ is g times the slope
    /// of f.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn affine_grad(&self, g: View<'_>, x: View<'_>, out: &Memory) -> Result<()> {
        const NAME: &str = "batch_norm_affine_grad";
        whole(NAME, x, self.dims)?;
        alike(NAME, g, x.count(), x.kind())?;
        room(NAME, 2 * self.dims[1], x.kind(), out)?;
        let (name, operands) = (format!("{NAME}_{}", x.kind().suffix()), arguments![g.dense()?, x.dense()?]);
        fold(&name, self.dims, x.kind(), operands, Some(&self.lines(NAME, x.kind())?), out)
    }

    /// out = the gradient of x, through the statistics too, given the two sums of [`affine_grad`](Self::affine_grad):
    /// (g′ − Σg′ / m − x̂ · Σ(g′ · x̂) / m) · weight / √(variance + ε), with m elements a channel.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn input_grad(&self, g: View<'_>, x: View<'_>, sums: View<'_>, out: &Memory) -> Result<()> {
        const NAME: &str = "batch_norm_input_grad";
        let count = whole(NAME, x, self.dims)?;
        alike(NAME, g, count, x.kind())?;
        alike(NAME, sums, 2 * self.dims[1], x.kind())?;
        room(NAME, count, x.kind(), out)?;
        let mut arguments = arguments![g.dense()?, x.dense()?, sums.dense()?, out.pointer(), count as u32];
        arguments.add(Channels::of(self.dims));
        arguments.add(self.lines(NAME, x.kind())?);
        self.each(NAME, x.kind(), count, arguments, out)
    }

    fn each(&self, name: &str, kind: Kind, count: usize, arguments: Arguments, out: &Memory) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let (device, name) = (out.device(), format!("{name}_{}", kind.suffix()));
        // SAFETY: callers have checked the sizes of all operands; the kernels go through the elements with any grid.
        unsafe { device.launch(FILE, &name, Grid::cover(device, count, 4), arguments) }
    }

    fn lines(&self, name: &str, kind: Kind) -> Result<Lines<'_>> {
        alike(name, self.statistics, 2 * self.dims[1], kind)?;
        for parameter in [self.weight, self.bias].into_iter().flatten() {
            alike(name, parameter, self.dims[1], kind)?;
        }
        let address = |parameter: Option<View<'_>>| parameter.map_or(Ok(0), |parameter| parameter.dense());
        let addresses = [self.statistics.dense()?, address(self.weight)?, address(self.bias)?];
        Ok(Lines { norm: self, addresses })
    }
}

/// As kernels take the parameters of all channels.
#[derive(Clone, Copy)]
struct Lines<'a> {
    norm: &'a BatchNorm<'a>,
    /// Of statistics, weight and bias; 0 where absent.
    addresses: [u64; 3],
}

impl Argument for Lines<'_> {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = [0; 40];
        let numbers = [self.norm.epsilon, self.norm.slope].map(f64::to_bits);
        for (slot, word) in bytes.chunks_mut(8).zip(self.addresses.into_iter().chain(numbers)) {
            slot.copy_from_slice(&word.to_ne_bytes());
        }
        arguments.push(&bytes);
    }
}

/// Moves running means and variances towards those of `statistics`, in place: r ← (1 − momentum) · r + momentum ·
/// statistic, the variances times `unbiased` first.
///
/// # Errors
/// When they are not contiguous or sizes or types differ.
pub fn update_running(
    means: View<'_>,
    variances: View<'_>,
    statistics: View<'_>,
    momentum: f64,
    unbiased: f64,
) -> Result<()> {
    const NAME: &str = "update_running";
    let (channels, kind, device) = (means.count(), means.kind(), means.memory().device());
    alike(NAME, variances, channels, kind)?;
    alike(NAME, statistics, 2 * channels, kind)?;
    if channels == 0 {
        return Ok(());
    }
    let mut arguments = arguments![means.dense()?, variances.dense()?, statistics.dense()?];
    arguments.add(channels as u32);
    arguments.add(momentum);
    arguments.add(unbiased);
    let grid = Grid::cover(device, 2 * channels, 1);
    // SAFETY: the views lie in their memory and have the sizes; the kernel goes through the elements with any grid.
    unsafe { device.launch(FILE, &format!("{NAME}_{}", kind.suffix()), grid, arguments) }
}

/// The number of elements of an array of these sizes.
fn whole(name: &str, x: View<'_>, dims: [usize; 3]) -> Result<usize> {
    alike(name, x, dims.iter().product(), x.kind())?;
    Ok(x.count())
}

fn alike(name: &str, operand: View<'_>, count: usize, kind: Kind) -> Result<()> {
    if operand.count() == count && operand.kind() == kind {
        return Ok(());
    }
    let (found, sizes) = (operand.kind(), operand.sizes());
    Err(Error::Argument(format!("{name}: needs {count} elements {kind:?}, got {found:?} {sizes:?}")))
}

fn room(name: &str, count: usize, kind: Kind, out: &Memory) -> Result<()> {
    if count * kind.size() <= out.bytes() {
        return Ok(());
    }
    Err(Error::Argument(format!("{name}: {count} elements into {} bytes", out.bytes())))
}
