//! Where the time of a workload goes, op by op, beside what the machine can do at most.

use super::micro::{self, FMA, Micro, STREAM};
use super::protocol::Place;
use super::session::Session;
use super::statistics::Summary;
use super::workload::Workload;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use wengert_models::wording::counted;
use wengert_tensor::Device;
use wengert_tensor::inspect::trace::{Detail, Options, Stream, Tracing};

/// How a workload is profiled.
#[derive(Debug, Clone)]
pub struct Rules {
    pub threads: usize,
    /// Images in a training step.
    pub batch: usize,
    /// Recorded steps.
    pub steps: usize,
    /// Where a trace for Perfetto goes, if it is wanted.
    pub file: Option<PathBuf>,
}

/// Steps before the recorded ones: caches fill, and memory is taken that later steps find.
const WARM_UP: usize = 5;

/// Takes steps of a workload in this process, prints totals for each op to standard output, and returns what is to be
/// said about them.
///
/// # Errors
/// When the workload is a process as a whole, or the trace cannot be written.
pub fn profile(workload: &Workload, rules: &Rules) -> Result<String> {
    let &Rules { threads, batch, steps, .. } = rules;
    let place = Place { threads, device: Device::Cpu };
    let (mut session, subject) = match workload {
        Workload::Training(entry) => {
            (Session::training(entry, batch, place)?, format!("{}, batch {batch}", entry.name))
        }
        Workload::Micro(micro) => (Session::micro(micro, 1, place)?, micro.name.clone()),
        Workload::Startup => {
            bail!("--profile records steps, and `startup` is a whole process; try `--profile` with `vae`")
        }
    };
    session.run(WARM_UP)?;
    let plain = Summary::of(&session.run(steps)?.ms);
    let options = Options { file: rules.file.clone(), detail: Detail::Totals, stream: Stream::Output };
    let tracing = Tracing::start(&options)?;
    let recorded = session.run(steps)?.ms;
    tracing.finish()?;

    let rate = |name| limit(name, place);
    Ok(format!(
        "{subject}, {}: {} in {:.3} ms; a step takes {:.4} ms, {:.4} ms while it is recorded\n\
         at most, measured now: {:.1} GFLOP/s in registers, {:.1} GB/s through memory\n",
        counted(threads, "thread"),
        counted(steps, "step"),
        recorded.iter().sum::<f64>(),
        plain.median,
        Summary::of(&recorded).median,
        rate(FMA)?,
        rate(STREAM)?,
    ))
}

/// The rate of a limit.
fn limit(name: &str, place: Place) -> Result<f64> {
    let micro: Micro = micro::find(name).with_context(|| format!("there is no micro workload `{name}`"))?;
    let mut session = Session::micro(&micro, 1, place)?;
    session.run(WARM_UP)?;
    let (rate, _) =
        micro.work.rate(Summary::of(&session.run(WARM_UP)?.ms).median).context("a limit is a rate")?;
    Ok(rate)
}
