//! Numbered kernels: the same function from its definition to the engine's own, each held to the first.
//!
//! [`gemm`], [`softmax`] and [`convolution`] each make a [`Family`] for a size, on the processor or on a [GPU](device). Tests
//! check all of them at odd sizes; `cargo run --release -p wengert-book --example kernels` checks and times them.

pub mod convolution;
pub mod device;
pub mod gemm;
pub mod softmax;

use device::{Gpu, Launch, Problem};
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};
use wengert_tensor::{DType, Generator, Result, Tensor, attempt, no_grad};

/// One way to compute a function.
pub struct Kernel {
    /// What is new in it.
    pub name: &'static str,
    run: Run,
}

type OnSlices = dyn Fn(&mut [f32]);

enum Run {
    /// Writes every element of the result.
    Slices(Box<OnSlices>),
    /// By the engine, into memory of its own.
    Engine(Box<dyn Fn() -> Tensor>),
    /// On a GPU, into memory there.
    Device(Launch),
}

impl Kernel {
    /// Computes, or has a GPU begin to. The result is in the slice where it is not in a tensor or on a device.
    fn start(&self, result: &mut [f32]) -> Result<Option<Tensor>> {
        match &self.run {
            Run::Slices(run) => run(result),
            Run::Engine(run) => return attempt(|| no_grad(run)).map(Some),
            Run::Device(launch) => launch.start()?,
        }
        Ok(None)
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
    /// Where the kernels run, if that is not the processor.
    gpu: Option<Rc<Gpu>>,
}

/// How long a GPU should be busy between two looks at the clock, as a look waits for it.
const BUSY: Duration = Duration::from_millis(5);
/// Runs that a GPU is given at most before the host waits for it.
const MOST_RUNS: f64 = 1000.0;

impl Family {
    fn new(title: String, len: usize, work: f64, unit: &'static str) -> Self {
        Self { title, len, work, unit, kernels: Vec::new(), gpu: None }
    }

    /// A further kernel over slices.
    fn kernel(mut self, name: &'static str, run: impl Fn(&mut [f32]) + 'static) -> Self {
        self.kernels.push(Kernel { name, run: Run::Slices(Box::new(run)) });
        self
    }

    /// A further kernel, which is the engine's.
    fn engine(mut self, name: &'static str, run: impl Fn() -> Tensor + 'static) -> Self {
        self.kernels.push(Kernel { name, run: Run::Engine(Box::new(run)) });
        self
    }

    /// Kernels on a GPU, each with the blocks of its grid.
    fn launches(mut self, problem: &Rc<Problem>, kernels: &[(&'static str, [usize; 3])]) -> Result<Self> {
        for &(name, blocks) in kernels {
            self.kernels.push(Kernel { name, run: Run::Device(problem.kernel(name, blocks)?) });
        }
        self.gpu = Some(problem.gpu().clone());
        Ok(self)
    }

    /// What a kernel computes. A result starts as NaN, so that an element that nobody writes is seen.
    ///
    /// # Errors
    /// Something is wrong with a GPU.
    pub fn result(&self, kernel: &Kernel) -> Result<Vec<f32>> {
        match &kernel.run {
            Run::Slices(run) => {
                let mut result = vec![f32::NAN; self.len];
                run(&mut result);
                Ok(result)
            }
            Run::Engine(run) => attempt(|| no_grad(run).to_vec()),
            Run::Device(launch) => Ok(launch.result()?),
        }
    }

    /// For each kernel the [`deviation`] from the first one's result.
    ///
    /// # Errors
    /// Something is wrong with a GPU.
    pub fn deviations(&self) -> Result<Vec<f32>> {
        let Some(first) = self.kernels.first() else { return Ok(Vec::new()) };
        let first = self.result(first)?;
        self.kernels.iter().map(|kernel| Ok(deviation(&self.result(kernel)?, &first))).collect()
    }

    /// The median time of each kernel: after one run to warm up, as many as fit into `budget`, but at least three. On a GPU
    /// what is timed is several runs in a row, up to the end of the last, and a time is their mean.
    ///
    /// # Errors
    /// Something is wrong with a GPU.
    pub fn medians(&self, budget: Duration) -> Result<Vec<Duration>> {
        let mut result = vec![0.0; self.len];
        let mut median = |kernel| {
            let warm_up = self.time(kernel, 1, &mut result)?;
            let runs = match &self.gpu {
                None => 1,
                Some(_) => {
                    let once = self.time(kernel, 1, &mut result)?.min(warm_up);
                    BUSY.div_duration_f64(once).clamp(1.0, MOST_RUNS) as u32
                }
            };
            let (began, mut times) = (Instant::now(), Vec::new());
            while times.len() < 3 || began.elapsed() < budget {
                times.push(self.time(kernel, runs, &mut result)?);
            }
            times.sort();
            Ok(times[times.len() / 2])
        };
        self.kernels.iter().map(&mut median).collect()
    }

    /// The mean time of some runs in a row.
    fn time(&self, kernel: &Kernel, runs: u32, result: &mut [f32]) -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..runs {
            black_box(kernel.start(black_box(&mut *result))?);
        }
        self.wait()?;
        Ok(start.elapsed() / runs)
    }

    /// Until all that was started is done.
    fn wait(&self) -> Result<()> {
        Ok(self.gpu.as_ref().map_or(Ok(()), |gpu| gpu.wait())?)
    }
}

/// The largest difference between two results, as a share of the largest number of the second; infinite where one of them is
/// NaN.
pub fn deviation(result: &[f32], expected: &[f32]) -> f32 {
    if result.len() != expected.len() {
        return f32::INFINITY;
    }
    let largest = expected.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    let differences = result.iter().zip(expected).map(|(a, b)| (a - b).abs() / largest);
    // `f32::max` would pass over NaN.
    let counted = differences.map(|share| if share.is_nan() { f32::INFINITY } else { share });
    counted.fold(0.0, f32::max)
}

/// Normally distributed numbers, as a tensor for the engine and as a slice for everyone else.
fn numbers(shape: &[usize], stream: u64) -> (Tensor, Vec<f32>) {
    let tensor = Generator::new(stream).normal(shape, 0.0, 1.0, DType::F32);
    let values = tensor.to_vec::<f32>();
    (tensor, values)
}
