//! Draws on CUDA have the bits of the CPU's.

use std::fmt::Debug;

use wengert_tensor::{DType, Device, Element, Generator, Tensor, on_device};
use wengert_testkit::modes::cuda_device;

/// Sizes that end within a block of words, and one with more blocks than a small grid has threads.
const SIZES: [usize; 5] = [0, 1, 7, 1000, 70_001];

/// Draws after others from a stream of its own, on both devices.
fn check<T: Element + Debug>(bits: fn(T) -> u64, draw: impl Fn(&Generator, usize) -> Tensor) {
    let device = cuda_device().unwrap();
    for size in SIZES {
        let run = |device: Device| {
            on_device(device, || {
                let rng = Generator::new(0x1234_5678_9abc_def0).stream(u64::MAX);
                rng.uniform(13, 0.0, 1.0, DType::F32);
                let drawn = draw(&rng, size);
                assert_eq!(drawn.device(), device);
                drawn.to_vec::<T>()
            })
        };
        let (found, expected) = (run(device), run(Device::Cpu));
        assert_eq!(found.len(), expected.len());
        let pairs = found.iter().zip(&expected).enumerate();
        let differing: Vec<_> =
            pairs.filter(|(_, (found, expected))| bits(**found) != bits(**expected)).collect();
        assert!(differing.is_empty(), "{} of {size} differ, first {:?}", differing.len(), differing[0]);
    }
}

fn check_floats(draw: impl Fn(&Generator, usize, DType) -> Tensor) {
    check::<f32>(|x| u64::from(x.to_bits()), |rng, size| draw(rng, size, DType::F32));
    check::<f64>(f64::to_bits, |rng, size| draw(rng, size, DType::F64));
}

#[test]
fn uniform() {
    check_floats(|rng, size, dtype| rng.uniform(size, -1.0, 3.7, dtype));
    check_floats(|rng, size, dtype| rng.uniform(size, 1.0, 1.000_001, dtype));
}

#[test]
fn normal() {
    check_floats(|rng, size, dtype| rng.normal(size, 0.0, 1.0, dtype));
    check_floats(|rng, size, dtype| rng.normal(size, 0.3, 1.7, dtype));
}

#[test]
fn exponential() {
    check_floats(|rng, size, dtype| rng.exponential(size, 1.3, dtype));
}

#[test]
fn gumbel() {
    check_floats(|rng, size, dtype| rng.gumbel(size, dtype));
}

#[test]
fn integers_and_permutations() {
    check::<i64>(|x| x as u64, |rng, size| rng.randint(-5, 1000, size));
    check::<i64>(|x| x as u64, |rng, size| rng.randint(i64::MIN, i64::MAX, size));
    check::<i64>(|x| x as u64, |rng, size| rng.randperm(size));
}

#[test]
fn coins_and_dropout() {
    let there = |x: Tensor| x.to_device(wengert_tensor::default_device()).unwrap();
    let ramp = |size: usize, dtype| {
        Tensor::from_vec((0..size).map(|i| i as f64 / size as f64).collect::<Vec<_>>(), size).to_dtype(dtype)
    };
    check_floats(|rng, size, dtype| rng.bernoulli(&there(ramp(size, dtype))));
    check_floats(|rng, size, dtype| there(ramp(size, dtype)).dropout(0.3, rng));
    check_floats(|rng, size, dtype| there(ramp(size, dtype)).dropout(1.0, rng));
}

#[test]
fn a_probability_above_one_is_refused() {
    on_device(cuda_device().unwrap(), || {
        let coins = Tensor::from_slice(&[0.5f32, 1.0, 1.5, f32::NAN], 4);
        let panic =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Generator::new(0).bernoulli(&coins)));
        let message = panic.unwrap_err().downcast_ref::<String>().unwrap().clone();
        assert_eq!(message, "bernoulli: 1.5 is not a probability; it must lie in 0..=1");
    });
}
