//! Cases of the random ops. Their numbers are this library's own, so there are no goldens: the statistics are tested
//! beside the generator, and here that a draw is one, that it repeats, and that dropout is linear in its input.

use crate::case::*;
use wengert_tensor::{DType, Generator, Tensor};

/// The cases of this family.
pub fn cases() -> Vec<Case> {
    [draws(), noise()].concat()
}

/// Whether every element lies in `low..=high`, as one boolean for each: PyTorch is asked for as many truths.
fn within(draw: &Tensor, low: f64, high: f64) -> Tensor {
    draw.ge_scalar(low).logical_and(&draw.le_scalar(high))
}

fn draws() -> Vec<Case> {
    type Draw = fn(&Generator) -> Tensor;
    let case = |op: &str, (low, high): (f64, f64), draw: Draw| {
        Case::new(op, format!("{op}/in_its_range_and_repeatable"))
            .run(move |_| {
                let (first, second) = (draw(&Generator::new(5)), draw(&Generator::new(5)));
                within(&first, low, high).logical_and(&first.eq(&second))
            })
            .torch("torch.ones(40, dtype=torch.bool)")
            .no_gradient()
    };
    vec![
        case("uniform", (-1.0, 3.0), |rng| rng.uniform(40, -1.0, 3.0, DType::F64)),
        case("normal", (-8.0, 12.0), |rng| rng.normal(40, 2.0, 1.0, DType::F64)),
        case("exponential", (0.0, 20.0), |rng| rng.exponential(40, 2.0, DType::F64)),
        case("gumbel", (-4.0, 40.0), |rng| rng.gumbel(40, DType::F64)),
        case("randint", (-3.0, 3.0), |rng| rng.randint(-3, 4, 40)),
        case("randperm", (0.0, 39.0), |rng| rng.randperm(40)),
        Case::new("randperm", "randperm/holds_every_number_once")
            .run(|_| Generator::new(5).randperm(40).sort(0, false).0)
            .torch("torch.arange(40)")
            .no_gradient(),
        Case::new("bernoulli", "bernoulli/certain")
            .input(floats([4], [0.0, 1.0, 1.0, 0.0]))
            .run(|x| Generator::new(5).bernoulli(&x[0]))
            .torch("x0.detach().clone()")
            .no_gradient(),
    ]
}

fn noise() -> Vec<Case> {
    let dropout = |name: &str, p: f64| {
        let case = Case::new("dropout", format!("dropout/{name}")).input(normal([4, 5]));
        // Each run draws the same mask; in f32 it is another one.
        case.run(move |x| x[0].square().dropout(p, &Generator::new(11))).single(false)
    };
    vec![
        dropout("basic", 0.4),
        dropout("everything", 1.0).torch("x0 * x0 * 0"),
        Case::new("normal", "normal/reparameterised")
            .inputs([normal([3, 4]), normal([3, 4])])
            .run(|x| &x[0] + (&x[1] * 0.5).exp() * Generator::new(11).normal_like(&x[1]))
            .single(false),
    ]
}
