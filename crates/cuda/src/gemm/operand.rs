//! Operands of products as the kernels take them.

use crate::launch::{Argument, Arguments};
use crate::{Error, Result, View};

/// An operand as `kernels/operand.cuh` has it: outer indices (rows of A, columns of B) by depths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    view: View<'a>,
    outer_stride: isize,
    depth_stride: isize,
    /// Whether neighbours in memory differ in depth.
    pub along_depth: bool,
    /// Whether 16 bytes can be copied at once.
    wide: bool,
}

impl<'a> Matrix<'a> {
    /// A = [batch…, outer, depth].
    pub fn rows(view: View<'a>) -> Self {
        let rank = view.sizes().len();
        Self::new(view, rank - 2, rank - 1)
    }

    /// B = [batch…, depth, outer].
    pub fn columns(view: View<'a>) -> Self {
        let rank = view.sizes().len();
        Self::new(view, rank - 1, rank - 2)
    }

    fn new(view: View<'a>, outer: usize, depth: usize) -> Self {
        let axes = view.sizes().len() - 2;
        let (outers, depths) = (view.sizes()[outer], view.sizes()[depth]);
        let (outer_stride, depth_stride) = (view.strides()[outer], view.strides()[depth]);
        // An axis of one element has no neighbours, whatever its stride.
        let (depth_runs, outer_runs) = (depth_stride == 1 && depths > 1, outer_stride == 1 && outers > 1);
        let along_depth = depth_runs || !outer_runs && depth_stride.abs() <= outer_stride.abs();
        let (runs, across, lines) =
            if along_depth { (depth_runs, outer_stride, outers) } else { (outer_runs, depth_stride, depths) };
        let aligned = |stride: isize, size: usize| {
            size <= 1 || (stride.unsigned_abs() * view.kind().size()).is_multiple_of(16)
        };
        let mut batch = view.strides()[..axes].iter().zip(view.sizes());
        let wide = runs
            && aligned(across, lines)
            && batch.all(|(&stride, &size)| aligned(stride, size))
            && view.pointer().is_multiple_of(16);
        Self { view, outer_stride, depth_stride, along_depth, wide }
    }

    /// The kernel's argument.
    ///
    /// # Errors
    /// When a stride is larger than kernels know.
    pub fn operand(&self) -> Result<Operand> {
        let narrow = |stride: isize| {
            i32::try_from(stride).map_err(|_| {
                let strides = self.view.strides();
                Error::Argument(format!("matmul: strides {strides:?} are larger than a kernel knows"))
            })
        };
        Ok(Operand {
            start: self.view.pointer(),
            outer_stride: narrow(self.outer_stride)?,
            depth_stride: narrow(self.depth_stride)?,
            wide: self.wide,
        })
    }
}

/// `Operand` of `kernels/operand.cuh`.
pub(super) struct Operand {
    start: u64,
    outer_stride: i32,
    depth_stride: i32,
    wide: bool,
}

impl Argument for Operand {
    fn add_to(&self, arguments: &mut Arguments) {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.start.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.outer_stride.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.depth_stride.to_ne_bytes());
        bytes[16..20].copy_from_slice(&i32::from(self.wide).to_ne_bytes());
        arguments.push(&bytes);
    }
}
