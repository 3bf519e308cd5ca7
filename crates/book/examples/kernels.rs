//! Checks and times the numbered kernels of the book:
//! `cargo run --release -p wengert-book --example kernels -- [--device cpu|cuda|cuda:N] [gemm|softmax|convolution]`.

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use wengert_book::kernels::device::Gpu;
use wengert_book::kernels::{Family, convolution, gemm, softmax};
use wengert_tensor::{Device, Result};

const NAMES: [&str; 3] = ["gemm", "softmax", "convolution"];
/// Time for each kernel.
const BUDGET: Duration = Duration::from_millis(500);
/// Largest difference from the first kernel, as a share of its largest number.
const TOLERANCE: f32 = 1e-4;

/// Sizes that keep one core busy.
fn on_processor(name: &str) -> Family {
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

/// Sizes that keep a GPU busy.
fn on_device(name: &str, gpu: &Rc<Gpu>) -> Result<Family> {
    match name {
        "gemm" => gemm::on_device(gemm::Size { m: 2048, k: 2048, n: 2048 }, gpu),
        "softmax" => softmax::on_device(32768, 1024, gpu),
        _ => {
            let size = convolution::Size { batch: 64, channels: 64, units: 64, height: 56, width: 56 };
            convolution::on_device(size, gpu)
        }
    }
}

/// What is asked for.
struct Wishes {
    device: Device,
    names: Vec<&'static str>,
}

impl Wishes {
    fn read(arguments: impl Iterator<Item = String>) -> std::result::Result<Wishes, String> {
        let (mut device, mut names) = (Device::Cpu, Vec::new());
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let named = match argument.strip_prefix("--device=") {
                Some(named) => Some(named.to_owned()),
                None if argument == "--device" => Some(arguments.next().unwrap_or_default()),
                None => None,
            };
            match (named, NAMES.iter().find(|name| **name == argument)) {
                (Some(named), _) => device = named.parse()?,
                (None, Some(name)) => names.push(*name),
                (None, None) => {
                    let names = NAMES.join(", ");
                    return Err(format!("there are no kernels for '{argument}'; choose from {names}"));
                }
            }
        }
        if names.is_empty() {
            names = NAMES.to_vec();
        }
        Ok(Wishes { device, names })
    }
}

/// Prints a table of one family, once its kernels agree.
fn show(family: &Family) -> std::result::Result<(), String> {
    println!("{}", family.title);
    let deviations = family.deviations().map_err(|error| error.to_string())?;
    for (kernel, deviation) in family.kernels.iter().zip(deviations) {
        if deviation > TOLERANCE {
            return Err(format!("'{}' is off by {deviation:e} of the largest number", kernel.name));
        }
    }
    let medians = family.medians(BUDGET).map_err(|error| error.to_string())?;
    let rate = format!("{}/s", family.unit);
    println!("{:>4}  {:<24} {:>11} {rate:>9} {:>8}", "", "kernel", "median", "times 1");
    for (number, (kernel, median)) in (1..).zip(family.kernels.iter().zip(&medians)) {
        let seconds = median.as_secs_f64();
        let ratio = medians[0].as_secs_f64() / seconds;
        let (milliseconds, rate) = (seconds * 1e3, family.work / seconds);
        println!("{number:>4}  {:<24} {milliseconds:>8.3} ms {rate:>9.1} {ratio:>8.1}", kernel.name);
    }
    println!();
    Ok(())
}

fn run(wishes: &Wishes) -> std::result::Result<(), String> {
    let gpu = match wishes.device {
        Device::Cuda(ordinal) => Some(Gpu::open(ordinal).map_err(|error| error.to_string())?),
        _ => None,
    };
    if let Some(gpu) = &gpu {
        println!("on {}: {}\n", gpu.device(), gpu.name());
    }
    for name in &wishes.names {
        let family = match &gpu {
            Some(gpu) => on_device(name, gpu).map_err(|error| error.to_string())?,
            None => on_processor(name),
        };
        show(&family)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let (error, code) = match Wishes::read(std::env::args().skip(1)) {
        Ok(wishes) => match run(&wishes) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => (error, 1),
        },
        Err(error) => (error, 2),
    };
    eprintln!("kernels: {error}");
    ExitCode::from(code)
}
