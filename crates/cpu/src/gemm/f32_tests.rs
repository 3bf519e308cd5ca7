//! The f32 product at every instruction set: every layout, edge and epilogue against f64.

use super::*;
use crate::simd::at_each_level;

/// Numbers in (−1, 1).
fn fractions(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// How an operand lies in memory.
#[derive(Clone, Copy, Debug)]
enum Layout {
    RowMajor,
    ColumnMajor,
    /// Rows padded and elements apart.
    Spaced,
    /// Last row first.
    Flipped,
}

const LAYOUTS: [Layout; 4] = [Layout::RowMajor, Layout::ColumnMajor, Layout::Spaced, Layout::Flipped];

/// Strides, offset and buffer length of a [rows, columns] matrix.
fn lay([rows, columns]: [usize; 2], layout: Layout) -> ([isize; 2], usize, usize) {
    let (r, c) = (rows as isize, columns as isize);
    match layout {
        Layout::RowMajor => ([c, 1], 0, rows * columns),
        Layout::ColumnMajor => ([1, r], 0, rows * columns),
        Layout::Spaced => ([2 * c + 3, 2], 1, rows * (2 * columns + 3) + 1),
        Layout::Flipped => ([-c, 1], rows.saturating_sub(1) * columns, rows * columns),
    }
}

/// The largest error against f64, in units of the sum of absolute terms.
fn error([m, k, n]: [usize; 3], layouts: [Layout; 2], accumulate: bool, with_bias: bool) -> f64 {
    let (a_strides, a_offset, a_len) = lay([m, k], layouts[0]);
    let (b_strides, b_offset, b_len) = lay([k, n], layouts[1]);
    let (a, b, bias, old) = (fractions(a_len, 1), fractions(b_len, 2), fractions(n, 3), fractions(m * n, 4));
    let (a_shape, b_shape) = ([m, k], [k, n]);
    let a = View::new(&a, &a_shape, &a_strides, a_offset);
    let b = View::new(&b, &b_shape, &b_strides, b_offset);
    // Whatever the output holds must not shine through.
    let mut out = if accumulate { old.clone() } else { vec![f32::NAN; m * n] };
    let column_bias = with_bias.then_some(&bias[..]);
    matmul(a, b, &mut out, Epilogue { accumulate, column_bias, activation: None });

    let mut worst = 0.0f64;
    for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
        let terms = (0..k).map(|l| a.at(i * k + l) as f64 * b.at(l * n + j) as f64);
        let terms = terms.chain(accumulate.then_some(old[i * n + j] as f64));
        let terms = terms.chain(with_bias.then_some(bias[j] as f64));
        let (exact, size) = terms.fold((0.0, f64::MIN_POSITIVE), |(sum, size), x| (sum + x, size + x.abs()));
        let error = (out[i * n + j] as f64 - exact).abs() / size;
        // NaN must not pass for a small error.
        worst = if error <= worst { worst } else { error };
    }
    worst
}

#[test]
fn close_to_f64_for_every_layout_and_epilogue() {
    at_each_level(|level| {
        let square = [[1, 1, 1], [7, 33, 19], [100, 130, 50], [33, 2100, 97], [101, 700, 150], [40, 0, 9]];
        let thin = [[1, 300, 70], [70, 300, 1], [20, 1, 100], [128, 400, 20], [128, 20, 400], [20, 128, 400]];
        // Columns or rows whose distances crowd the first-level cache.
        let crowded = [[256, 90, 40], [40, 90, 256]];
        for shape in square.into_iter().chain(thin).chain(crowded) {
            for (i, layouts) in LAYOUTS.iter().flat_map(|&a| LAYOUTS.map(|b| [a, b])).enumerate() {
                let error = error(shape, layouts, i % 2 == 0, i % 3 == 0);
                assert!(error < 2e-6, "{level:?} {shape:?} {layouts:?}: {error:e}");
            }
        }
    });
}

#[test]
fn edges_of_every_size() {
    at_each_level(|level| {
        for size in 1..=100 {
            for shape in [[size, 40, 50], [50, size, 40], [40, 50, size], [size, 101 - size, size]] {
                let layouts = [LAYOUTS[size % 2], LAYOUTS[size / 2 % 2]];
                let error = error(shape, layouts, false, false);
                assert!(error < 1e-6, "{level:?} {shape:?} {layouts:?}: {error:e}");
            }
        }
    });
}

/// The bits of a product on a number of threads.
fn bits_on(threads: usize, [m, k, n]: [usize; 3], layouts: [Layout; 2]) -> Vec<u32> {
    let (a_strides, a_offset, a_len) = lay([m, k], layouts[0]);
    let (b_strides, b_offset, b_len) = lay([k, n], layouts[1]);
    let (a, b) = (fractions(a_len, 5), fractions(b_len, 6));
    let mut out = vec![0.0; m * n];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let (a_shape, b_shape) = ([m, k], [k, n]);
        let a = View::new(&a, &a_shape, &a_strides, a_offset);
        matmul(a, View::new(&b, &b_shape, &b_strides, b_offset), &mut out, Epilogue::NONE)
    });
    out.into_iter().map(f32::to_bits).collect()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    at_each_level(|level| {
        let shapes = [
            [128, 784, 400],
            [512, 128, 300],
            [700, 1500, 200],
            [300, 400, 20],
            [90, 300, 1024],
            [384, 3584, 128],
        ];
        for shape in shapes {
            let lies = [Layout::RowMajor, Layout::ColumnMajor];
            for layouts in lies.iter().flat_map(|&a| lies.map(|b| [a, b])) {
                let one = bits_on(1, shape, layouts);
                assert!(one == bits_on(2, shape, layouts), "{level:?} {shape:?} {layouts:?}");
                assert!(one == bits_on(3, shape, layouts), "{level:?} {shape:?} {layouts:?}");
            }
        }
    });
}

#[test]
fn infinities_and_nan_come_through() {
    at_each_level(|level| {
        for [m, k, n] in [[9, 40, 60], [60, 40, 9], [5, 100, 7]] {
            let (mut a, mut b) = (vec![1.0f32; m * k], vec![1.0f32; k * n]);
            a[k + 2] = f32::INFINITY;
            a[2 * k] = f32::NAN;
            b[2 * n + 4] = 0.0;
            let mut out = vec![0.0; m * n];
            let (a_shape, a_strides, b_shape, b_strides) = ([m, k], [k as isize, 1], [k, n], [n as isize, 1]);
            let a = View::new(&a, &a_shape, &a_strides, 0);
            matmul(a, View::new(&b, &b_shape, &b_strides, 0), &mut out, Epilogue::NONE);
            for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                let value = out[i * n + j];
                let right = match (i, j) {
                    (1, 4) | (2, _) => value.is_nan(),
                    (1, _) => value == f32::INFINITY,
                    (_, 4) => value == k as f32 - 1.0,
                    _ => value == k as f32,
                };
                assert!(right, "{level:?} [{i}, {j}] of {m}x{k}x{n} is {value}");
            }
        }
    });
}

#[test]
fn a_batch_with_bias_activation_and_accumulation() {
    at_each_level(|level| {
        for ([m, k, n], turned) in [([30, 50, 60], false), ([30, 700, 70], true), ([40, 90, 10], true)] {
            let (batch, bias) = (3, fractions(n, 7));
            let (a, b) = (fractions(batch * m * k, 8), fractions(k * n, 9));
            let (a_shape, a_strides) = ([batch, m, k], [(m * k) as isize, k as isize, 1]);
            let (b_shape, b_strides) =
                ([batch, k, n], if turned { [0, 1, k as isize] } else { [0, n as isize, 1] });
            let (a, b) = (View::new(&a, &a_shape, &a_strides, 0), View::new(&b, &b_shape, &b_strides, 0));
            let old = fractions(batch * m * n, 10);
            let mut out = old.clone();
            let relu = |row: &mut [f32]| row.iter_mut().for_each(|x| *x = x.max(0.0));
            let epilogue = Epilogue { accumulate: true, column_bias: Some(&bias), activation: Some(&relu) };
            matmul(a, b, &mut out, epilogue);
            for (position, value) in out.into_iter().enumerate() {
                let (row, j) = (position / n, position % n);
                let product: f64 = (0..k).map(|l| a.at(row * k + l) as f64 * b.at(l * n + j) as f64).sum();
                let exact = (product + old[position] as f64 + bias[j] as f64).max(0.0);
                assert!((value as f64 - exact).abs() < 1e-4, "{level:?} {position}: {value} for {exact}");
            }
        }
    });
}
