//! Times of our matrix products beside those of cuBLASLt, as a table in Markdown: `cargo bench -p wengert-cuda --bench
//! cublaslt`, on a machine with a GPU and the library.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Pair, device_with_cublaslt};
use std::time::{Duration, Instant};
use wengert_cuda::Device;
use wengert_cuda::gemm::Precision;
use wengert_cuda::gemm::cublaslt::Arithmetic;

/// Rows, depth, columns, and whether the operands are stored by columns: layers of the zoo, forward and both gradients, and
/// squares.
const PRODUCTS: [([usize; 3], [bool; 2]); 11] = [
    ([128, 784, 400], [false, true]),
    ([128, 400, 784], [false, false]),
    ([784, 128, 400], [true, false]),
    ([128, 400, 10], [false, true]),
    ([1024, 784, 512], [false, true]),
    ([4096, 512, 512], [false, true]),
    ([512, 4096, 512], [true, false]),
    ([1024, 1024, 1024], [false, false]),
    ([2048, 2048, 2048], [false, false]),
    ([4096, 4096, 4096], [false, false]),
    ([4096, 4096, 4096], [false, true]),
];

/// How long one measurement takes at least; its clock starts and ends with an idle device, and that costs some microseconds.
const LONG_ENOUGH: Duration = Duration::from_millis(10);

/// Measurements of each contender, in turns with the others.
const ROUNDS: usize = 9;

fn main() {
    let device = match device_with_cublaslt() {
        Ok(device) => device,
        Err(reason) => return println!("Nothing was measured: {reason}."),
    };
    println!(
        "Microseconds a product of f32 matrices of rows x depth x columns; \"t\" marks an operand stored by columns. The"
    );
    println!(
        "median of {ROUNDS} measurements, each of as many products as take {LONG_ENOUGH:?}, without a wait in between, so"
    );
    println!(
        "that a small product costs what it takes the host to start it. The ratios are ours to cuBLASLt's.\n"
    );
    println!("| shape | ours f32 | ours tf32 | cuBLASLt f32 | cuBLASLt tf32 | ratio f32 | ratio tf32 |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (sizes, transposed) in PRODUCTS {
        let pair = Pair::new(&device, sizes, transposed);
        let times = medians(
            &device,
            [
                &|| pair.ours(Precision::F32),
                &|| pair.ours(Precision::Tf32),
                &|| pair.cublaslt(Arithmetic::F32),
                &|| pair.cublaslt(Arithmetic::Tf32),
            ],
        );
        let [m, k, n] = sizes;
        let layout: String = transposed.map(|transposed| if transposed { 't' } else { 'n' }).iter().collect();
        let cells: String = times.iter().map(|time| format!(" {:.1} |", time * 1e6)).collect();
        let (f32_ratio, tf32_ratio) = (times[0] / times[2], times[1] / times[3]);
        println!("| {m} x {k} x {n} {layout} |{cells} {f32_ratio:.2} | {tf32_ratio:.2} |");
    }
}

/// Seconds of one call of each.
fn medians(device: &Device, contenders: [&dyn Fn(); 4]) -> [f64; 4] {
    let measure = |contender: &dyn Fn(), calls: usize| {
        device.synchronize().unwrap();
        let start = Instant::now();
        for _ in 0..calls {
            contender();
        }
        device.synchronize().unwrap();
        start.elapsed()
    };
    let calls = contenders.map(|contender| {
        // The first call compiles or loads.
        measure(contender, 1);
        let mut calls = 1;
        while measure(contender, calls) < LONG_ENOUGH {
            calls *= 2;
        }
        calls
    });
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        for (index, contender) in contenders.into_iter().enumerate() {
            times[index].push(measure(contender, calls[index]).as_secs_f64() / calls[index] as f64);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    })
}
