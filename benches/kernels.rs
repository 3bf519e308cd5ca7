//! Single ops through the public door, at shapes that the models of the zoo use. All f32, all without recording.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wengert::tensor::{Conv2dOptions, ConvTranspose2dOptions, DType, Generator, Tensor, no_grad};

fn normal<const RANK: usize>(shape: [usize; RANK]) -> Tensor {
    Generator::new(0).normal(shape, 0.0, 1.0, DType::F32)
}

/// Times `run`; `elements` of work is what the printed rate counts.
fn time(criterion: &mut Criterion, group: &str, id: &str, elements: usize, run: impl Fn() -> Tensor) {
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Elements(elements as u64));
    group.bench_function(BenchmarkId::from_parameter(id), |bencher| {
        bencher.iter(|| no_grad(|| black_box(run())));
    });
    group.finish();
}

/// The products of the VAE's widest layer and of its narrowest, forward and backward. The rate is in floating-point
/// operations.
fn matmul(criterion: &mut Criterion) {
    for [batch, inputs, units] in [[128, 784, 400], [128, 20, 400]] {
        let (x, weight, cotangent) =
            (normal([batch, inputs]), normal([units, inputs]), normal([batch, units]));
        let flops = 2 * batch * inputs * units;
        let mut case = |what: &str, left: &Tensor, right: &Tensor| {
            let id = format!("{what}_{batch}x{inputs}x{units}");
            time(criterion, "matmul", &id, flops, || left.matmul(right));
        };
        case("forward", &x, &weight.t());
        case("input_grad", &cotangent, &weight);
        case("weight_grad", &cotangent.t(), &x);
    }
    let square = normal([512, 512]);
    time(criterion, "matmul", "square_512", 2 * 512 * 512 * 512, || square.matmul(&square));
}

fn elementwise(criterion: &mut Criterion) {
    let (x, y, row) = (normal([128, 784]), normal([128, 784]), normal([784]));
    let mut case = |id: &str, run: &dyn Fn() -> Tensor| time(criterion, "elementwise", id, x.numel(), run);
    case("add", &|| &x + &y);
    case("add_row", &|| &x + &row);
    case("add_transposed", &|| &x.t() + &y.t());
    case("relu", &|| x.relu());
    case("exp", &|| x.exp());
    case("tanh", &|| x.tanh());
    case("sigmoid", &|| x.sigmoid());
    case("gelu", &|| x.gelu());
}

fn reductions(criterion: &mut Criterion) {
    let x = normal([128, 784]);
    let mut case = |id: &str, run: &dyn Fn() -> Tensor| time(criterion, "reduce", id, x.numel(), run);
    case("sum_all", &|| x.sum_all());
    case("sum_columns", &|| x.sum(&[0], false));
    case("sum_rows", &|| x.sum(&[1], false));
    case("amax_rows", &|| x.amax(&[1], false));
    case("softmax", &|| x.softmax(-1));
    case("log_softmax", &|| x.log_softmax(-1));
}

/// The layers of a DCGAN on 28 × 28 images, each as a convolution and as the transposed one, which is also its input
/// gradient; and a layer of 3 × 3. The rate is in floating-point operations.
fn convolution(criterion: &mut Criterion) {
    for (name, [batch, channels, side], [filters, kernel], stride) in [
        ("4x4_stride2", [128, 1, 28], [64, 4], 2),
        ("4x4_stride2_deep", [128, 64, 14], [128, 4], 2),
        ("3x3", [32, 32, 28], [32, 3], 1),
    ] {
        let images = normal([batch, channels, side, side]);
        let weight = normal([filters, channels, kernel, kernel]);
        let options = Conv2dOptions::default().stride(stride).padding(1);
        let run = || images.conv2d(&weight, None, options);
        let output = run();
        let flops = 2 * output.numel() * channels * kernel * kernel;
        time(criterion, "conv2d", name, flops, run);
        let options = ConvTranspose2dOptions::default().stride(stride).padding(1);
        time(criterion, "conv_transpose2d", name, flops, || output.conv_transpose2d(&weight, None, options));
    }
}

fn random(criterion: &mut Criterion) {
    let rng = Generator::new(0);
    for shape in [[128, 20], [128, 784]] {
        let (elements, id) = (shape[0] * shape[1], format!("normal_{}x{}", shape[0], shape[1]));
        time(criterion, "random", &id, elements, || rng.normal(shape, 0.0, 1.0, DType::F32));
    }
}

criterion_group!(benches, matmul, elementwise, reductions, convolution, random);
criterion_main!(benches);
