//! Numbered kernels: the same function from its definition to the engine's own, each held to the first.
//!
//! [`gemm`], [`softmax`] and [`convolution`] each make a [`Family`] for a size. A test checks all of them at odd sizes;
//! `cargo run --release -p wengert-book --example kernels` checks and times them.

pub mod convolution;
pub mod gemm;
pub mod softmax;

use std::hint::black_box;
use std::time::{Duration, Instant};
use wengert_tensor::{DType, Generator, Tensor, no_grad};

/// One way to compute a function.
pub struct Kernel {
    /// What is new in it.
    pub name: &'static str,
    run: Run,
}

type OnSlices = dyn Fn(&mut [f32]);

enum Run {
    /// Writes every element of the result.
    OnSlices(Box<OnSlices>),
    /// By the engine, into memory of its own.
    OnTensors(Box<dyn Fn() -> Tensor>),
}

impl Kernel {
    /// Computes, and puts the result into the slice where it is not in a tensor.
    fn run(&self, result: &mut [f32]) -> Option<Tensor> {
        match &self.run {
            Run::OnSlices(run) => {
                run(result);
                None
            }
            Run::OnTensors(run) => Some(no_grad(run)),
        }
    }
}

/// Ways to compute one function of the same numbers, the first by definition.
pub struct Family {
    /// The function and its size.
    pub title: String,
    /// Elements of the result.
    pub len: usize,
    /// How much work one run is, in 10⁹ of `unit`.
    pub work: f64,
    /// What is counted as work.
    pub unit: &'static str,
    /// The kernels in order; the first is number 1.
    pub kernels: Vec<Kernel>,
}

impl Family {
    /// A further kernel over slices.
    fn kernel(mut self, name: &'static str, run: impl Fn(&mut [f32]) + 'static) -> Self {
        self.kernels.push(Kernel { name, run: Run::OnSlices(Box::new(run)) });
        self
    }

    /// A further kernel, which is the engine's.
    fn engine(mut self, name: &'static str, run: impl Fn() -> Tensor + 'static) -> Self {
        self.kernels.push(Kernel { name, run: Run::OnTensors(Box::new(run)) });
        self
    }

    /// For each kernel the largest difference from the first one's result, as a share of its largest number. Results
    /// start as NaN, so that an element that nobody writes is seen: its difference is infinite.
    pub fn deviations(&self) -> Vec<f32> {
        let results = self.kernels.iter().map(|kernel| {
            let mut result = vec![f32::NAN; self.len];
            kernel.run(&mut result).map_or(result, |tensor| tensor.to_vec())
        });
        let results: Vec<Vec<f32>> = results.collect();
        let Some(first) = results.first() else { return Vec::new() };
        let largest = first.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
        let deviation = |result: &Vec<f32>| {
            let differences = result.iter().zip(first).map(|(a, b)| (a - b).abs() / largest);
            // `f32::max` would pass over NaN.
            let counted = differences.map(|share| if share.is_nan() { f32::INFINITY } else { share });
            counted.fold(0.0, f32::max)
        };
        results.iter().map(deviation).collect()
    }

    /// The median time of each kernel: after one run to warm up, as many as fit into `budget`, but at least three.
    pub fn medians(&self, budget: Duration) -> Vec<Duration> {
        let mut result = vec![0.0; self.len];
        let mut median = |kernel: &Kernel| {
            kernel.run(&mut result);
            let (began, mut times) = (Instant::now(), Vec::new());
            while times.len() < 3 || began.elapsed() < budget {
                let start = Instant::now();
                black_box(kernel.run(black_box(&mut result)));
                times.push(start.elapsed());
            }
            times.sort();
            times[times.len() / 2]
        };
        self.kernels.iter().map(&mut median).collect()
    }
}

/// Normally distributed numbers, as a tensor for the engine and as a slice for everyone else.
fn numbers(shape: &[usize], stream: u64) -> (Tensor, Vec<f32>) {
    let tensor = Generator::new(stream).normal(shape, 0.0, 1.0, DType::F32);
    let values = tensor.to_vec::<f32>();
    (tensor, values)
}
