//! Checks and times the numbered kernels of the book:
//! `cargo run --release -p wengert-book --example kernels [gemm|softmax|convolution]`.

use std::time::Duration;
use wengert_book::kernels::{Family, convolution, gemm, softmax};

const NAMES: [&str; 3] = ["gemm", "softmax", "convolution"];
/// Time for each kernel.
const BUDGET: Duration = Duration::from_millis(500);
/// Largest difference from the first kernel, as a share of its largest number.
const TOLERANCE: f32 = 1e-4;

fn family(name: &str) -> Family {
    match name {
        "gemm" => gemm::family(gemm::Size { m: 512, k: 512, n: 512 }),
        "softmax" => softmax::family(1024, 1000),
        _ => convolution::family(convolution::Size {
            batch: 16,
            channels: 64,
            units: 64,
            height: 28,
            width: 28,
        }),
    }
}

fn main() -> Result<(), String> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(format!("there are no kernels for `{unknown}`; choose from {}", NAMES.join(", ")));
    }
    for name in NAMES.iter().filter(|name| wanted.is_empty() || wanted.iter().any(|other| other == *name)) {
        let family = family(name);
        println!("{}", family.title);
        for (kernel, deviation) in family.kernels.iter().zip(family.deviations()) {
            if deviation > TOLERANCE {
                return Err(format!("`{}` is off by {deviation:e} of the largest number", kernel.name));
            }
        }
        let medians = family.medians(BUDGET);
        let rate = format!("{}/s", family.unit);
        println!("{:>4}  {:<24} {:>11} {rate:>9} {:>8}", "", "kernel", "median", "times 1");
        for (number, (kernel, median)) in (1..).zip(family.kernels.iter().zip(&medians)) {
            let seconds = median.as_secs_f64();
            let ratio = medians[0].as_secs_f64() / seconds;
            let (milliseconds, rate) = (seconds * 1e3, family.work / seconds);
            println!("{number:>4}  {:<24} {milliseconds:>8.3} ms {rate:>9.1} {ratio:>8.1}", kernel.name);
        }
        println!();
    }
    Ok(())
}
