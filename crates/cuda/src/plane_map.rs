//! Average pooling and resampling: linear maps of the rows and the columns of every plane, `plane_map.cu`.

use crate::launch::{Argument, Arguments, BLOCK, Grid, arguments};
use crate::pool::planes;
use crate::view::room;
use crate::window::{Window, words};
use crate::{Error, Memory, Result, View};

/// A linear map along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AxisMap {
    /// The mean of each position of a window: its sum over the number of taps that read the input; or, where `padded` is
    /// given, the number of taps that lie in so many elements, which are the input and the padding on both sides.
    Average {
        /// The window.
        window: Window,
        /// Elements of the padded axis, where padding counts.
        padded: Option<usize>,
    },
    /// Output o of m is the mean of the inputs from ⌊o·n/m⌋ up to but not including ⌈(o + 1)·n/m⌉, of n.
    Adaptive {
        /// Size of the axis.
        inputs: usize,
        /// Size of the result.
        outputs: usize,
    },
    /// Output o is input min(⌊o·step⌋, inputs − 1).
    Nearest {
        /// Size of the axis.
        inputs: usize,
        /// Size of the result.
        outputs: usize,
        /// Inputs between neighbouring outputs.
        step: f64,
    },
    /// Output o lies at input position max((o + ½)·step − ½, 0), or at o·step where the corners are aligned, and is
    /// interpolated linearly between the inputs on both sides.
    Linear {
        /// Size of the axis.
        inputs: usize,
        /// Size of the result.
        outputs: usize,
        /// Inputs between neighbouring outputs.
        step: f64,
        /// Whether the first and the last output stand on the first and the last input.
        align_corners: bool,
    },
}

/// Terms from which on a warp sums them faster than a thread.
const MANY_TERMS: usize = 64;

impl AxisMap {
    /// Sizes of the axis and of the result.
    fn sizes(&self) -> [usize; 2] {
        match *self {
            AxisMap::Average { window, .. } => [window.input, window.output],
            AxisMap::Adaptive { inputs, outputs }
            | AxisMap::Nearest { inputs, outputs, .. }
            | AxisMap::Linear { inputs, outputs, .. } => [inputs, outputs],
        }
    }

    /// About how many inputs an output is made of; exchanged, how many outputs an input goes to.
    fn terms(&self, transposed: bool) -> usize {
        let [inputs, outputs] = self.sizes();
        let each = match self {
            AxisMap::Average { window, .. } => window.kernel.min(inputs),
            AxisMap::Adaptive { .. } => inputs.div_ceil(outputs),
            AxisMap::Nearest { .. } => 1,
            AxisMap::Linear { .. } => 2,
        };
        if transposed { (each * outputs).div_ceil(inputs) } else { each }
    }

    fn same_kind(&self, other: &AxisMap) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn name(&self) -> &'static str {
        match self {
            AxisMap::Average { .. } => "avg_pool2d",
            AxisMap::Adaptive { .. } => "adaptive_avg_pool2d",
            AxisMap::Nearest { .. } => "upsample_nearest2d",
            AxisMap::Linear { .. } => "upsample_bilinear2d",
        }
    }

    /// The struct of `kernels/plane_map.cuh`.
    fn argument(&self) -> Result<Bytes> {
        let narrow = |size: usize| {
            let refusal = |_| {
                Error::Argument(format!("{}: an axis of {size} is longer than a kernel counts", self.name()))
            };
            i32::try_from(size).map_err(refusal)
        };
        let [inputs, outputs] = [narrow(self.sizes()[0])?, narrow(self.sizes()[1])?];
        Ok(Bytes(match *self {
            AxisMap::Average { window, padded } => {
                let w = window.narrowed()?;
                // The largest number is as good as any that is larger: the taps end before.
                let padded = padded.map_or(0, |padded| padded.min(i32::MAX as usize / 2) as i32);
                words([w.input, w.output, w.kernel, w.stride, w.dilation, w.padding, padded, 0])
            }
            AxisMap::Adaptive { .. } => words([inputs, outputs]),
            AxisMap::Nearest { step, .. } => [words([inputs, outputs]), step.to_ne_bytes().to_vec()].concat(),
            AxisMap::Linear { step, align_corners, .. } => {
                [words([inputs, outputs]), step.to_ne_bytes().to_vec(), words([align_corners.into(), 0])]
                    .concat()
            }
        }))
    }
}

struct Bytes(Vec<u8>);

impl Argument for Bytes {
    fn add_to(&self, arguments: &mut Arguments) {
        arguments.push(&self.0);
    }
}

/// Maps the rows and the columns of each plane of `input`, f32 or f64: `[…, rows' inputs, columns' inputs]` to `out`
/// `[…, rows' outputs, columns' outputs]`. Where `transposed`, the adjoint: outputs to inputs.
///
/// # Errors
/// When the maps are of different kinds, or the input is not contiguous, not of such planes, or not of floats.
pub fn map(rows: AxisMap, columns: AxisMap, transposed: bool, input: View<'_>, out: &Memory) -> Result<()> {
    let name = rows.name();
    if !rows.same_kind(&columns) {
        return Err(Error::Argument(format!("{name}: the columns are mapped by {}", columns.name())));
    }
    let from = usize::from(transposed);
    let plane = |side: usize| rows.sizes()[side] * columns.sizes()[side];
    let count = planes(name, &input, plane(from))? * plane(1 - from);
    room(name, out, count, input.kind())?;
    if count == 0 {
        return Ok(());
    }
    let terms = rows.terms(transposed).saturating_mul(columns.terms(transposed));
    let wide = terms >= MANY_TERMS;
    let name = [
        name,
        if transposed { "_grad" } else { "" },
        if wide { "_wide_" } else { "_" },
        input.kind().suffix(),
    ];
    let arguments =
        arguments![input.dense()?, out.pointer(), count as u32, rows.argument()?, columns.argument()?];
    let device = out.device();
    let threads = if wide { count.saturating_mul(32) } else { count };
    debug_assert!(BLOCK.is_multiple_of(32), "blocks are of whole warps");
    // SAFETY: `out` has room for as many mapped planes as there are in `input`, and maps read inside of planes only. The
    // kernel goes through the results with any grid of whole warps.
    unsafe { device.launch("plane_map.cu", &name.concat(), Grid::cover(device, threads, 1), arguments) }
}
