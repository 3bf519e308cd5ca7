//! The matrix product beside what the processor could do: registers-only multiply-adds, measured in the same round.
//!
//! ```text
//! cargo bench -p wengert-cpu --bench gemm -- [part of a name]
//! ```
//! GFLOP/s, the best of interleaved rounds (whatever else runs can only slow a round down), on one and on two threads;
//! `%` is of the limit, `×` is two threads against one, `mm` is the crate matrixmultiply on one thread. In the names a>b is a layer from a to b
//! features; forward is x·Wᵀ, dX is dY·W and dW is dYᵀ·x.

use std::hint::black_box;
use std::time::Instant;
use wengert_cpu::gemm::{Epilogue, matmul};
use wengert_cpu::simd::{self, Level};
use wengert_cpu::{View, gemm::Gemm, gemm::Strided};

const ROUNDS: usize = 60;
/// Operations of one sample: about half a millisecond.
const SAMPLE: usize = 100_000_000;

/// A product [m, k] by [k, n]; a transposed operand lies column by column.
struct Case {
    name: String,
    size: [usize; 3],
    transposed: [bool; 2],
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: String, size, transposed| cases.push(Case { name, size, transposed });
    for size in [512, 2048] {
        case(format!("{size}^3"), [size; 3], [false, false]);
    }
    for (batch, inputs, units) in [
        (128, 784, 512),
        (128, 784, 400),
        (128, 400, 784),
        (128, 512, 1024),
        (128, 1024, 784),
        (128, 400, 20),
        (128, 20, 400),
        (128, 256, 10),
        (128, 256, 1),
        (128, 28, 384),
        (128, 128, 384),
        (32, 784, 512),
        (32, 512, 1024),
        (16, 784, 512),
        (16, 512, 256),
    ] {
        let layer = format!("{inputs}>{units} batch {batch}");
        case(format!("forward {layer}"), [batch, inputs, units], [false, true]);
        case(format!("dX {layer}"), [batch, units, inputs], [false, false]);
        case(format!("dW {layer}"), [units, batch, inputs], [true, false]);
    }
    // The weights of a GRU over 28 rows of 128 images, and squares of which the left lies down its columns.
    case("dW 128>384 over steps".into(), [384, 3584, 128], [true, false]);
    case("dW 28>384 over steps".into(), [384, 3584, 28], [true, false]);
    case("transposed 512^3".into(), [512; 3], [true, false]);
    case("transposed 2048^3".into(), [2048; 3], [true, false]);
    case("row by matrix".into(), [1, 1024, 1024], [false, false]);
    case("row by transposed".into(), [1, 1024, 1024], [false, true]);
    case("matrix by column".into(), [1024, 1024, 1], [false, false]);
    case("transposed by column".into(), [1024, 1024, 1], [true, false]);
    case("outer".into(), [1024, 1, 1024], [false, false]);
    case("tiny".into(), [8, 16, 8], [false, false]);
    cases
}

/// Numbers in (−1, 1), on a cache line of their own as tensors are.
struct Aligned(Vec<f32>, usize);

impl Aligned {
    fn new(count: usize) -> Self {
        let numbers = numbers(count + 15);
        let start = numbers.as_ptr().align_offset(64);
        Self(numbers, start)
    }

    fn get(&mut self) -> &mut [f32] {
        let end = self.0.len() - 15 + self.1;
        &mut self.0[self.1..end]
    }
}

fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Runs `work` often enough for `flops` operations a time to fill a sample; GFLOP/s.
fn rate(flops: usize, mut work: impl FnMut()) -> f64 {
    let times = (SAMPLE / flops).clamp(1, 20_000);
    let start = Instant::now();
    (0..times).for_each(|_| work());
    (times * flops) as f64 / start.elapsed().as_secs_f64() / 1e9
}

/// Multiply-adds on registers alone, the most that a core could do.
fn limit() -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::*;
        macro_rules! chains {
            ($feature:literal, $name:ident, $vector:ty, $splat:ident, $fma:ident) => {
                #[target_feature(enable = $feature)]
                fn $name(times: usize) -> $vector {
                    let (x, y) = black_box(($splat(0.999), $splat(0.001)));
                    let mut sums: [$vector; 12] = std::array::from_fn(|i| $splat(i as f32));
                    for _ in 0..times {
                        sums.iter_mut().for_each(|sum| *sum = $fma(*sum, x, y));
                    }
                    sums.into_iter().reduce(|a, b| $fma(a, x, b)).unwrap()
                }
            };
        }
        chains!("avx512f", avx512, __m512, _mm512_set1_ps, _mm512_fmadd_ps);
        chains!("avx2,fma", avx2, __m256, _mm256_set1_ps, _mm256_fmadd_ps);
        const TIMES: usize = 50_000;
        match simd::level() {
            Level::Avx512 => {
                // SAFETY: the level says that the processor has AVX-512.
                return rate(TIMES * 12 * 32, || _ = black_box(unsafe { avx512(TIMES) }));
            }
            Level::Avx2 => {
                // SAFETY: the level says that the processor has AVX2 and FMA.
                return rate(TIMES * 12 * 16, || _ = black_box(unsafe { avx2(TIMES) }));
            }
            Level::Baseline => {}
        }
    }
    f64::NAN
}

/// The best rates of all rounds.
#[derive(Default)]
struct Row {
    ours: f64,
    limit: f64,
    peer: f64,
}

fn measure(case: &Case, threads: usize) -> Row {
    let [m, k, n] = case.size;
    let [mut a, mut b, mut out] = [m * k, k * n, m * n].map(Aligned::new);
    let (a, b, out) = (&*a.get(), &*b.get(), out.get());
    let strides = |rows: usize, columns: usize, transposed| {
        if transposed { [1, rows as isize] } else { [columns as isize, 1] }
    };
    let (a_strides, b_strides) = (strides(m, k, case.transposed[0]), strides(k, n, case.transposed[1]));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
    let mut best = Row::default();
    pool.install(|| {
        for _ in 0..ROUNDS {
            best.limit = best.limit.max(pool.broadcast(|_| limit()).into_iter().sum());
            best.ours = best.ours.max(rate(2 * m * k * n, || {
                let (a_shape, b_shape) = ([m, k], [k, n]);
                let a = View::new(a, &a_shape, &a_strides, 0);
                matmul(a, View::new(b, &b_shape, &b_strides, 0), out, Epilogue::NONE);
            }));
            if threads == 1 {
                best.peer = best.peer.max(rate(2 * m * k * n, || {
                    let a = Strided { start: a.as_ptr(), row: a_strides[0], column: a_strides[1] };
                    let b = Strided { start: b.as_ptr(), row: b_strides[0], column: b_strides[1] };
                    let c = Strided { start: out.as_mut_ptr(), row: n as isize, column: 1 };
                    // SAFETY: the buffers were made for these shapes.
                    unsafe { f32::tile(m, k, n, a, b, 0.0, c) }
                }));
            }
        }
    });
    best
}

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    println!(
        "{:32} {:>6} {:>5} {:>6}   {:>6} {:>5} {:>5}",
        simd::level().name(),
        "1T",
        "%",
        "mm",
        "2T",
        "%",
        "×"
    );
    for case in cases().iter().filter(|case| case.name.contains(&wanted)) {
        let (one, two) = (measure(case, 1), measure(case, 2));
        println!(
            "{:32} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {:8.1} {:8.2}",
            case.name,
            one.limit,
            one.ours,
            one.ours / one.limit * 100.0,
            one.peer,
            two.limit,
            two.ours,
            two.ours / two.limit * 100.0,
            two.ours / one.ours
        );
    }
}
