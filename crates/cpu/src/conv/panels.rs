//! The weights of a convolution in the order in which the kernels read them.

use super::gather::Gather;
use super::kernel::{Convolve, Kernel, Turn};
use super::scratch;
use super::sweep::Sweep;
use crate::par::{self, Shared};
use std::ops::Range;

/// A weight in memory: the distances between groups, between channels of the result, and between channels of the
/// source. Taps lie beside each other.
#[derive(Clone, Copy)]
pub(super) struct Weight<'a, T> {
    pub data: &'a [T],
    pub group: usize,
    pub channel: usize,
    pub source: usize,
    /// Taps of a channel.
    pub taps: usize,
    /// Taps along a row of the kernel.
    pub columns: usize,
}

/// How channels are cut into panels of at most `most` columns of `unit` channels each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    channels: usize,
    pub unit: usize,
    columns: usize,
    panels: usize,
}

/// Some channels that are computed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panel {
    /// Columns before this panel.
    pub first_column: usize,
    /// Columns of this panel.
    pub columns: usize,
    /// The channels in them.
    pub channels: Range<usize>,
}

impl Cut {
    pub fn new(channels: usize, unit: usize, most: usize) -> Self {
        let columns = channels.div_ceil(unit);
        Self { channels, unit, columns, panels: columns.div_ceil(most) }
    }

    /// Number of panels.
    pub fn panels(&self) -> usize {
        self.panels
    }

    /// Columns of all panels.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Channels of all panels, the empty ones of the last vector among them.
    pub fn width(&self) -> usize {
        self.columns * self.unit
    }

    /// Panel `index`; panels differ by one column at most.
    pub fn panel(&self, index: usize) -> Panel {
        let start = |index: usize| self.columns * index / self.panels;
        let (first_column, end) = (start(index), start(index + 1));
        let channels = first_column * self.unit..(end * self.unit).min(self.channels);
        Panel { first_column, columns: end - first_column, channels }
    }
}

/// For each group, each pair of a row sweep and a column sweep, and each panel: a matrix `[depth, width]` of weights,
/// where k counts (source channel, row tap, column tap).
pub(super) struct Layout {
    pub cut: Cut,
    /// Where the weights of a pair of sweeps start within a group, and their depth; rows of sweeps first.
    pairs: Vec<(usize, usize)>,
    /// Elements of a group.
    group: usize,
    groups: usize,
}

impl Layout {
    pub fn new<T: Convolve>(gather: &Gather<T>, cut: Cut) -> Self {
        let (mut pairs, mut group) = (Vec::new(), 0);
        for (rows, columns) in gather.sweep_pairs() {
            let depth = gather.source_channels * rows.reads.len() * columns.reads.len();
            pairs.push((group, depth));
            group += depth * cut.width();
        }
        Self { cut, pairs, group, groups: gather.groups }
    }

    /// Elements of all panels.
    pub fn len(&self) -> usize {
        self.groups * self.group
    }

    /// Terms of the sums of a pair of sweeps.
    pub fn depth(&self, pair: usize) -> usize {
        self.pairs[pair].1
    }

    /// Where the panel of a group and a pair of sweeps starts.
    pub fn start(&self, group: usize, pair: usize, panel: &Panel) -> usize {
        let (start, depth) = self.pairs[pair];
        group * self.group + start + depth * panel.first_column * self.cut.unit
    }

    /// Writes all panels to `packed`. Channels beyond the last one are zeros.
    pub fn pack<T: Convolve>(&self, kernel: &Kernel<T>, gather: &Gather<T>, packed: &mut [T]) {
        let pairs: Vec<(&Sweep, &Sweep)> = gather.sweep_pairs().collect();
        let panels = self.cut.panels();
        let per_group = pairs.len() * panels;
        let together = par::rows_per_task(self.group / per_group.max(1));
        let to = Shared::new(&mut packed[..self.len()]);
        par::ranges(self.groups * per_group, together, |jobs| {
            for job in jobs {
                let (group, pair, panel) = (job / per_group, job / panels % pairs.len(), job % panels);
                let panel = self.cut.panel(panel);
                let (start, width) = (self.start(group, pair, &panel), panel.columns * self.cut.unit);
                // SAFETY: panels lie side by side within `len`, and each is written by one task.
                let packed = unsafe { to.part(start, self.depth(pair) * width) };
                pack_panel(kernel, gather, group, pairs[pair], &panel, width, packed);
            }
        });
    }
}

fn pack_panel<T: Convolve>(
    kernel: &Kernel<T>,
    gather: &Gather<T>,
    group: usize,
    (rows, columns): (&Sweep, &Sweep),
    panel: &Panel,
    width: usize,
    packed: &mut [T],
) {
    let Weight { data, taps, .. } = gather.weight;
    let channels = panel.channels.len();
    let depth = rows.reads.len() * columns.reads.len();
    if channels < width {
        packed.fill(T::ZERO);
    }
    scratch::with([taps * channels], |[turned]| {
        for (source, packed) in packed.chunks_exact_mut((depth * width).max(1)).enumerate() {
            let first = group * gather.weight.group
                + panel.channels.start * gather.weight.channel
                + source * gather.weight.source;
            let turn = Turn {
                rows: channels,
                columns: taps,
                from: data[first..][..(channels - 1) * gather.weight.channel + taps].as_ptr(),
                from_row: gather.weight.channel,
                to: turned.as_mut_ptr(),
                to_row: channels,
            };
            // SAFETY: the slice above holds the rows, and the buffer their transpose.
            unsafe { (kernel.turn)(&turn) }
            let wanted = rows.reads.iter().flat_map(|row| {
                columns.reads.iter().map(move |column| row.tap * gather.weight.columns + column.tap)
            });
            for (tap, packed) in wanted.zip(packed.chunks_exact_mut(width)) {
                packed[..channels].copy_from_slice(&turned[tap * channels..][..channels]);
            }
        }
    });
}
