//! Which tiles a product is cut into: what its blocks are, and how many share one tile's depth.
//!
//! The choice depends on the sizes and the device only, and so does the order of every sum.

use super::Precision;
use crate::{DeviceReport, Kind};

/// Tiles of a launch that can be split, as in `kernels/gemm.cuh`.
const MOST_SPLIT_TILES: usize = 2048;

/// How many blocks may share a tile's depth.
const SPLITS: [usize; 14] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];

/// A kind of tile, as the kernels of `file` have it. The times are estimates for a GPU of the Hopper generation, in cycles.
#[derive(Debug, PartialEq)]
pub struct Tile {
    pub file: &'static str,
    pub name: &'static str,
    pub rows: usize,
    pub columns: usize,
    /// Depths that are multiplied at one step.
    pub depths: usize,
    pub threads: u32,
    /// Steps whose operands are in shared memory at the same time.
    stages: usize,
    /// Blocks that a multiprocessor has registers for.
    resident: usize,
    /// A step of a block that has a multiprocessor for itself.
    alone: usize,
    /// A step of each of many blocks on a multiprocessor.
    shared: usize,
}

macro_rules! tiles {
    ($file:literal, $(
        $name:literal: $rows:literal x $columns:literal x $depths:literal, $threads:literal threads, $stages:literal stages,
        $resident:literal resident, $alone:literal alone, $shared:literal shared;
    )*) => {
        &[$(Tile {
            file: $file,
            name: $name,
            rows: $rows,
            columns: $columns,
            depths: $depths,
            threads: $threads,
            stages: $stages,
            resident: $resident,
            alone: $alone,
            shared: $shared,
        }),*]
    };
}

const TENSOR: &[Tile] = tiles! { "gemm.cu",
    "matmul_128x128": 128 x 128 x 16, 256 threads, 4 stages, 1 resident, 1200 alone, 1150 shared;
    "matmul_64x64": 64 x 64 x 32, 128 threads, 3 stages, 3 resident, 800 alone, 700 shared;
    "matmul_32x32": 32 x 32 x 32, 128 threads, 4 stages, 4 resident, 300 alone, 270 shared;
    "matmul_16x64": 16 x 64 x 32, 128 threads, 4 stages, 4 resident, 320 alone, 300 shared;
    "matmul_64x16": 64 x 16 x 32, 128 threads, 4 stages, 4 resident, 320 alone, 300 shared;
};

const TENSOR_ROUNDED: &[Tile] = tiles! { "gemm_tf32.cu",
    "matmul_tf32_128x128": 128 x 128 x 16, 256 threads, 4 stages, 1 resident, 700 alone, 500 shared;
    "matmul_tf32_64x64": 64 x 64 x 32, 128 threads, 3 stages, 3 resident, 500 alone, 480 shared;
    "matmul_tf32_32x32": 32 x 32 x 32, 128 threads, 4 stages, 4 resident, 250 alone, 250 shared;
    "matmul_tf32_16x64": 16 x 64 x 32, 128 threads, 4 stages, 4 resident, 270 alone, 280 shared;
    "matmul_tf32_64x16": 64 x 16 x 32, 128 threads, 4 stages, 4 resident, 270 alone, 280 shared;
};

const SINGLE: &[Tile] = tiles! { "gemm_fma.cu",
    "matmul_fma_128x128": 128 x 128 x 16, 256 threads, 4 stages, 1 resident, 2500 alone, 2300 shared;
    "matmul_fma_64x64": 64 x 64 x 16, 256 threads, 4 stages, 2 resident, 750 alone, 650 shared;
    "matmul_fma_32x32": 32 x 32 x 16, 128 threads, 4 stages, 4 resident, 280 alone, 200 shared;
};

const DOUBLE: &[Tile] = tiles! { "gemm_fma.cu",
    "matmul_fma_64x64": 64 x 64 x 16, 256 threads, 3 stages, 2 resident, 1300 alone, 1150 shared;
    "matmul_fma_32x32": 32 x 32 x 16, 128 threads, 4 stages, 4 resident, 450 alone, 330 shared;
};

/// From the start of a launch to a block's first step, and from its last one to the end.
const START: usize = 1500;
/// What the last block of a tile waits for, and what each of the parts costs it.
const JOIN: usize = 2000;
const PART: usize = 250;
/// Bytes of parts that a multiprocessor writes and reads again in a cycle.
const PART_BYTES: usize = 16;

/// How a product is computed.
#[derive(Debug)]
pub struct Plan {
    pub tile: &'static Tile,
    /// Tiles of one result.
    pub tiles: usize,
    /// Blocks that share a tile, and depths of each.
    pub splits: usize,
    pub split_depth: usize,
}

impl Plan {
    /// The fastest by estimate.
    pub fn new(
        kind: Kind,
        precision: Precision,
        sizes: [usize; 3],
        batches: usize,
        device: &DeviceReport,
    ) -> Plan {
        let plans = tiles(kind, precision, device)
            .flat_map(|tile| SPLITS.map(|splits| Plan::cut(tile, splits, sizes)));
        plans
            .filter(|plan| plan.splits == 1 || plan.tiles * batches <= MOST_SPLIT_TILES)
            .min_by_key(|plan| plan.cycles(kind, batches, sizes[1], device.multiprocessors))
            .expect("there are tiles for each type")
    }

    /// The product of [rows, depth] by [depth, columns], cut into these tiles, with at most `splits` blocks for each.
    pub fn cut(tile: &'static Tile, splits: usize, [rows, depth, columns]: [usize; 3]) -> Plan {
        let steps = depth.div_ceil(tile.depths).max(1);
        let each = steps.div_ceil(splits);
        Plan {
            tile,
            tiles: rows.div_ceil(tile.rows) * columns.div_ceil(tile.columns),
            splits: steps.div_ceil(each),
            split_depth: each * tile.depths,
        }
    }

    /// An estimate of the time.
    fn cycles(&self, kind: Kind, batches: usize, depth: usize, multiprocessors: usize) -> usize {
        let steps = self.split_depth.min(depth).div_ceil(self.tile.depths);
        let blocks = (self.tiles * batches * self.splits).div_ceil(multiprocessors);
        let waves = blocks.div_ceil(self.tile.resident);
        let bytes = self.tile.rows * self.tile.columns * kind.size();
        let join = if self.splits > 1 { JOIN + self.splits * PART + blocks * bytes / PART_BYTES } else { 0 };
        (waves * (START + steps * self.tile.alone)).max(START + blocks * steps * self.tile.shared) + join
    }
}

/// The kinds of tiles that the device has for a type.
pub fn tiles(kind: Kind, precision: Precision, device: &DeviceReport) -> impl Iterator<Item = &'static Tile> {
    let has_tensor_cores = device.capability >= (8, 0);
    let tiles = match (kind, precision) {
        (Kind::F64, _) => DOUBLE,
        (_, Precision::F32) if has_tensor_cores => TENSOR,
        (_, Precision::Tf32) if has_tensor_cores => TENSOR_ROUNDED,
        _ => SINGLE,
    };
    let most_shared = if has_tensor_cores { 99 << 10 } else { 48 << 10 };
    tiles.iter().filter(move |tile| tile.shared_memory([false, true], kind) <= most_shared)
}

impl Tile {
    /// Bytes of shared memory of a block, for the rows of A and the columns of B along memory or not. As `SharedMemory` in
    /// `kernels/gemm.cuh`.
    pub fn shared_memory(&self, along_depth: [bool; 2], kind: Kind) -> usize {
        let (size, run) = (kind.size(), 16 / kind.size());
        let operand = |outers: usize, along_depth: bool| {
            if along_depth { outers * (self.depths + run) } else { self.depths * (outers + 2 * run) }
        };
        let stage = operand(self.rows, along_depth[0]) + operand(self.columns, along_depth[1]);
        (self.stages * stage).max(self.rows * (self.columns + 8)) * size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hopper() -> DeviceReport {
        DeviceReport { ordinal: 0, name: String::new(), memory: 0, capability: (9, 0), multiprocessors: 132 }
    }

    #[test]
    fn small_layers_give_most_multiprocessors_work() {
        for sizes in [[128, 784, 400], [128, 400, 784], [400, 128, 784], [128, 784, 512]] {
            let plan = Plan::new(Kind::F32, Precision::F32, sizes, 1, &hopper());
            let blocks = plan.tiles * plan.splits;
            assert!(blocks >= 66 || plan.splits * plan.tile.depths >= sizes[1], "{sizes:?}: {blocks} blocks");
            assert!(
                plan.splits * plan.split_depth >= sizes[1] && (plan.splits - 1) * plan.split_depth < sizes[1]
            );
        }
    }

    #[test]
    fn large_products_have_large_tiles() {
        let plan = Plan::new(Kind::F32, Precision::F32, [4096, 4096, 4096], 1, &hopper());
        assert_eq!((plan.tile.rows, plan.tile.columns, plan.splits), (128, 128, 1));
        let plan = Plan::new(Kind::F64, Precision::F32, [2048, 2048, 2048], 1, &hopper());
        assert_eq!((plan.tile.rows, plan.tile.columns, plan.splits), (64, 64, 1));
    }

    #[test]
    fn few_rows_or_columns_have_flat_tiles() {
        let plan = |sizes| Plan::new(Kind::F32, Precision::F32, sizes, 1, &hopper());
        assert_eq!(plan([10, 784, 4096]).tile.rows, 16);
        assert_eq!(plan([4096, 784, 10]).tile.columns, 16);
    }

    #[test]
    fn an_empty_depth_is_one_empty_split() {
        let plan = Plan::new(Kind::F32, Precision::F32, [3, 0, 3], 1, &hopper());
        assert_eq!(plan.splits, 1);
    }

    #[test]
    fn old_devices_multiply_without_tensor_cores() {
        let turing = DeviceReport { capability: (7, 5), ..hopper() };
        let plan = Plan::new(Kind::F32, Precision::F32, [4096, 4096, 4096], 1, &turing);
        assert_eq!((plan.tile.file, plan.tile.rows), ("gemm_fma.cu", 64));
    }
}
