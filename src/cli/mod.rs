//! The command line: parsing, dispatch, and what every command shares.

mod arithmetic;
mod bench;
mod data;
mod device;
mod devices;
mod eval;
mod explore;
mod export;
mod fresh;
mod gradcheck;
mod gradcheck_ops;
mod graph;
mod import;
mod interpolate;
mod judged;
mod manifold;
mod models;
mod number;
mod output;
mod precision;
mod progress;
mod reconstruct;
mod run;
mod sample;
mod stepper;
mod study;
mod summary;
mod train;
mod trained;
mod traverse;
mod trial;

use crate::bench::agreement::Disagreement;
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use wengert_tensor::inspect::trace::{Options, Tracing};

const EXAMPLES: &str = "\
Examples:
  wengert train vae                                         train on MNIST; the run goes to runs/vae-1
  wengert train vae --latent 2 --beta 4                     with other settings
  wengert train --resume runs/vae-1 --epochs 20             go on with a run
  wengert sample runs/vae-1 --count 100 --out digits.png    draw digits
  wengert interpolate runs/vae-1                            go from one test image to another
  wengert eval runs/vae-1                                   measure a trained model: FID, likelihood, codes
  wengert graph vae --step                                  watch the backward pass, op by op
  wengert gradcheck conv2d                                  compare a gradient with finite differences
  wengert bench training --against torch                    time training steps beside PyTorch's
  wengert bench vae --profile                               see where the time of a step goes

`wengert COMMAND --help` tells more about a command.

Environment: WENGERT_TRACE=FILE records every op for https://ui.perfetto.dev; WENGERT_DEBUG=1 prints totals by op, 2 each
op, 3 also shapes and ranges of values. WENGERT_SIMD=baseline, avx2 or avx512 limits the instructions in use;
WENGERT_AMX=emulate lets --precision work, slowly, where the processor has no AMX. WENGERT_DATASETS=FOLDER is looked in first
for data sets, before ./datasets, the repository and $XDG_DATA_HOME/wengert/datasets (~/.local/share/wengert/datasets);
WENGERT_CACHE=FOLDER keeps judges and CUDA kernels, else $XDG_CACHE_HOME/wengert (~/.cache/wengert). WENGERT_CUDA_LIBS=FOLDERS
are looked in for NVIDIA's libraries.

Exit codes: 0 success; 1 a check failed or training diverged; 2 wrong input; 130 interrupted.";

/// A reverse-mode autodiff engine you can watch, and generative models to train with it.
#[derive(Debug, Parser)]
#[command(name = "wengert", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model, or go on with a run
    Train(train::TrainArgs),
    /// Draw images from a trained model
    Sample(sample::SampleArgs),
    /// Change the parts of a code one by one and see what each stands for
    Traverse(traverse::TraverseArgs),
    /// Go from one image to another through the codes between them
    Interpolate(interpolate::InterpolateArgs),
    /// Add what sets two classes apart to the codes of images
    Arithmetic(arithmetic::ArithmeticArgs),
    /// Draw a map of the codes, beside where the test images lie on it
    Manifold(manifold::ManifoldArgs),
    /// Show test images beside what a trained model makes of them
    Reconstruct(reconstruct::ReconstructArgs),
    /// Measure a trained model
    Eval(eval::EvalArgs),
    /// Write a part of a trained model as ONNX, or its weights
    Export(export::ExportArgs),
    /// Begin a run with weights of PyTorch or of a safetensors file
    Import(import::ImportArgs),
    /// Print or draw the recorded list of ops of one training step
    Graph(graph::GraphArgs),
    /// List a model's layers with shapes, parameters and FLOPs
    Summary(summary::SummaryArgs),
    /// List the models that can be trained
    Models,
    /// Say what this machine computes with
    Devices,
    /// Time training steps and single ops, against other frameworks too
    Bench(bench::BenchArgs),
    /// Serve a page on this machine that shows tapes and runs, with a playground
    Study(study::StudyArgs),
    /// Serve the page at the latent space of trained models
    Explore(explore::ExploreArgs),
    /// Compare gradients with finite differences
    Gradcheck(gradcheck::GradcheckArgs),
    /// List, verify, import or fetch data sets
    Data(data::DataArgs),
}

/// Runs the program; wrong input ends in one message and exit code 2.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    match device::until_exhausted(|| run(command)) {
        Ok(code) => code,
        // The reader of a pipe has seen enough (`wengert graph vae | head`): no message, as any Unix tool.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(exit_code(&error))
        }
    }
}

/// Runs a command, recording what the environment asks for.
fn run(command: Command) -> Result<ExitCode> {
    let options = match &command {
        // What is timed runs in a process of its own, which reads the same environment.
        Command::Bench(args) if !args.serve => Options::default(),
        _ => Options::from_environment()?,
    };
    let tracing = Tracing::start(&options)?;
    let code = match command {
        Command::Train(args) => train::run(&args),
        Command::Sample(args) => sample::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Traverse(args) => traverse::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Interpolate(args) => interpolate::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Arithmetic(args) => arithmetic::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Manifold(args) => manifold::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Reconstruct(args) => reconstruct::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Eval(args) => eval::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Export(args) => export::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Import(args) => import::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Graph(args) => graph::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Summary(args) => summary::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Models => models::run().map(|()| ExitCode::SUCCESS),
        Command::Devices => devices::run().map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Study(args) => study::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Explore(args) => explore::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Gradcheck(args) => gradcheck::run(&args),
        Command::Data(args) => data::run(&args).map(|()| ExitCode::SUCCESS),
    }?;
    tracing.finish()?;
    Ok(code)
}

/// Diverged training and results that disagree are results (1); everything else that reaches this point is wrong input
/// (2).
fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<wengert_models::Error>() {
        Some(wengert_models::Error::NonFinite(_)) => 1,
        _ if error.is::<Disagreement>() => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
