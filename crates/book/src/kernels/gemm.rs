//! C = A·B by rows: A `[m, k]`, B `[k, n]`, C `[m, n]`.

use super::device::{Function, Gpu, Problem};
use super::{Family, numbers};
use rayon::ThreadPoolBuilder;
use std::rc::Rc;
use wengert_cpu::simd;
use wengert_tensor::{Result, Tensor};

/// Rows, depth and columns of a product.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A and rows of B.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
}

/// All kernels for one size.
///
/// # Panics
/// When the system gives no thread.
pub fn family(size: Size) -> Family {
    let [(left, a), (right, b)] = operands(size);
    let operands = Rc::new((a, b));
    let by = |run: fn(&[f32], &[f32], &mut [f32], Size)| {
        let operands = operands.clone();
        move |c: &mut [f32]| run(&operands.0, &operands.1, c, size)
    };
    let alone = ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let (left_too, right_too) = (left.clone(), right.clone());
    empty(size)
        .kernel("by definition", by(by_definition))
        .kernel("along rows", by(along_rows))
        .kernel("in blocks", by(in_blocks))
        .kernel("tile in registers", by(tiled))
        .kernel("packed panels", by(packed))
        .kernel("wide instructions", by(wide))
        .engine("the engine, one thread", move || alone.install(|| left_too.matmul(&right_too)))
        .engine("the engine", move || left.matmul(&right))
}

/// All kernels for one size on a GPU; those of the book are in `crates/book/kernels/gemm.cu`.
///
/// # Errors
/// A kernel does not compile, or the device has no memory for the matrices.
pub fn on_device(size: Size, gpu: &Rc<Gpu>) -> Result<Family> {
    let [(left, a), (right, b)] = operands(size);
    let problem = Problem::new(gpu, Function::Gemm(size), &[&a, &b])?;
    let (left, right) = (left.to_device(gpu.device())?, right.to_device(gpu.device())?);
    // As many as cover C, each with so many rows and columns of it.
    let blocks = |rows, columns| [size.n.div_ceil(columns), size.m.div_ceil(rows), 1];
    let kernels = [
        ("by definition", blocks(32, 8)),
        ("along rows", blocks(8, 32)),
        ("tiles", blocks(32, 32)),
        ("four by four", blocks(64, 64)),
        ("by fours", blocks(128, 128)),
        ("ahead", blocks(128, 128)),
    ];
    Ok(empty(size).launches(&problem, &kernels)?.engine("the engine", move || left.matmul(&right)))
}

/// The family without a kernel.
fn empty(Size { m, k, n }: Size) -> Family {
    Family::new(format!("product of [{m}, {k}] and [{k}, {n}]"), m * n, 2e-9 * (m * n * k) as f64, "Gflop")
}

/// A and B.
fn operands(Size { m, k, n }: Size) -> [(Tensor, Vec<f32>); 2] {
    [numbers(&[m, k], 0), numbers(&[k, n], 1)]
}

/// 1: each result is a sum along a row of A and down a column of B.
pub fn by_definition(a: &[f32], b: &[f32], c: &mut [f32], Size { m, k, n }: Size) {
    for i in 0..m {
        for j in 0..n {
            let mut sum = 0.0;
            for p in 0..k {
                sum += a[i * k + p] * b[p * n + j];
            }
            c[i * n + j] = sum;
        }
    }
}

/// 2: two loops exchanged. A multiple of a row of B is added to a row of C, and all memory is read along its lines.
pub fn along_rows(a: &[f32], b: &[f32], c: &mut [f32], Size { m, k, n }: Size) {
    c.fill(0.0);
    for i in 0..m {
        let row = &mut c[i * n..][..n];
        for p in 0..k {
            add_multiple(row, a[i * k + p], &b[p * n..][..n]);
        }
    }
}

/// 3: the same for a part of B at a time that stays in the cache while all rows of A come by.
pub fn in_blocks(a: &[f32], b: &[f32], c: &mut [f32], Size { m, k, n }: Size) {
    const DEPTH: usize = 64;
    const WIDTH: usize = 256;
    c.fill(0.0);
    for j in (0..n).step_by(WIDTH) {
        let width = WIDTH.min(n - j);
        for first in (0..k).step_by(DEPTH) {
            for i in 0..m {
                let row = &mut c[i * n + j..][..width];
                for p in first..k.min(first + DEPTH) {
                    add_multiple(row, a[i * k + p], &b[p * n + j..][..width]);
                }
            }
        }
    }
}

#[inline(always)]
fn add_multiple(row: &mut [f32], factor: f32, other: &[f32]) {
    for (sum, value) in row.iter_mut().zip(other) {
        *sum += factor * value;
    }
}

/// Rows and columns of a tile of sums. With more of either the compiler no longer keeps them all in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

type Sums = [[f32; COLUMNS]; ROWS];

/// 4: a tile of sums that never leaves the registers until it is done. Numbers of B are used `ROWS` times for each load,
/// numbers of A `COLUMNS` times.
pub fn tiled(a: &[f32], b: &[f32], c: &mut [f32], Size { m, k, n }: Size) {
    let (whole_rows, whole_columns) = (m - m % ROWS, n - n % COLUMNS);
    for i in (0..whole_rows).step_by(ROWS) {
        for j in (0..whole_columns).step_by(COLUMNS) {
            let sums = tile_in_place(&a[i * k..][..ROWS * k], &b[j..], n);
            for (row, sums) in sums.iter().enumerate() {
                c[(i + row) * n + j..][..COLUMNS].copy_from_slice(sums);
            }
        }
    }
    // What is left over at the edges.
    for i in 0..m {
        for j in if i < whole_rows { whole_columns } else { 0 }..n {
            c[i * n + j] = (0..k).map(|p| a[i * k + p] * b[p * n + j]).sum();
        }
    }
}

/// A tile of four rows of A and the first columns of B, whose rows lie `n` apart. A function of its own: where it is
/// inlined, the compiler has more on its mind than the registers.
#[inline(never)]
fn tile_in_place(a: &[f32], b: &[f32], n: usize) -> Sums {
    let (top, bottom) = a.split_at(a.len() / 2);
    let ((first, second), (third, fourth)) = (top.split_at(top.len() / 2), bottom.split_at(bottom.len() / 2));
    let mut sums = [[0.0; COLUMNS]; ROWS];
    for (p, (((first, second), third), fourth)) in first.iter().zip(second).zip(third).zip(fourth).enumerate()
    {
        if let Some(values) = b[p * n..].first_chunk() {
            add_step(&mut sums, &[*first, *second, *third, *fourth], values);
        }
    }
    sums
}

/// One step of the depth: a column of A times a row of B. All bounds are known when this is compiled; an index known only
/// at run time would put the sums into memory. The rows stand one after the other, since the compiler would make vectors
/// across a loop over them, and gather the sums for it.
#[inline(always)]
fn add_step([first, second, third, fourth]: &mut Sums, column: &[f32; ROWS], values: &[f32; COLUMNS]) {
    add_row(first, column[0], values);
    add_row(second, column[1], values);
    add_row(third, column[2], values);
    add_row(fourth, column[3], values);
}

#[inline(always)]
fn add_row(sums: &mut [f32; COLUMNS], element: f32, values: &[f32; COLUMNS]) {
    for j in 0..COLUMNS {
        sums[j] += element * values[j];
    }
}

/// A tile of panels, which lie in memory in the order in which they are read.
struct Tile<'a> {
    columns: &'a [[f32; ROWS]],
    rows: &'a [[f32; COLUMNS]],
}

impl simd::Kernel for Tile<'_> {
    type Output = Sums;
    #[inline(always)]
    fn run(self) -> Sums {
        let mut sums = [[0.0; COLUMNS]; ROWS];
        for (column, values) in self.columns.iter().zip(self.rows) {
            add_step(&mut sums, column, values);
        }
        sums
    }
}

/// 5: both operands are copied into panels first, so that the tile reads memory from end to end; parts of the depth, so
/// that a panel stays in the nearest cache.
pub fn packed(a: &[f32], b: &[f32], c: &mut [f32], size: Size) {
    #[inline(never)]
    fn narrow(tile: Tile) -> Sums {
        simd::Kernel::run(tile)
    }
    packed_tiles(a, |p, j, panel| take(b, size.n, p, j, panel), c, size, narrow);
}

/// 6: the same, with the tile compiled for the vector instructions of this processor.
pub fn wide(a: &[f32], b: &[f32], c: &mut [f32], size: Size) {
    multiply(a, |p, j, panel| take(b, size.n, p, j, panel), c, size);
}

/// Copies columns of row `p` from `j` on into a row of a panel; what lies beyond the edge is zero.
#[inline(always)]
fn take(b: &[f32], n: usize, p: usize, j: usize, panel: &mut [f32]) {
    let count = panel.len().min(n - j);
    panel[..count].copy_from_slice(&b[p * n + j..][..count]);
    panel[count..].fill(0.0);
}

/// A·B where `fill(p, j, row)` writes the elements of B's row `p` from column `j` on, and zeros beyond its last column.
/// B need not lie anywhere: a convolution fills in patches of its image.
pub fn multiply(a: &[f32], fill: impl Fn(usize, usize, &mut [f32]), c: &mut [f32], size: Size) {
    packed_tiles(a, fill, c, size, |tile| simd::vectorize(tile));
}

fn packed_tiles(
    a: &[f32],
    fill: impl Fn(usize, usize, &mut [f32]),
    c: &mut [f32],
    Size { m, k, n }: Size,
    tile: fn(Tile) -> Sums,
) {
    const DEPTH: usize = 256;
    let panels = m.div_ceil(ROWS);
    let mut of_a = vec![0.0; panels * ROWS * DEPTH.min(k)];
    let mut of_b = vec![0.0; COLUMNS * DEPTH.min(k)];
    c.fill(0.0);
    for first in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - first);
        // Panel after panel of A, in each the numbers of a column next to each other.
        for (panel, rows) in of_a.chunks_exact_mut(ROWS * depth).take(panels).enumerate() {
            for (p, column) in rows.chunks_exact_mut(ROWS).enumerate() {
                for (row, value) in column.iter_mut().enumerate() {
                    let i = panel * ROWS + row;
                    *value = if i < m { a[i * k + first + p] } else { 0.0 };
                }
            }
        }
        for j in (0..n).step_by(COLUMNS) {
            let of_b = &mut of_b[..COLUMNS * depth];
            for (p, row) in of_b.chunks_exact_mut(COLUMNS).enumerate() {
                fill(first + p, j, row);
            }
            for (panel, rows) in of_a.chunks_exact(ROWS * depth).take(panels).enumerate() {
                let sums = tile(Tile { columns: rows.as_chunks().0, rows: of_b.as_chunks().0 });
                let width = COLUMNS.min(n - j);
                for (row, sums) in sums.iter().enumerate().take(m - (panel * ROWS).min(m)) {
                    add_multiple(&mut c[(panel * ROWS + row) * n + j..][..width], 1.0, &sums[..width]);
                }
            }
        }
    }
}
