//! `reduce` and `softmax`: passes along the axes of a matrix.

use super::{Call, Micro, SIZES, Work, operand, repeat, streamed};
use std::hint::black_box;
use wengert_tensor::Tensor;

type Reduce = fn(&Tensor) -> Tensor;

const REDUCTIONS: [(&str, Reduce); 4] = [
    ("sum", Tensor::sum_all),
    ("sum-rows", |x| x.sum(&[1], false)),
    ("sum-columns", |x| x.sum(&[0], false)),
    ("max-rows", |x| x.amax(&[1], false)),
];

/// Rows and columns whose softmax is taken: a classifier's and a language model's.
const SOFTMAX: [[usize; 2]; 2] = [[128, 10], [4096, 1024]];

/// Each reduction of a square matrix in the cache and in memory, and softmax.
pub fn all() -> Vec<Micro> {
    let mut all = Vec::new();
    for (name, reduce) in REDUCTIONS {
        for (size, count) in SIZES {
            let prepare = move || {
                let x = operand([count.isqrt(), count.isqrt()]);
                Box::new(move || drop(black_box(reduce(&x)))) as Call
            };
            let micro = Micro::new(format!("reduce {name} {size}"), streamed(count, 1), prepare);
            all.push(Micro { repeat: repeat(count), ..micro });
        }
    }
    for [rows, columns] in SOFTMAX {
        let prepare = move || {
            let x = operand([rows, columns]);
            Box::new(move || drop(black_box(x.softmax(-1)))) as Call
        };
        let count = rows * columns;
        let micro = Micro::new(format!("softmax {rows}x{columns}"), Work::Elements(count), prepare);
        all.push(Micro { repeat: repeat(count), ..micro });
    }
    all
}
