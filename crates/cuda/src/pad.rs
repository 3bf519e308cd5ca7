//! Padding and cropping: `pad.cu`.

use crate::launch::{Argument, Arguments, Grid, arguments};
use crate::view::room;
use crate::{Error, Memory, Result, View};

/// As in `kernels/strides.cuh`.
const MAX_RANK: usize = 12;

/// What lies beyond the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// One value everywhere.
    Constant,
    /// The mirror image, without repeating the edge: `c b | a b c | b a`.
    Reflect,
    /// The edge itself: `a a | a b c | c c`.
    Replicate,
    /// The other end, as on a ring: `b c | a b c | a b`.
    Circular,
}

/// As in `kernels/pad.cu`.
struct PadAxes {
    strides: [i64; MAX_RANK],
    sizes: [i32; MAX_RANK],
    padded: [i32; MAX_RANK],
    before: [i32; MAX_RANK],
    rank: i32,
    fill: i32,
}

impl Argument for PadAxes {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes: Vec<u8> = self.strides.iter().flat_map(|stride| stride.to_ne_bytes()).collect();
        let sizes = [self.sizes, self.padded, self.before].concat();
        bytes.extend(sizes.iter().chain(&[self.rank, self.fill]).flat_map(|size| size.to_ne_bytes()));
        arguments.push(&bytes);
    }
}

/// The padded `input`, numbers of any type, which may have any strides. `amounts` holds for each axis how much it grows
/// before and behind; negative amounts crop. `constant` is what [`Fill::Constant`] fills with. A reflection must be shorter
/// than its axis, and a ring is not padded by more than the axis.
///
/// # Errors
/// When there are not as many amounts as axes, more axes than kernels know, an axis would have less than no elements, or
/// `out` is too small.
pub fn pad(
    input: View<'_>,
    amounts: &[(isize, isize)],
    fill: Fill,
    constant: f64,
    out: &Memory,
) -> Result<()> {
    if amounts.len() != input.sizes().len() || amounts.len() > MAX_RANK {
        let (sizes, most) = (input.sizes(), MAX_RANK);
        return Err(Error::Argument(format!(
            "pad: {} amounts for {sizes:?}; at most {most} axes",
            amounts.len()
        )));
    }
    let mut axes = PadAxes {
        strides: [0; MAX_RANK],
        sizes: [0; MAX_RANK],
        padded: [1; MAX_RANK],
        before: [0; MAX_RANK],
        rank: 0,
        fill: fill as i32,
    };
    let mut count = 1;
    for (axis, &(before, after)) in amounts.iter().enumerate() {
        let (size, stride) = (input.sizes()[axis], input.strides()[axis]);
        let padded = padded(size, before, after)?;
        count *= padded;
        // An axis that stays as it is and follows on from such a one is part of it.
        if before == 0 && after == 0 && axes.rank > 0 {
            let last = axes.rank as usize - 1;
            let plain = axes.before[last] == 0 && axes.sizes[last] == axes.padded[last];
            if plain && axes.strides[last] == stride as i64 * size as i64 {
                axes.sizes[last] *= size as i32;
                axes.padded[last] = axes.sizes[last];
                axes.strides[last] = stride as i64;
                continue;
            }
        }
        let place = axes.rank as usize;
        axes.strides[place] = stride as i64;
        axes.sizes[place] = size as i32;
        axes.padded[place] = padded as i32;
        axes.before[place] = before as i32;
        axes.rank += 1;
    }
    room("pad", out, count, input.kind())?;
    if count == 0 {
        return Ok(());
    }
    let name = format!("pad_{}", input.kind().suffix());
    let arguments = arguments![input.pointer(), out.pointer(), count as u32, axes, constant];
    let device = out.device();
    // SAFETY: the kernel reads at positions of the axes only, as the modes that repeat elements never reach further than
    // once around, and `out` has room for `count` results. It goes through them with any grid.
    unsafe { device.launch("pad.cu", &name, Grid::cover(device, count, 1), arguments) }
}

/// The adjoint of [`pad`] along `axis` of the contiguous `cotangent`: adds up what an axis that has grown by `before` and
/// `after` showed of each of its elements. `fill` is one of the modes that repeat elements.
///
/// # Errors
/// When the cotangent is not contiguous, `out` is too small, or the axis would have had less than no elements.
pub fn pad_grad(
    cotangent: View<'_>,
    axis: usize,
    (before, after): (isize, isize),
    fill: Fill,
    out: &Memory,
) -> Result<()> {
    let sizes = cotangent.sizes();
    let size = padded(sizes[axis], -before, -after)?;
    let inner: usize = sizes[axis + 1..].iter().product();
    let count = sizes[..axis].iter().product::<usize>() * size * inner;
    room("pad_grad", out, count, cotangent.kind())?;
    if count == 0 {
        return Ok(());
    }
    let name = format!("pad_grad_{}", cotangent.kind().suffix());
    let mut arguments =
        arguments![cotangent.dense()?, out.pointer(), count as u32, size as i32, sizes[axis] as i32];
    arguments.add(before as i32);
    arguments.add(inner as u32);
    arguments.add(fill as i32);
    let device = out.device();
    // SAFETY: `out` has room for `count` results, and the kernel reads the cotangent only inside of the padded axis. It
    // goes through the results with any grid.
    unsafe { device.launch("pad.cu", &name, Grid::cover(device, count, 1), arguments) }
}

/// The size of an axis that has grown by these amounts.
fn padded(size: usize, before: isize, after: isize) -> Result<usize> {
    let limit = i32::MAX as isize;
    let padded = (size as isize).checked_add(before).and_then(|sum| sum.checked_add(after));
    padded
        .filter(|padded| (0..=limit).contains(padded) && before.abs() <= limit && after.abs() <= limit)
        .map(|padded| padded as usize)
        .ok_or_else(|| Error::Argument(format!("pad: an axis of {size} cannot grow by {before} and {after}")))
}
