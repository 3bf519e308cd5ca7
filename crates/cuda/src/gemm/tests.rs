//! Every kind of tile, on every layout of operands, split and whole, against f64.

use super::*;
use crate::gemm::plan::tiles;

/// Numbers in (−1, 1).
fn fractions(count: usize, seed: u32) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 23) - 1.0
    };
    // As f32 has them.
    (0..count).map(|_| f64::from(next() as f32)).collect()
}

fn device() -> Device {
    wengert_emulator::load().unwrap();
    Device::get(0).unwrap()
}

fn upload(device: &Device, kind: Kind, numbers: &[f64]) -> Memory {
    match kind {
        Kind::F64 => Memory::upload(device, numbers).unwrap(),
        _ => Memory::upload(device, &numbers.iter().map(|&x| x as f32).collect::<Vec<_>>()).unwrap(),
    }
}

fn download(memory: &Memory, kind: Kind, count: usize) -> Vec<f64> {
    if kind == Kind::F64 {
        let mut numbers = vec![0f64; count];
        memory.read(0, &mut numbers).unwrap();
        return numbers;
    }
    let mut numbers = vec![0f32; count];
    memory.read(0, &mut numbers).unwrap();
    numbers.into_iter().map(f64::from).collect()
}

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    Rows,
    Columns,
    /// Rows padded, off the alignment, and elements apart.
    Spaced,
}

impl Layout {
    /// Strides, offset, and elements of memory of a [rows, columns] matrix.
    fn of(self, [rows, columns]: [usize; 2]) -> ([isize; 2], usize, usize) {
        let (r, c) = (rows as isize, columns as isize);
        match self {
            Layout::Rows => ([c, 1], 0, rows * columns),
            Layout::Columns => ([1, r], 0, rows * columns),
            Layout::Spaced => ([2 * c + 3, 2], 1, rows * (2 * columns + 3) + 1),
        }
    }
}

/// The largest error of a tile against f64, in units of the sum of absolute terms.
fn error(
    precision: Precision,
    kind: Kind,
    tile: usize,
    splits: usize,
    sizes: [usize; 3],
    layouts: [Layout; 2],
) -> f64 {
    let device = device();
    let [m, k, n] = sizes;
    let tile = tiles(kind, precision, device.report()).nth(tile).unwrap();
    let (a_strides, a_offset, a_count) = layouts[0].of([m, k]);
    let (b_strides, b_offset, b_count) = layouts[1].of([k, n]);
    let (a, b) = (fractions(a_count, 1), fractions(b_count, 2));
    let (a_memory, b_memory) = (upload(&device, kind, &a), upload(&device, kind, &b));
    let (a_sizes, b_sizes) = ([m, k], [k, n]);
    let left = View::new(&a_memory, kind, &a_sizes, &a_strides, a_offset).unwrap();
    let right = View::new(&b_memory, kind, &b_sizes, &b_strides, b_offset).unwrap();
    let out = Memory::unspecified(&device, m * n * kind.size()).unwrap();
    let problem = Problem::new(left, right, &out, &Epilogue::NONE).unwrap();
    problem.floats(&Epilogue::NONE, |sizes| Plan::cut(tile, splits, sizes)).unwrap();
    let found = download(&out, kind, m * n);
    let at = |numbers: &[f64], strides: [isize; 2], offset: usize, i: usize, j: usize| {
        numbers[offset + i * strides[0] as usize + j * strides[1] as usize]
    };
    let mut worst = 0.0f64;
    for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
        let terms = (0..k).map(|l| at(&a, a_strides, a_offset, i, l) * at(&b, b_strides, b_offset, l, j));
        let (exact, size) = terms.fold((0.0, f64::MIN_POSITIVE), |(sum, size), x| (sum + x, size + x.abs()));
        let error = (found[i * n + j] - exact).abs() / size;
        // NaN must not pass for a small error.
        worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
    }
    worst
}

fn check(precision: Precision, kind: Kind, tolerance: f64) {
    use Layout::*;
    let count = tiles(kind, precision, device().report()).count();
    for tile in 0..count {
        // Many steps of few tiles, several tiles with ragged edges, and aligned ones.
        for (splits, sizes) in [(1, [7, 205, 10]), (3, [7, 205, 10]), (2, [37, 37, 131]), (1, [130, 40, 68])]
        {
            for layouts in
                [[Rows, Rows], [Rows, Columns], [Columns, Rows], [Columns, Columns], [Spaced, Spaced]]
            {
                let error = error(precision, kind, tile, splits, sizes, layouts);
                assert!(error < tolerance, "tile {tile}, {sizes:?} by {splits}, {layouts:?}: {error:e}");
            }
        }
    }
}

#[test]
fn three_products_of_parts_are_as_accurate_as_f32() {
    check(Precision::F32, Kind::F32, 3e-7);
}

#[test]
fn tf32_has_three_digits() {
    check(Precision::Tf32, Kind::F32, 6e-4);
}

#[test]
fn single_numbers_are_multiplied_in_f32() {
    check(Precision::Fma, Kind::F32, 3e-7);
}

#[test]
fn f64_is_multiplied_in_f64() {
    check(Precision::F32, Kind::F64, 1e-15);
}
