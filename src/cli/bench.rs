//! `wengert bench`.

use super::{device, devices, number, output, precision};
use crate::bench::profile::{self, profile};
use crate::bench::race::{Race, Rules};
use crate::bench::table::{Table, markdown};
use crate::bench::workload::{self, Workload};
use crate::bench::{Implementation, Launcher, Outcome, Place, export, process, serve};
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use wengert_models::wording::{counted, quoted, shell_word};
use wengert_tensor::io::atomic;
use wengert_tensor::{Device, Precision, on_device};

/// Where a Python with the other frameworks is looked for first.
const ENVIRONMENT: &str = ".venv/bin/python";

/// Steps that a profile records.
const PROFILED_STEPS: usize = 20;

/// The most images, threads, rounds and steps.
const MOST: usize = 1 << 16;

const NOTES: &str = "\
A workload is chosen by its name, by the first words of it (`gemm`, `elementwise add`), or by its group: `training`,
`startup` or `micro`. Steps are timed one by one; the table tells the median and the tenth and ninetieth percentile.

Others take part with --against, round by round in turns on the same processors. Before a training workload is timed,
each of them takes three steps from the same state. Its losses and gradients must be this program's, up to rounding
(1e-5 of a loss, 1e-3 of a gradient's norm before the first update), or the exit code is 1. benches/README.md says how
to install the others, and how the comparison is made.

With --device cuda, everything is computed on the GPU, and a step has ended when the GPU has. TF32 is off in PyTorch.

--profile shows where the time goes instead: each kind of op with its calls, time and rates, beside what the machine can
do at most. With a file it also writes every op in Chrome's trace format, for https://ui.perfetto.dev.

Examples:
  wengert bench mlp vae --threads 1
  wengert bench vae --profile
  wengert bench wgan-gp --profile=trace.json
  wengert bench gemm --rounds 10 --json
  wengert bench vae dcgan --device cuda --against torch,torch-compile,torch-graph
  wengert bench training --against torch,torch-fused,torch-compile,jax --save benches/results/machine.md";

/// Flags of `wengert bench`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct BenchArgs {
    /// What to time; everything without one
    #[arg(value_name = "WORKLOAD")]
    workloads: Vec<String>,
    /// Threads to compute on, and processors that they may use; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number::count, allow_negative_numbers = true)]
    threads: usize,
    /// Where to compute: cpu, cuda, cuda:1, …; or auto, a GPU where there is one
    #[arg(long, default_value = "cpu", value_name = "NAME", value_parser = device::parser())]
    device: String,
    /// Images in a training step
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = number::count, allow_negative_numbers = true)]
    batch: usize,
    /// Turns of each contender
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = number::count, allow_negative_numbers = true)]
    rounds: usize,
    /// Timed steps in a turn [default: as many as take 0.2 s], or recorded ones of a profile [default: 20]
    #[arg(long, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    steps: Option<usize>,
    /// Other implementations to time in turns with this one
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    against: Vec<Implementation>,
    /// Arithmetic of matrix products and convolutions
    #[arg(long, value_name = "NAME", default_value = "f32", value_parser = precision::NAMES)]
    precision: String,
    /// The Python that has the other frameworks [default: .venv/bin/python, else python3]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// The folder of torch_baseline.py and jax_baseline.py
    #[arg(long, value_name = "DIR", default_value = "benches")]
    baselines: PathBuf,
    /// Print one JSON object for each contender of a workload
    #[arg(long)]
    json: bool,
    /// Write the results, with the machine and all versions, to a Markdown file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Print where the time of one workload goes, op by op, and write a trace of it to FILE
    #[arg(
        long, value_name = "FILE", num_args = 0..=1, require_equals = true,
        conflicts_with_all = ["against", "rounds", "json", "save", "export", "list"]
    )]
    profile: Option<Option<PathBuf>>,
    /// List the workloads
    #[arg(long)]
    list: bool,
    /// Write the initial state of one training workload to a safetensors file, and time nothing
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Take part in a race: questions come on standard input
    #[arg(long, hide = true)]
    pub(super) serve: bool,
}

/// Times workloads.
pub fn run(args: &BenchArgs) -> Result<()> {
    if args.serve {
        precision::choose(precision::parse(&args.precision));
        return serve(std::io::stdin().lock(), std::io::stdout().lock());
    }
    args.check()?;
    let workloads = workload::select(&args.workloads)?;
    if args.list {
        return list(&workloads);
    }
    let device = args.choose_device()?;
    if let Some(path) = &args.export {
        return on_device(device, || args.export(&workloads, path));
    }
    if let Some(file) = &args.profile {
        return args.profile(&workloads, file.as_deref());
    }
    args.race(&possible(workloads, device)?, device)
}

fn list(workloads: &[Workload]) -> Result<()> {
    let width = workloads.iter().map(|workload| workload.name().len()).max().unwrap_or(0);
    let line = |workload: &Workload| format!("{:width$}  {}\n", workload.name(), workload.description());
    output::print(&workloads.iter().map(line).collect::<String>())
}

/// The workloads without those that cannot be run on the device.
fn possible(mut workloads: Vec<Workload>, device: Device) -> Result<Vec<Workload>> {
    workloads.retain(|workload| workload.runs_on(device));
    if workloads.is_empty() {
        bail!("the limits are those of the processor; they are not measured on {device}");
    }
    Ok(workloads)
}

impl BenchArgs {
    fn check(&self) -> Result<()> {
        let counts =
            [("--batch", Some(self.batch)), ("--rounds", Some(self.rounds)), ("--steps", self.steps)];
        for (flag, count) in counts {
            if let Some(count) = count.filter(|count| !(1..=MOST).contains(count)) {
                bail!("{flag} is {count}; it must be from 1 to {MOST}");
            }
        }
        if self.threads > MOST {
            bail!("--threads is {}; it must be from 0 to {MOST}", self.threads);
        }
        Ok(())
    }

    fn export(&self, workloads: &[Workload], path: &Path) -> Result<()> {
        match workloads {
            [Workload::Training(entry)] => export(entry, self.batch, path),
            _ => bail!(
                "--export writes the state of one training workload, such as `wengert bench vae --export {}`",
                quoted(path)
            ),
        }
    }

    /// The device to compute on, once it is known that everything that is asked for can be done there.
    fn choose_device(&self) -> Result<Device> {
        let device = device::choose(self.device.parse().ok())?;
        for implementation in &self.against {
            if let Some(refusal) = implementation.refusal(device) {
                bail!("{} {refusal}", implementation.name());
            }
        }
        if device != Device::Cpu {
            if self.precision != Precision::F32.name() {
                bail!(
                    "--precision {} is for the processor; on {device} products are computed in f32",
                    self.precision
                );
            }
            if self.profile.is_some() {
                bail!(
                    "--profile times the ops of the processor; on {device} it would only time how they are started"
                );
            }
        }
        Ok(device)
    }

    /// The threads to compute on, and the processors of the machine.
    fn threads(&self) -> (usize, usize) {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        (if self.threads == 0 { processors } else { self.threads }, processors)
    }

    fn profile(&self, workloads: &[Workload], file: Option<&Path>) -> Result<()> {
        let [workload] = workloads else {
            bail!("--profile takes one workload at a time, such as `wengert bench vae --profile`");
        };
        precision::choose(precision::parse(&self.precision));
        let (threads, _) = self.threads();
        process::restrict(threads)?;
        let steps = self.steps.unwrap_or(PROFILED_STEPS);
        let rules = profile::Rules { threads, batch: self.batch, steps, file: file.map(Path::to_path_buf) };
        let text = profile(workload, &rules)?;
        let written = file.map_or_else(String::new, |file| {
            format!("every op is in {}; open it in https://ui.perfetto.dev\n", file.display())
        });
        output::print(&format!("\n{text}{written}"))
    }

    fn race(&self, workloads: &[Workload], device: Device) -> Result<()> {
        let (threads, processors) = self.threads();
        let precision = precision::choose(precision::parse(&self.precision));
        let launcher = Launcher { python: self.python(), baselines: self.baselines.clone(), precision };
        let mut against = self.against.clone();
        against.sort();
        against.dedup();
        let versions = launcher.versions(&against)?;
        self.save.as_deref().map(check_place).transpose()?;
        process::restrict(threads)?;

        // No ticking: the bar is drawn between turns only, by the process that waits for them.
        let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{msg:.dim}")?);
        let show = |text: String| bar.set_message(text);
        let place = Place { threads, device };
        let rules =
            Rules { place, batch: self.batch, rounds: self.rounds, steps: self.steps, against, launcher };
        let mut race = Race::new(&rules, &show)?;
        let mut table = Table::new(workloads.iter().map(Workload::name));
        let print = |text: &str| bar.suspend(|| output::print(text));
        let mut outcomes: Vec<Outcome> = Vec::new();
        let gpu = devices::gpu(device)?;
        if !self.json {
            print(&gpu.iter().map(|gpu| format!("{gpu}\n")).collect::<String>())?;
            print(&table.head())?;
        }
        for workload in workloads {
            let outcome = race.run(workload)?;
            match self.json {
                true => {
                    outcome.json(precision.name()).iter().try_for_each(|line| print(&format!("{line}\n")))?
                }
                false => print(&table.rows(&outcome))?,
            }
            outcomes.push(outcome);
        }
        bar.finish_and_clear();
        match &self.save {
            Some(path) => {
                let machine: String = gpu.iter().map(|gpu| format!("- {gpu}\n")).collect();
                let processors = counted(processors, "processor");
                let machine = format!("- {}; {processors}\n{machine}", devices::machine());
                Ok(atomic::write(path, report(&outcomes, &machine, threads, &versions))?)
            }
            None => Ok(()),
        }
    }

    fn python(&self) -> PathBuf {
        let found = || Some(PathBuf::from(ENVIRONMENT)).filter(|python| python.is_file());
        self.python.clone().or_else(found).unwrap_or_else(|| PathBuf::from("python3"))
    }
}

/// The results with all that one must know to measure them again; `machine` is a list of Markdown.
fn report(outcomes: &[Outcome], machine: &str, threads: usize, versions: &[String]) -> String {
    let arguments = std::env::args_os().skip(1).map(|argument| shell_word(&argument.to_string_lossy()));
    let arguments: Vec<String> = arguments.collect();
    let versions: String = versions.iter().map(|version| format!(", {version}")).collect();
    format!(
        "# {}\n\n{machine}- wengert {}{versions}; {}\n- `wengert {}`\n\n{}",
        devices::brand().unwrap_or_else(|| std::env::consts::ARCH.to_string()),
        env!("CARGO_PKG_VERSION"),
        counted(threads, "thread"),
        arguments.join(" "),
        markdown(outcomes),
    )
}

/// Fails where [`atomic::write`] will: a race takes minutes, and its results should not be lost at the end of it.
fn check_place(path: &Path) -> Result<()> {
    let shown = path.display();
    if path.is_dir() {
        bail!("--save {shown}: this is a folder; name a file, such as {}", path.join("results.md").display());
    }
    if path.exists() && !path.is_file() {
        // A device or a pipe is written to as it is.
        return Ok(());
    }
    // A link stays one: what it leads to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::tempfile_in(folder).map(drop))
        .with_context(|| format!("--save {shown}: nothing can be written there; name another file"))
}
