//! What the engine costs beside its kernels: the door, the tape and the walk back, memory, and the optimiser's step.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wengert::nn::{Adam, Optimizer};
use wengert::tensor::{DType, Tensor, no_grad};

const LENGTH: usize = 1000;

/// x + 1 + 1 + …: the graph of so many additions of one element.
fn additions(x: &Tensor, one: &Tensor) -> Tensor {
    (0..LENGTH).fold(x.clone(), |sum, _| sum + one)
}

/// One element a tensor, so that all time is the engine's own. The rate counts additions.
fn chain(criterion: &mut Criterion) {
    let one = Tensor::scalar(1f32);
    let x = Tensor::scalar(1f32).requires_grad_(true);
    let mut group = criterion.benchmark_group("chain");
    group.throughput(Throughput::Elements(LENGTH as u64));
    group.bench_function("not_recorded", |bencher| bencher.iter(|| no_grad(|| additions(&x, &one))));
    group.bench_function("forward", |bencher| {
        bencher.iter_batched(|| (), |()| additions(&x, &one), BatchSize::PerIteration);
    });
    group.bench_function("forward_backward", |bencher| {
        bencher.iter(|| {
            x.zero_grad();
            additions(&x, &one).backward().expect("a sum has a gradient");
        });
    });
    group.finish();
}

/// Steps of Adam over parameters of a model with many small tensors, and over one large one. The rate counts elements.
fn adam(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("adam");
    for (name, tensors, elements) in [("50_of_1000", 50, 1000), ("1_of_10M", 1, 10_000_000)] {
        let parameters: Vec<Tensor> =
            (0..tensors).map(|_| Tensor::ones(elements, DType::F32).requires_grad_(true)).collect();
        parameters.iter().for_each(|parameter| parameter.set_grad(Some(parameter.ones_like())));
        let mut adam = Adam::new(parameters, 1e-3);
        group.throughput(Throughput::Elements((tensors * elements) as u64));
        group.bench_function(name, |bencher| bencher.iter(|| adam.step().expect("gradients fit")));
    }
    group.finish();
}

/// Additions whose results are fresh tensors, freed at once. The rate counts elements.
fn allocate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("allocate_and_add");
    for (name, elements) in [("64K", 1 << 16), ("16M", 1 << 24)] {
        let (a, b) = (Tensor::ones(elements, DType::F32), Tensor::ones(elements, DType::F32));
        group.throughput(Throughput::Elements(elements as u64));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&a + &b)));
    }
    group.finish();
}

criterion_group!(benches, chain, adam, allocate);
criterion_main!(benches);
