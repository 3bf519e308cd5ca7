//! `wengert devices`.

use super::output::print;
use anyhow::Result;
use std::fmt::Write;
use wengert_tensor::Device;

/// Says what this machine computes with.
pub fn run() -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut text = format!("cpu   {}\n", brand().unwrap_or_else(|| std::env::consts::ARCH.to_string()));
    writeln!(text, "      {cores} threads available, {} in use (--threads)", rayon::current_num_threads())?;
    writeln!(text, "      SIMD: {}", list(&simd()))?;
    if let (Some(total), Some(available)) = (memory("MemTotal:"), memory("MemAvailable:")) {
        writeln!(text, "      memory: {total:.1} GiB, {available:.1} GiB available")?;
    }
    gpus(&mut text)?;
    print(&text)
}

/// A GPU in one line, for benchmark results; nothing for the processor.
pub fn gpu(device: Device) -> Result<Option<String>> {
    let Device::Cuda(ordinal) = device else { return Ok(None) };
    let opened = wengert_cuda::Device::get(ordinal)?;
    let report = opened.report();
    let memory = report.memory as f64 / f64::from(1 << 30);
    Ok(Some(format!(
        "{device}: {}, {memory:.0} GiB of memory, {} multiprocessors",
        report.name, report.multiprocessors
    )))
}

/// The GPUs, or why there are none, and what goes with them.
fn gpus(text: &mut String) -> Result<()> {
    let survey = wengert_cuda::survey();
    match &survey.driver {
        Ok(version) => {
            for device in &survey.devices {
                let memory = device.memory as f64 / f64::from(1 << 30);
                let (major, minor) = device.capability;
                writeln!(text, "cuda:{}  {}", device.ordinal, device.name)?;
                writeln!(
                    text,
                    "      {memory:.1} GiB, {} multiprocessors, compute capability {major}.{minor}",
                    device.multiprocessors
                )?;
            }
            writeln!(text, "      driver: CUDA {version}")?;
        }
        Err(reason) => writeln!(text, "gpu   none: {reason}")?,
    }
    match survey.kernels {
        Some(version) => writeln!(
            text,
            "      kernels: built in by nvcc {version}, for devices of compute capability 8.0 and later"
        )?,
        None => writeln!(text, "      kernels: compiled at first use")?,
    }
    if survey.driver.is_err() {
        return Ok(());
    }
    for library in &survey.libraries {
        let place = match (library.found, &library.path) {
            (false, _) => "not found".into(),
            (true, Some(path)) => path.display().to_string(),
            (true, None) => "found by the system".into(),
        };
        writeln!(text, "      {} ({}): {place}", library.name, library.purpose)?;
    }
    if !survey.has_all_kernels() {
        writeln!(text, "      {}", wengert_cuda::Error::NoCompiler)?;
    }
    Ok(())
}

/// The instruction sets and the memory in one line, for benchmark results.
pub fn machine() -> String {
    let memory = memory("MemTotal:").map_or_else(String::new, |total| format!(", {total:.0} GiB of memory"));
    format!("SIMD: {}{memory}", list(&simd()))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none detected".into() } else { names.join(" ") }
}

/// The processor's name, where the system tells it in a file.
pub fn brand() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// A line of Linux's account of the memory, in GiB.
fn memory(key: &str) -> Option<f64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes / f64::from(1 << 20))
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn simd() -> Vec<&'static str> {
    let features = [
        ("sse2", is_x86_feature_detected!("sse2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
    ];
    features.into_iter().filter(|(_, found)| *found).map(|(name, _)| name).collect()
}

#[cfg(target_arch = "aarch64")]
fn simd() -> Vec<&'static str> {
    let features = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ];
    features.into_iter().filter(|(_, found)| *found).map(|(name, _)| name).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
fn simd() -> Vec<&'static str> {
    Vec::new()
}
