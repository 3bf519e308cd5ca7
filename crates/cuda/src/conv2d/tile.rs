//! The tiles that convolutions and their gradients are cut into, and the kernels that have them.
//!
//! Which one is chosen depends on shapes, precision and the generation of the device, and so does the order of sums.

use crate::gemm::Precision;
use crate::{Device, Kind};

/// About two blocks for each multiprocessor of a large device.
pub(super) const WANTED_BLOCKS: usize = 264;

/// Terms that a block has in shared memory at a time, as in `kernels/tile.cuh`.
pub(super) const DEPTH: usize = 16;

/// What multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    /// Plain multiplications of this type.
    Plain(Kind),
    /// The tensor cores, to about the accuracy of f32.
    Tensor,
    /// The tensor cores, rounded to TF32.
    Rounded,
}

impl Arithmetic {
    pub fn new(kind: Kind, precision: Precision, device: &Device) -> Arithmetic {
        match precision {
            _ if kind != Kind::F32 || device.report().capability < (8, 0) => Arithmetic::Plain(kind),
            Precision::F32 => Arithmetic::Tensor,
            Precision::Tf32 => Arithmetic::Rounded,
            Precision::Fma => Arithmetic::Plain(kind),
        }
    }

    /// Without tensor cores, whose tiles are too high for few channels.
    fn of_few_channels(self) -> Arithmetic {
        if let Arithmetic::Plain(_) = self { self } else { Arithmetic::Plain(Kind::F32) }
    }

    fn has_tensor_cores(self) -> bool {
        !matches!(self, Arithmetic::Plain(_))
    }
}

/// A block's piece of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    arithmetic: Arithmetic,
    rows: usize,
    pub columns: usize,
    pub threads: u32,
}

impl Tile {
    const fn new(arithmetic: Arithmetic, rows: usize, columns: usize, threads: u32) -> Tile {
        Tile { arithmetic, rows, columns, threads }
    }

    /// Tiles of a matrix.
    pub fn count(&self, rows: usize, columns: usize) -> usize {
        rows.div_ceil(self.rows) * columns.div_ceil(self.columns)
    }

    /// For the convolution: the largest of which there are enough to keep a large device busy.
    pub fn of_positions(arithmetic: Arithmetic, channels: usize, positions: usize, products: usize) -> Tile {
        let middle_threads = if arithmetic.has_tensor_cores() { 128 } else { 256 };
        let small = Tile::new(arithmetic, 32, 64, 128);
        let middle = Tile::new(arithmetic, 64, 64, middle_threads);
        let large = Tile::new(arithmetic, 64, 128, 256);
        let fills = |tile: Tile, blocks: usize| {
            channels > 32 && tile.count(channels, positions).saturating_mul(products) >= blocks
        };
        match channels {
            0..=4 => Tile::new(arithmetic.of_few_channels(), 4, 128, 128),
            5..=16 => Tile::new(arithmetic.of_few_channels(), 16, 128, 128),
            _ if arithmetic.has_tensor_cores() && fills(large, WANTED_BLOCKS) => large,
            _ if fills(middle, WANTED_BLOCKS / 2) => middle,
            _ => small,
        }
    }

    /// For the gradient in the weight, of so many output channels and of so many elements each.
    pub fn of_weights(arithmetic: Arithmetic, channels: usize, patch: usize) -> Tile {
        let middle_threads = if arithmetic.has_tensor_cores() { 128 } else { 256 };
        match (channels, patch) {
            (0..=4, _) => Tile::new(arithmetic.of_few_channels(), 4, 32, 128),
            (_, 0..=32) => Tile::new(arithmetic, 32, 32, 128),
            (5..=32, _) => Tile::new(arithmetic, 32, 64, 128),
            _ => Tile::new(arithmetic, 64, 64, middle_threads),
        }
    }

    /// File and name of the kernel `conv2d` or `conv2d_weight_grad`.
    pub fn kernel(&self, function: &str) -> (&'static str, String) {
        let (file, infix, suffix) = match self.arithmetic {
            Arithmetic::Plain(kind) if function == "conv2d_weight_grad" => {
                ("conv2d_weight_grad.cu", "", kind.suffix())
            }
            Arithmetic::Plain(Kind::F64) => ("conv2d_double.cu", "", "f64"),
            Arithmetic::Plain(kind) => ("conv2d.cu", "", kind.suffix()),
            Arithmetic::Tensor => ("conv2d_tensor.cu", "tensor_", "f32"),
            Arithmetic::Rounded => ("conv2d_tf32.cu", "tf32_", "f32"),
        };
        (file, format!("{function}_{infix}{}x{}_{suffix}", self.rows, self.columns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_as_large_as_there_are_enough_of() {
        let rows_and_columns = |channels, positions| {
            let tile = Tile::of_positions(Arithmetic::Tensor, channels, positions, 1);
            (tile.rows, tile.columns)
        };
        assert_eq!(rows_and_columns(3, 128 * 784), (4, 128));
        assert_eq!(rows_and_columns(16, 128 * 784), (16, 128));
        assert_eq!(rows_and_columns(32, 128 * 784), (32, 64));
        assert_eq!(rows_and_columns(64, 128 * 49), (32, 64));
        assert_eq!(rows_and_columns(128, 128 * 49), (64, 64));
        assert_eq!(rows_and_columns(256, 128 * 196), (64, 128));
    }

    #[test]
    fn few_channels_are_multiplied_plainly() {
        let (file, name) = Tile::of_positions(Arithmetic::Tensor, 1, 1000, 1).kernel("conv2d");
        assert_eq!((file, &*name), ("conv2d.cu", "conv2d_4x128_f32"));
        let (file, name) = Tile::of_weights(Arithmetic::Rounded, 64, 512).kernel("conv2d_weight_grad");
        assert_eq!((file, &*name), ("conv2d_tf32.cu", "conv2d_weight_grad_tf32_64x64_f32"));
        let (file, name) =
            Tile::of_weights(Arithmetic::Plain(Kind::F64), 64, 512).kernel("conv2d_weight_grad");
        assert_eq!((file, &*name), ("conv2d_weight_grad.cu", "conv2d_weight_grad_64x64_f64"));
    }
}
