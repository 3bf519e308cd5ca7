use super::*;

fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 7919) % 23) as f64 - 11.0).collect()
}

fn reference(a: View<f64>, b: View<f64>, [m, k, n]: [usize; 3]) -> Vec<f64> {
    let mut out = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            out[i * n + j] = (0..k).map(|l| a.at(i * k + l) * b.at(l * n + j)).sum();
        }
    }
    out
}

#[test]
fn agrees_with_the_definition_for_any_strides() {
    for [m, k, n] in [[1, 1, 1], [3, 5, 2], [130, 17, 300], [257, 700, 65], [4, 0, 3], [0, 3, 2], [1, 300, 1]]
    {
        let (a, b) = (numbers(m * k), numbers(k * n));
        let (a_shape, b_shape) = ([m, k], [k, n]);
        let row_major = [[k as isize, 1], [n as isize, 1]];
        let column_major = [[1, m as isize], [1, k as isize]];
        for [a_strides, b_strides] in [row_major, column_major] {
            let (a, b) = (View::new(&a, &a_shape, &a_strides, 0), View::new(&b, &b_shape, &b_strides, 0));
            // Whatever the output holds must not shine through.
            let mut out = vec![f64::NAN; m * n];
            matmul(a, b, &mut out, Epilogue::NONE);
            assert_eq!(out, reference(a, b, [m, k, n]), "{m}x{k}x{n}");
        }
    }
}

#[test]
fn flipped_operands() {
    let (a, b) = (numbers(6), numbers(6));
    let a = View::new(&a, &[2, 3], &[-3, -1], 5);
    let b = View::new(&b, &[3, 2], &[2, -1], 1);
    let mut out = vec![0.0; 4];
    matmul(a, b, &mut out, Epilogue::NONE);
    assert_eq!(out, reference(a, b, [2, 3, 2]));
}

#[test]
fn a_broadcast_batch() {
    let (a, b) = (numbers(2 * 3 * 4), numbers(4 * 5));
    let (a_view, b_view) =
        (View::new(&a, &[2, 3, 4], &[12, 4, 1], 0), View::new(&b, &[2, 4, 5], &[0, 5, 1], 0));
    let mut out = vec![0.0; 2 * 3 * 5];
    matmul(a_view, b_view, &mut out, Epilogue::NONE);
    let b = View::new(&b, &[4, 5], &[5, 1], 0);
    for i in 0..2 {
        let a = View::new(&a, &[3, 4], &[4, 1], i * 12);
        assert_eq!(out[i * 15..][..15], reference(a, b, [3, 4, 5]));
    }
}

#[test]
fn epilogue_accumulates_adds_bias_and_activates() {
    let (a, b, bias) = (numbers(200 * 3), numbers(3 * 150), numbers(150));
    let (a, b) = (View::new(&a, &[200, 3], &[3, 1], 0), View::new(&b, &[3, 150], &[150, 1], 0));
    let mut out = numbers(200 * 150);
    let expected: Vec<f64> = (reference(a, b, [200, 3, 150]).iter().zip(&out).enumerate())
        .map(|(i, (product, old))| (product + old + bias[i % 150]).max(0.0))
        .collect();
    let relu = |row: &mut [f64]| row.iter_mut().for_each(|x| *x = x.max(0.0));
    matmul(a, b, &mut out, Epilogue { accumulate: true, column_bias: Some(&bias), activation: Some(&relu) });
    assert_eq!(out, expected);
}

#[test]
fn integers() {
    let mut out = [0; 4];
    let (a, b) = ([1i64, 2, 3, 4], [5, 6, 7, 8]);
    matmul(View::new(&a, &[2, 2], &[2, 1], 0), View::new(&b, &[2, 2], &[2, 1], 0), &mut out, Epilogue::NONE);
    assert_eq!(out, [19, 22, 43, 50]);
}
