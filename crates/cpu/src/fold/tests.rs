use super::*;
fn sum(view: View<f32>, axes: &[usize]) -> Vec<f32> {
    let kept = (0..view.shape().len()).filter(|axis| !axes.contains(axis));
    let mut out = vec![f32::NAN; kept.map(|axis| view.shape()[axis]).product()];
    fold(view, axes, &mut out, 0.0, |x| x, |a, b| a + b);
    out
}

/// Numbers whose sums round, so that equal bits mean an equal order.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 1009) as f32 / 1009.0 - 0.3).collect()
}

#[test]
fn order_is_independent_of_the_layout() {
    let long = [(2, 5000), (5000, 2), (4097, 130), (4500, 128), (400, 100)];
    for (rows, columns) in [(1, 1), (5, 17), (64, 3), (40, 1100)].into_iter().chain(long) {
        let data = numbers(rows * columns);
        let mut transposed = vec![0.0; rows * columns];
        View::new(&data, &[columns, rows], &[1, columns as isize], 0).copy_to(&mut transposed);
        let (shape, turned) = ([rows, columns], [1, rows as isize]);
        for axes in [&[0][..], &[1], &[0, 1]] {
            let straight = sum(View::new(&data, &shape, &[columns as isize, 1], 0), axes);
            let strided = sum(View::new(&transposed, &shape, &turned, 0), axes);
            assert_eq!(straight, strided, "{rows}×{columns} over {axes:?}");
        }
    }
}

#[test]
fn short_rows_of_each_batch_are_summed() {
    // Three batches of 331 rows of 9 begin at the fifth number; with every second row the rows have gaps.
    let (batches, rows, width) = (3, 331, 9);
    let data: Vec<f32> = (0..5 + 2 * batches * rows * width).map(|i| (i * 7919 % 1009) as f32).collect();
    for gap in [1, 2] {
        let at = |b: usize, r: usize, c: usize| 5 + ((b * rows + r) * width) * gap + c;
        let strides = [rows * width * gap, width * gap, 1].map(|stride| stride as isize);
        let sums = sum(View::new(&data, &[batches, rows, width], &strides, 5), &[1]);
        let exact = |i: usize| (0..rows).map(|r| data[at(i / width, r, i % width)]).sum::<f32>();
        assert_eq!(sums, (0..batches * width).map(exact).collect::<Vec<f32>>());
    }
}

#[test]
fn matches_exact_sums() {
    let (n, c, l) = (37, 5, 61);
    let data: Vec<i64> = (0..n * c * l).map(|i| (i * i % 97) as i64).collect();
    let strides = [(c * l) as isize, l as isize, 1];
    let mut out = vec![0; c];
    fold(View::new(&data, &[n, c, l], &strides, 0), &[0, 2], &mut out, 0, |x| x, |a, b| a + b);
    for (channel, &sum) in out.iter().enumerate() {
        let exact: i64 = (0..n * l).map(|i| data[i / l * c * l + channel * l + i % l]).sum();
        assert_eq!(sum, exact);
    }
    let mut out = vec![0; n * l];
    fold(View::new(&data, &[n, c, l], &strides, 0), &[1], &mut out, 0, |x| x, |a, b| a + b);
    for (i, &sum) in out.iter().enumerate() {
        let exact: i64 = (0..c).map(|channel| data[i / l * c * l + channel * l + i % l]).sum();
        assert_eq!(sum, exact);
    }
}

#[test]
fn flipped_broadcast_and_empty() {
    let data = [1.0f32, 2.0, 3.0];
    assert_eq!(sum(View::new(&data, &[4, 3], &[0, -1], 2), &[0]), [12.0, 8.0, 4.0]);
    assert_eq!(sum(View::new(&data, &[4, 3], &[0, -1], 2), &[1]), [6.0; 4]);
    assert_eq!(sum(View::new(&data, &[0, 3], &[3, 1], 0), &[0]), [0.0; 3]);
    assert_eq!(sum(View::new(&data, &[0, 3], &[3, 1], 0), &[1]), [0.0; 0]);
    // An axis stretched beyond all memory, beside none.
    assert_eq!(sum(View::new(&data, &[1 << 58, 0], &[0, 1], 0), &[0]), [0.0; 0]);
    assert_eq!(sum(View::new(&data, &[], &[], 1), &[]), [2.0]);
    assert_eq!(sum(View::new(&data, &[3], &[1], 0), &[]), data);
}

#[test]
fn pairs_are_numbered() {
    let (a, b) = ([1i64, 2, 3, 4, 5, 6], [10i64, 20, 30]);
    let shape = [2, 3];
    let map = |number, a, b| a * b + number as i64;
    let run = |axes: &[usize], strides: [isize; 2], out: &mut [i64]| {
        let views = [View::new(&a, &shape, &[3, 1], 0), View::new(&b, &shape, &strides, 0)];
        fold_pairs(views, axes, out, 0, map, |a, b| a + b);
    };
    let mut out = [0; 2];
    run(&[1], [0, 1], &mut out);
    assert_eq!(out, [143, 323]);
    run(&[1], [1, 0], &mut out);
    assert_eq!(out, [63, 303]);
    let mut out = [0; 3];
    run(&[0], [0, 1], &mut out);
    assert_eq!(out, [51, 141, 271]);
}

#[test]
fn a_long_f32_sum_stays_accurate() {
    let data = vec![0.1f32; 10_000_000];
    let total = sum(View::new(&data, &[data.len()], &[1], 0), &[0])[0];
    assert!((f64::from(total) - 1e6).abs() < 1.0, "{total}");
}
