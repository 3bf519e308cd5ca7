//! `wengert graph`.

use super::fresh::FreshArgs;
use super::output::print;
use anyhow::Result;
use clap::Args;
use std::fmt::Write;
use wengert_tensor::autograd::{BackwardOptions, BackwardStep};
use wengert_tensor::inspect::Graph;
use wengert_tensor::{DType, Generator, Tensor};

const NOTES: &str = "\
Examples:
  wengert graph vae                            the list of ops as text
  wengert graph vae --dot | dot -Tsvg > vae.svg
  wengert graph vae --step                     walk it backwards, with the gradients' shapes and norms";

/// Flags of `wengert graph`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct GraphArgs {
    #[command(flatten)]
    fresh: FreshArgs,
    /// Write the graph in Graphviz's language
    #[arg(long, conflicts_with_all = ["json", "step"])]
    dot: bool,
    /// Write the graph as JSON
    #[arg(long, conflicts_with = "step")]
    json: bool,
    /// Run backward and show each step: op, layer, and the cotangents that flow in and out
    #[arg(long)]
    step: bool,
}

/// Records the loss of one batch and prints its list.
pub fn run(args: &GraphArgs) -> Result<()> {
    let (training, batch) = args.fresh.build()?;
    let loss = training.losses(&batch, &Generator::new(0))?.total;
    let graph = Graph::of(&loss);
    if args.dot {
        print(&graph.to_dot())
    } else if args.json {
        print(&format!("{:#}\n", graph.to_json()))
    } else if args.step {
        let mut text = String::new();
        loss.backward_with(BackwardOptions::default(), |step| describe(step, &mut text))?;
        print(&text)
    } else {
        print(&format!("{}\n", graph.to_text().trim_end()))
    }
}

/// One step of the walk: what it is, then a line for each cotangent.
fn describe(step: &BackwardStep, text: &mut String) {
    let place = if step.scope.is_empty() { String::new() } else { format!("  in {}", step.scope) };
    let _ =
        writeln!(text, "step {} of {}: {}{place}", step.total - step.position, step.total, step.op.name());
    let _ = writeln!(text, "    d output   {}", size(step.cotangent));
    for (index, (gradient, spec)) in step.gradients.iter().zip(step.inputs).enumerate() {
        let _ = match gradient {
            Some(gradient) => writeln!(text, "    d input {index}  {}", size(gradient)),
            None => writeln!(text, "    d input {index}  not needed ({} {})", spec.dtype, spec.shape),
        };
    }
}

/// Type, shape and Euclidean norm of a cotangent.
fn size(tensor: &Tensor) -> String {
    let squares: f64 = tensor.to_dtype(DType::F64).to_vec::<f64>().iter().map(|x| x * x).sum();
    format!("{} {}  norm {:.4e}", tensor.dtype(), tensor.shape(), squares.sqrt())
}
