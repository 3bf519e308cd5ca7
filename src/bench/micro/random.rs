//! `random`: arrays of random numbers.

use super::{Call, Micro, SIZES, Work, repeat};
use std::hint::black_box;
use wengert_tensor::{DType, Generator, Tensor};

type Draw = fn(&Generator, &Tensor) -> Tensor;

/// Distributions; the tensor gives the shape, and is full of the probability ½.
const DISTRIBUTIONS: [(&str, Draw); 3] = [
    ("normal", |rng, like| rng.normal_like(like)),
    ("uniform", |rng, like| rng.uniform(like.shape(), 0.0, 1.0, DType::F32)),
    ("bernoulli", |rng, like| rng.bernoulli(like)),
];

/// Each distribution in the cache and in memory.
pub fn all() -> Vec<Micro> {
    let mut all = Vec::new();
    for (name, draw) in DISTRIBUTIONS {
        for (size, count) in SIZES {
            let prepare = move || {
                let (rng, like) = (Generator::new(0), Tensor::full([count], 0.5, DType::F32));
                Box::new(move || drop(black_box(draw(&rng, &like)))) as Call
            };
            let micro = Micro::new(format!("random {name} {size}"), Work::Elements(count), prepare);
            all.push(Micro { repeat: repeat(count), ..micro });
        }
    }
    all
}
