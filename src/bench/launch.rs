//! Who can be a contender, and how its process is started.

use super::contender::Contender;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use std::path::PathBuf;
use std::process::Command;
use wengert_tensor::{Device, Precision};

/// An implementation of the workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Implementation {
    /// This program
    #[value(skip)]
    Wengert,
    /// PyTorch, eager, with Adam's default form
    Torch,
    /// PyTorch, eager, with `Adam(fused=True)`
    TorchFused,
    /// PyTorch with torch.compile and fused Adam
    TorchCompile,
    /// PyTorch with the whole step captured as a CUDA graph, and fused Adam
    TorchGraph,
    /// The same with TF32 in products and convolutions, 11 bits of significand: held to wengert a hundred times more loosely
    TorchGraphTf32,
    /// JAX, the whole step under jit
    Jax,
}

impl Implementation {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wengert => "wengert",
            Self::Torch => "torch",
            Self::TorchFused => "torch-fused",
            Self::TorchCompile => "torch-compile",
            Self::TorchGraph => "torch-graph",
            Self::TorchGraphTf32 => "torch-graph-tf32",
            Self::Jax => "jax",
        }
    }

    /// Why it cannot compute on a device, if it cannot.
    pub fn refusal(self, device: Device) -> Option<&'static str> {
        match (self, device) {
            (Self::TorchGraph | Self::TorchGraphTf32, Device::Cpu) => {
                Some("captures CUDA graphs; it takes part with --device cuda")
            }
            (Self::Jax, Device::Cuda(_)) => Some("takes part on the CPU only; leave it out on a GPU"),
            _ => None,
        }
    }

    /// The Python module that it needs.
    fn module(self) -> Option<&'static str> {
        match self {
            Self::Wengert => None,
            Self::Torch | Self::TorchFused | Self::TorchCompile | Self::TorchGraph | Self::TorchGraphTf32 => {
                Some("torch")
            }
            Self::Jax => Some("jax"),
        }
    }

    /// How many times further from this program it may come than arithmetic in f32 does.
    pub fn slack(self) -> f64 {
        match self {
            Self::TorchGraphTf32 => 100.0,
            _ => 1.0,
        }
    }
}

/// How contenders are started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The Python of the baselines.
    pub python: PathBuf,
    /// The folder of `torch_baseline.py` and `jax_baseline.py`.
    pub baselines: PathBuf,
    /// Arithmetic of this program's matrix products.
    pub precision: Precision,
}

impl Launcher {
    /// Starts a contender.
    pub fn start(&self, implementation: Implementation) -> Result<Contender> {
        Contender::start(implementation.name(), self.command(implementation)?)
    }

    fn command(&self, implementation: Implementation) -> Result<Command> {
        let Some(module) = implementation.module() else {
            let mut command = Command::new(std::env::current_exe().context("this program was not found")?);
            command.args(["bench", "--serve", "--precision", self.precision.name()]);
            return Ok(command);
        };
        let mut command = Command::new(&self.python);
        command.arg(self.baselines.join(format!("{module}_baseline.py"))).arg("--serve");
        match implementation {
            Implementation::TorchFused => command.arg("--fused"),
            Implementation::TorchCompile => command.arg("--compile"),
            Implementation::TorchGraph => command.arg("--graph"),
            Implementation::TorchGraphTf32 => command.args(["--graph", "--tf32"]),
            _ => &mut command,
        };
        Ok(command)
    }

    /// Makes sure that the contenders can be started before any time is spent, and returns the versions of what they
    /// are made with, such as `torch 2.9.0`.
    pub fn versions(&self, implementations: &[Implementation]) -> Result<Vec<String>> {
        let mut modules: Vec<&str> = implementations.iter().filter_map(|i| i.module()).collect();
        modules.dedup();
        modules.into_iter().map(|module| self.version(module)).collect()
    }

    fn version(&self, module: &str) -> Result<String> {
        let script = self.baselines.join(format!("{module}_baseline.py"));
        if !script.is_file() {
            bail!(
                "{} was not found; --baselines must name the folder `benches` of wengert's repository",
                script.display()
            );
        }
        let python = self.python.display();
        let print = format!("import {module}; print({module}.__version__)");
        let output = Command::new(&self.python).args(["-c", &print]).output().with_context(|| {
            format!("{python} could not be started; --python must name a Python with {module} (see benches/README.md)")
        })?;
        if output.status.success() {
            return Ok(format!("{module} {}", String::from_utf8_lossy(&output.stdout).trim()));
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().last().unwrap_or("it ended without a message").trim();
        bail!("{python} cannot import {module} ({last}); benches/README.md says how to install it");
    }
}
