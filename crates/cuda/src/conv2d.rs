//! Convolution and its two gradients: `conv2d.cu` and the other files of that name.

mod parts;
#[cfg(test)]
mod tests;
mod tile;

use crate::gemm::Precision;
use crate::launch::{Argument, Arguments, Grid, arguments};
use crate::view::room;
use crate::window::{Window, Window32, words};
use crate::{Error, Kind, Memory, Result, View};
use parts::{Parts, part};
use tile::{Arithmetic, Tile};

/// Shapes of a convolution of images `[images, groups·in_channels, rows.input, columns.input]` with a weight
/// `[groups·out_channels, in_channels, rows.kernel, columns.kernel]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Images in the batch.
    pub images: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Input channels of one group.
    pub in_channels: usize,
    /// Output channels of one group.
    pub out_channels: usize,
    /// How the kernel slides down.
    pub rows: Window,
    /// How the kernel slides across.
    pub columns: Window,
}

impl Convolution {
    fn input_len(&self) -> usize {
        self.images * self.groups * self.in_channels * self.rows.input * self.columns.input
    }

    fn weight_len(&self) -> usize {
        self.groups * self.out_channels * self.patch()
    }

    fn output_len(&self) -> usize {
        self.images * self.groups * self.out_channels * self.rows.output * self.columns.output
    }

    fn taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }

    /// Elements of one patch: input channels by taps.
    fn patch(&self) -> usize {
        self.in_channels * self.taps()
    }

    fn argument(&self) -> Result<Shapes> {
        let counts = [self.images, self.groups, self.in_channels, self.out_channels];
        if counts.iter().any(|&count| count > i32::MAX as usize) || self.weight_len() > i32::MAX as usize {
            return Err(Error::Argument(format!("{self:?} is larger than a kernel counts")));
        }
        let counts = counts.map(|count| count as i32);
        Ok(Shapes { counts, windows: [self.rows.narrowed()?, self.columns.narrowed()?] })
    }
}

/// As in `kernels/conv2d.cuh`.
struct Shapes {
    counts: [i32; 4],
    windows: [Window32; 2],
}

impl Argument for Shapes {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = words(self.counts);
        for Window32 { input, output, kernel, stride, dilation, padding } in self.windows {
            bytes.extend(words([input, output, kernel, stride, dilation, padding]));
        }
        arguments.push(&bytes);
    }
}

/// `y[n, o, i, j] = bias[o] + Σ weight[o, c, a, b] · image[n, c, i·stride + a·dilation − padding, …]`, f32 or f64, with zeros
/// around the image. `precision` is how f32 is multiplied where there are more than a few channels. The bias has one value for
/// each output channel of all groups.
///
/// # Errors
/// When an operand is not contiguous, or has another size or type than the convolution and the image say.
pub fn forward(
    convolution: &Convolution,
    image: View<'_>,
    weight: View<'_>,
    bias: Option<View<'_>>,
    precision: Precision,
    out: &Memory,
) -> Result<()> {
    run(convolution, false, [image, weight], bias, precision, out)
}

/// The adjoint of [`forward`] in the image, which is the transposed convolution of `cotangent` plus a bias for each of its
/// output channels: `x[n, c, i·stride + a·dilation − padding, …] = bias[c] + Σ weight[o, c, a, b] · cotangent[n, o, i, j]`.
///
/// # Errors
/// As [`forward`].
pub fn input_grad(
    convolution: &Convolution,
    cotangent: View<'_>,
    weight: View<'_>,
    bias: Option<View<'_>>,
    precision: Precision,
    out: &Memory,
) -> Result<()> {
    run(convolution, true, [cotangent, weight], bias, precision, out)
}

/// The convolution of an image, or its adjoint of a cotangent.
fn run(
    convolution: &Convolution,
    adjoint: bool,
    operands: [View<'_>; 2],
    bias: Option<View<'_>>,
    precision: Precision,
    out: &Memory,
) -> Result<()> {
    let [source, weight] = operands;
    let (input, output) = (convolution.input_len(), convolution.output_len());
    let (name, source_len, count, channels) = if adjoint {
        ("conv2d_input_grad", output, input, convolution.in_channels)
    } else {
        ("conv2d", input, output, convolution.out_channels)
    };
    let kind = check(name, operands, [source_len, convolution.weight_len()])?;
    if bias.is_some_and(|bias| bias.kind() != kind || bias.count() != convolution.groups * channels) {
        return Err(Error::Argument(format!("{name}: the bias does not fit {convolution:?}")));
    }
    room(name, out, count, kind)?;
    if count == 0 {
        return Ok(());
    }
    let Products { shapes, number, positions, terms } = products(convolution, adjoint)?;
    let tile =
        Tile::of_positions(Arithmetic::new(kind, precision, out.device()), channels, positions, number);
    let tiles = tile.count(channels, positions).saturating_mul(number);
    let part_terms = part(tiles, terms, count);
    let parts = Parts::new(name, out, count, terms.div_ceil(part_terms).max(1), kind)?;
    let blocks = grid(name, convolution, tiles.saturating_mul(parts.number()), tile)?;
    let bias = bias.map(|bias| bias.dense()).transpose()?.unwrap_or(0);
    let [rows, columns] = shapes.windows;
    let mut arguments = arguments![source.dense()?, weight.dense()?];
    // Parts get the bias only where they are added up.
    arguments.add(if parts.number() > 1 { 0 } else { bias });
    arguments.add(parts.sums().pointer());
    arguments.add(shapes);
    arguments.push(&words([
        i32::from(adjoint),
        positions.div_ceil(tile.columns) as i32,
        part_terms as i32,
        count as i32,
    ]));
    let (file, kernel) = tile.kernel("conv2d");
    // SAFETY: the operands have the elements that the convolution counts, the sums have room for as many as it makes in
    // each part, the kernel reads no others, and the grid has a block for each tile of each part of each product.
    unsafe { out.device().launch(file, &kernel, blocks, arguments)? };
    let plane = if adjoint { rows.input * columns.input } else { rows.output * columns.output };
    parts.add(bias, plane as usize, convolution.groups * channels)
}

/// The products of matrices that a convolution is, as `kernels/convolve.cuh` has them.
struct Products {
    shapes: Shapes,
    /// One for each group; of the adjoint, one for each group and remainder of positions by the stride.
    number: usize,
    /// Positions in the largest of them.
    positions: usize,
    /// Terms of the longest sums.
    terms: usize,
}

fn products(convolution: &Convolution, adjoint: bool) -> Result<Products> {
    let mut shapes = convolution.argument()?;
    let Convolution { images, groups, in_channels, out_channels, rows, columns } = *convolution;
    if !adjoint {
        let (positions, terms) = (images * rows.output * columns.output, in_channels * convolution.taps());
        return Ok(Products { shapes, number: groups, positions, terms });
    }
    let (mut number, mut positions, mut terms) = (groups, images, out_channels);
    for window in &mut shapes.windows {
        // Where there is one position only any stride does: with one as long as the kernel, every remainder by the stride
        // has one tap, instead of the only remainder all taps, one of which counts.
        if window.output == 1 {
            window.stride = ((window.kernel - 1) * window.dilation + 1).min(window.input + window.padding);
        }
        let [input, kernel, stride, dilation] =
            [window.input, window.kernel, window.stride, window.dilation].map(|size| size as usize);
        number = number.saturating_mul(stride);
        positions *= input.div_ceil(stride);
        terms *= kernel.div_ceil(stride / greatest_common_divisor(stride, dilation));
    }
    Ok(Products { shapes, number, positions, terms })
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The adjoint of [`forward`] in the weight: w[o, c, a, b] = Σ cotangent[n, o, i, j] · image[n, c, i·stride + a·dilation −
/// padding, …] over n, i and j.
///
/// # Errors
/// As [`forward`].
pub fn weight_grad(
    convolution: &Convolution,
    image: View<'_>,
    cotangent: View<'_>,
    precision: Precision,
    out: &Memory,
) -> Result<()> {
    let name = "conv2d_weight_grad";
    let kind = check(name, [image, cotangent], [convolution.input_len(), convolution.output_len()])?;
    let count = convolution.weight_len();
    room(name, out, count, kind)?;
    let terms = convolution.images * convolution.rows.output * convolution.columns.output;
    if count == 0 {
        return Ok(());
    }
    if terms == 0 {
        return out.fill(0);
    }
    let patch = convolution.patch();
    let arithmetic = Arithmetic::new(kind, precision, out.device());
    let tile = Tile::of_weights(arithmetic, convolution.out_channels, patch);
    let tiles = tile.count(convolution.out_channels, patch).saturating_mul(convolution.groups);
    let part_terms = part(tiles, terms, count);
    let parts = Parts::new(name, out, count, terms.div_ceil(part_terms), kind)?;
    let blocks = grid(name, convolution, tiles.saturating_mul(parts.number()), tile)?;
    let mut arguments = arguments![image.dense()?, cotangent.dense()?, parts.sums().pointer()];
    arguments.add(convolution.argument()?);
    arguments.add(part_terms as u32);
    let (file, kernel) = tile.kernel(name);
    // SAFETY: the operands have the elements that the convolution counts, the sums have room for the weights once for each
    // part, the kernel reads no others, and the grid has a block for each tile of each part.
    unsafe { out.device().launch(file, &kernel, blocks, arguments)? };
    parts.add(0, 1, 1)
}

/// A line of blocks, unless they are more than a device counts.
fn grid(name: &str, convolution: &Convolution, blocks: usize, tile: Tile) -> Result<Grid> {
    if blocks > i32::MAX as usize {
        return Err(Error::Argument(format!("{name}: {convolution:?} needs {blocks} blocks")));
    }
    Ok(Grid::line(blocks, tile.threads))
}

/// The one float type of both operands, which must have so many elements.
fn check(name: &str, operands: [View<'_>; 2], counts: [usize; 2]) -> Result<Kind> {
    let kind = operands[0].kind();
    let fits = |(operand, count): (&View<'_>, usize)| operand.kind() == kind && operand.count() == count;
    if matches!(kind, Kind::F32 | Kind::F64) && operands.iter().zip(counts).all(fits) {
        return Ok(kind);
    }
    let sizes = operands.map(|operand| (operand.kind(), operand.sizes()));
    Err(Error::Argument(format!("{name}: needs operands of {counts:?} floats, got {sizes:?}")))
}
