//! Every numbered kernel computes what the first of its family does.

use wengert_book::kernels::{Family, convolution, gemm, softmax};

fn holds(family: &Family) {
    let deviations = family.deviations().unwrap();
    assert_eq!(deviations[0], 0.0, "{}", family.title);
    for (kernel, deviation) in family.kernels.iter().zip(deviations) {
        assert!(deviation < 1e-5, "{}, {}: {deviation}", family.title, kernel.name);
    }
}

#[test]
fn products_of_any_size() {
    // Nothing, less than a tile, whole tiles, and one more than whole tiles and parts.
    for (m, k, n) in [(1, 1, 1), (3, 5, 7), (8, 16, 32), (33, 300, 65), (9, 257, 300), (64, 64, 64)] {
        holds(&gemm::family(gemm::Size { m, k, n }));
    }
}

#[test]
fn softmax_of_rows_of_any_length() {
    for (rows, columns) in [(1, 1), (3, 15), (2, 16), (5, 17), (2, 256), (2, 1000)] {
        holds(&softmax::family(rows, columns));
    }
}

#[test]
fn convolutions_of_any_size() {
    for (batch, channels, units, height, width) in [(1, 1, 1, 3, 3), (2, 3, 5, 4, 9), (1, 30, 9, 12, 7)] {
        holds(&convolution::family(convolution::Size { batch, channels, units, height, width }));
    }
}

#[test]
fn an_element_that_nobody_writes_is_seen() {
    let mut family = gemm::family(gemm::Size { m: 2, k: 2, n: 2 });
    family.len = 5;
    assert_eq!(family.deviations().unwrap()[0], f32::INFINITY);
}
