//! `elementwise` and `allocate`: one pass over arrays.

use super::{Call, Micro, SIZES, operand, repeat, streamed};
use std::hint::black_box;
use wengert_tensor::Tensor;

type Function = fn(&Tensor, &Tensor) -> Tensor;

/// Name, arrays read, and the function; a function of one operand reads the first.
const FUNCTIONS: [(&str, usize, Function); 6] = [
    ("add", 2, |x, y| x + y),
    ("mul", 2, |x, y| x * y),
    ("exp", 1, |x, _| x.exp()),
    ("tanh", 1, |x, _| x.tanh()),
    ("sigmoid", 1, |x, _| x.sigmoid()),
    ("gelu", 1, |x, _| x.gelu()),
];

/// Every function in the cache and in memory. Results go to recycled memory; other implementations write into an array
/// that exists, except for `allocate`, where each result is a new array to them too.
pub fn all() -> Vec<Micro> {
    let mut all = Vec::new();
    for (name, operands, function) in FUNCTIONS {
        for (size, count) in SIZES {
            all.push(micro(format!("elementwise {name} {size}"), operands, count, function));
        }
    }
    let (name, operands, function) = FUNCTIONS[0];
    let (size, count) = SIZES[1];
    all.push(micro(format!("allocate {name} {size}"), operands, count, function));
    all
}

fn micro(name: String, operands: usize, count: usize, function: Function) -> Micro {
    let prepare = move || {
        let x = operand([count]);
        let y = if operands == 2 { operand([count]) } else { x.clone() };
        Box::new(move || drop(black_box(function(&x, &y)))) as Call
    };
    Micro { repeat: repeat(count), ..Micro::new(name, streamed(count, operands + 1), prepare) }
}
