//! `gemm`: matrix products of the shapes that the training workloads have.

use super::{Micro, Work, operand, repeat};
use std::hint::black_box;
use wengert_tensor::Tensor;

/// The batch of the layers.
const BATCH: usize = 128;

/// Inputs and outputs of fully connected layers.
const LAYERS: [(usize, usize); 7] =
    [(784, 512), (784, 400), (400, 784), (512, 1024), (1024, 784), (400, 20), (20, 400)];

/// Square products, and each layer's output, input gradient and weight gradient.
pub fn all() -> Vec<Micro> {
    let mut products = vec![product(512, 512, 512, "nn"), product(2048, 2048, 2048, "nn")];
    for (inputs, outputs) in LAYERS {
        products.push(product(BATCH, inputs, outputs, "nt"));
        products.push(product(BATCH, outputs, inputs, "nn"));
        products.push(product(outputs, BATCH, inputs, "tn"));
    }
    products
}

/// C `[m, n]` = A `[m, k]` · B `[k, n]`; `form` says of A and B whether they are stored as they stand (`n`) or
/// transposed (`t`).
fn product(m: usize, k: usize, n: usize, form: &'static str) -> Micro {
    let flops = 2 * m * k * n;
    let prepare = move || {
        let (a, b) = (stored(m, k, form.starts_with('t')), stored(k, n, form.ends_with('t')));
        Box::new(move || drop(black_box(a.matmul(&b)))) as super::Call
    };
    Micro {
        repeat: repeat(flops / 16),
        ..Micro::new(format!("gemm {m}x{k}x{n} {form}"), Work::Flops(flops), prepare)
    }
}

fn stored(rows: usize, columns: usize, transposed: bool) -> Tensor {
    if transposed { operand([columns, rows]).t() } else { operand([rows, columns]) }
}
