//! The innermost product, `out = left · panel`, and the choice of its instruction set.
//!
//! The right operand is a *panel*: a few columns wide, a row for every k, each row a handful of vectors. The left operand
//! is read where it lies, be that a matrix or a copy of some rows, an element at a time, and spread over a vector. A tile of
//! the result stays in registers for all of k, so that a step of k costs one load a vector, one broadcast a row, and a fused
//! multiply-add for each pair.
//!
//! Every element of the result is one chain of fused multiply-adds in the order of k, from the bias on. Where it lies in a tile, how wide
//! the panel is and which thread computes it do not change its bits.
//!
//! ```text
//! let kernel = Kernel::current();
//! // Pack columns j.. of a matrix, `kernel.columns` of them at most, into panel[k * width + j], then
//! // SAFETY: …
//! unsafe { kernel.multiply(&Product { rows, columns, depth, left, panel, panel_row: width, out, … }) }
//! ```

use super::ahead::Ahead;
use super::dot::InnerProducts;
use super::pack::Packing;
use super::{Strided, pack, tile};
use crate::simd::{self, Level};

/// The kernel of an instruction set.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Rows of a register tile. [`Kernel::multiply`] takes any number and cuts it into tiles of at most this many.
    pub rows: usize,
    /// Most columns of a panel.
    pub columns: usize,
    /// Elements of a vector. A panel costs as much as one whose width is rounded up to a multiple of this.
    pub lanes: usize,
    multiply: unsafe fn(&Product),
    pack: unsafe fn(&Packing),
    dot: Option<unsafe fn(&InnerProducts)>,
}

/// Most columns of a panel at any level, for buffers of fixed size.
pub const MOST_COLUMNS: usize = 48;

/// What the sums of a product start from.
#[derive(Clone, Copy, Debug)]
pub enum Bias {
    /// Zero.
    None,
    /// One value a row of the tile: `rows` values.
    Rows(*const f32),
    /// One value a column of the tile: `columns` values.
    Columns(*const f32),
}

/// One call of a kernel: `out = bias + left · panel`, or `out = out + (bias + left · panel)` where `accumulate`.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Rows of `left` and `out`; any number.
    pub rows: usize,
    /// Columns of `panel` and `out`: at most [`Kernel::columns`].
    pub columns: usize,
    /// Columns of `left`, rows of `panel`. Zero leaves the bias alone.
    pub depth: usize,
    /// [rows, depth], with any strides.
    pub left: Strided<*const f32>,
    /// [depth, columns]: element (k, j) is `panel[k * panel_row + j]`. Nothing beyond `columns` is read, so that a
    /// matrix with unit column stride is a panel as it lies. It need not be aligned, but aligned rows of whole vectors
    /// are faster.
    pub panel: *const f32,
    /// Elements from a row of the panel to the next.
    pub panel_row: usize,
    /// [rows, columns]; the row or the column stride is 1.
    pub out: Strided<*mut f32>,
    /// Adds to what `out` holds; otherwise `out` is not read.
    pub accumulate: bool,
    /// Added to the product.
    pub bias: Bias,
    /// Fetched into the second-level cache meanwhile.
    pub ahead: Ahead,
}

impl Kernel {
    /// The kernel of the instruction set in use, [`simd::level`].
    #[inline]
    pub fn current() -> Kernel {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Kernel {
                rows: 8,
                columns: 48,
                lanes: 16,
                multiply: tile::avx512,
                pack: pack::avx512,
                dot: Some(super::dot::avx512::multiply),
            },
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => {
                Kernel { rows: 6, columns: 16, lanes: 8, multiply: tile::avx2, pack: pack::avx2, dot: None }
            }
            _ => Kernel {
                rows: 4,
                columns: 8,
                lanes: 4,
                multiply: tile::baseline,
                pack: pack::baseline,
                dot: None,
            },
        }
    }

    /// Computes a product.
    ///
    /// # Safety
    /// All elements of `left`, `panel`, `bias` and `out` that the shapes and strides describe must be in bounds, no
    /// other thread may touch those of `out` meanwhile, and `out` must not overlap the operands.
    #[inline]
    pub unsafe fn multiply(&self, product: &Product) {
        debug_assert!(product.columns <= self.columns);
        debug_assert!(product.out.row == 1 || product.out.column == 1);
        // SAFETY: the caller vouches for the product, and `current` chose a kernel that this processor has.
        unsafe { (self.multiply)(product) }
    }

    /// Packs a panel.
    ///
    /// # Safety
    /// All elements that the packing describes must be in bounds and those of `to` nobody else's.
    pub(super) unsafe fn pack(&self, packing: &Packing) {
        debug_assert!(packing.columns <= packing.width);
        // SAFETY: the caller vouches for the packing, and `current` chose a kernel that this processor has.
        unsafe { (self.pack)(packing) }
    }

    /// Whether [`Kernel::dot`] may be called.
    pub(super) fn has_dot(&self) -> bool {
        self.dot.is_some()
    }

    /// Computes inner products.
    ///
    /// # Panics
    /// When the kernel has none.
    ///
    /// # Safety
    /// All elements that the shapes and strides describe must be in bounds and those of `out` nobody else's.
    pub(super) unsafe fn dot(&self, products: &InnerProducts) {
        let dot = self.dot.expect("the plan asks for inner products only where there are any");
        // SAFETY: the caller vouches for the products, and `current` chose a kernel that this processor has.
        unsafe { dot(products) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers, whose products and sums f32 holds exactly.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919) % 23) as f32 - 11.0).collect()
    }

    /// Every number of rows and columns, both ways out, with and without accumulation and bias; a frame around the
    /// result shows what is written beyond it.
    #[test]
    fn agrees_with_the_definition() {
        simd::at_each_level(|_| {
            let kernel = Kernel::current();
            for (rows, columns) in
                (0..=2 * kernel.rows + 1).flat_map(|m| (0..=kernel.columns).map(move |n| (m, n)))
            {
                let (depth, frame) = ((rows * 5 + columns) % 7, 3);
                let (left, panel) = (numbers(rows * depth + 1), numbers(depth * columns + 1));
                let bias = numbers(rows.max(columns) + 5);
                let (turned, accumulate) = (rows % 2 == 0, columns % 3 == 0);
                let (lines, line) = if turned { (columns, rows + frame) } else { (rows, columns + frame) };
                let mut out = numbers(lines * line + frame);
                let mut expected = out.clone();
                let bias_along =
                    [Bias::None, Bias::Rows(bias.as_ptr()), Bias::Columns(bias.as_ptr())][rows % 3];
                for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                    let product: f32 = (0..depth).map(|k| left[i + k * rows] * panel[k * columns + j]).sum();
                    let added = [0.0, bias[i], bias[j]][rows % 3];
                    let to = &mut expected[if turned { j * line + i } else { i * line + j }];
                    *to = if accumulate { *to } else { 0.0 } + product + added;
                }
                let (row, column) = if turned { (1, line as isize) } else { (line as isize, 1) };
                // SAFETY: the buffers were made for these shapes.
                unsafe {
                    kernel.multiply(&Product {
                        rows,
                        columns,
                        depth,
                        left: Strided { start: left.as_ptr(), row: 1, column: rows as isize },
                        panel: panel.as_ptr(),
                        panel_row: columns,
                        out: Strided { start: out.as_mut_ptr(), row, column },
                        accumulate,
                        bias: bias_along,
                        ahead: Ahead { start: left.as_ptr(), row: 1, rows, width: depth },
                    })
                }
                assert_eq!(out, expected, "{kernel:?}: {rows} x {depth} x {columns}");
            }
        });
    }
}
