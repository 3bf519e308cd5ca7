//! What this process may use of the machine, and what it has used.

use anyhow::Result;

/// Restricts this process, and the contenders that it starts from now on, to the first `count` of the processors that
/// it may use.
#[cfg(target_os = "linux")]
pub fn restrict(count: usize) -> Result<()> {
    use anyhow::Context;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None).context("the processors of this process could not be read")?;
    let mut chosen = CpuSet::new();
    (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).take(count).for_each(|cpu| chosen.set(cpu));
    sched_setaffinity(None, &chosen).context("the processors of this process could not be chosen")
}

/// Other systems are left to choose; the contenders still use the same number of threads.
#[cfg(not(target_os = "linux"))]
pub fn restrict(_count: usize) -> Result<()> {
    Ok(())
}

/// The most memory that this process has held at a time, in MiB, where the system tells it in a file.
pub fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}
