//! One whole training step of the VAE at its defaults: forward, backward and Adam on a batch of 128.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wengert::data::{Batch, Position};
use wengert::models::autoencoders::vae::{Options, VaeTraining};
use wengert::models::{ImageSet, Training};
use wengert::tensor::{DType, Generator, Tensor};

const BATCH: usize = 128;

fn vae(criterion: &mut Criterion) {
    let rng = Generator::new(0);
    let images = ImageSet::default();
    let mut training = VaeTraining::new(&Options::default(), &images, &rng).expect("the defaults are valid");
    let [channels, height, width] = images.shape;
    // Half of the pixels are on: noise does not train, but it costs what digits cost.
    let pixels = rng.bernoulli(&Tensor::full([BATCH, channels, height, width], 0.5, DType::F32));
    let batch = Batch {
        images: pixels,
        labels: Tensor::zeros([BATCH], DType::I64),
        indices: (0..BATCH).collect(),
        position: Position::default(),
    };
    let mut group = criterion.benchmark_group("vae");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("forward", |bencher| {
        bencher.iter(|| training.losses(black_box(&batch), &rng).expect("the shapes fit").total.item());
    });
    group.bench_function("step", |bencher| {
        bencher.iter(|| training.step(black_box(&batch), &rng, 0).expect("the loss is finite"));
    });
    group.finish();
}

criterion_group!(benches, vae);
criterion_main!(benches);
