//! `wengert export`.

use super::output::print;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wengert_models::Model;
use wengert_models::export::Part;
use wengert_models::run::open_checkpoint;
use wengert_tensor::io::{atomic, safetensors};
use wengert_tensor::onnx::OPSET;

const NOTES: &str = "\
Examples:
  wengert export runs/vae-1 --format onnx                        the decoder, codes to images
  wengert export runs/vae-1 --format onnx --part encoder --out encoder.onnx
  wengert export runs/ss-gan-1 --format onnx --part classifier
  wengert export runs/vae-1 --format safetensors                 the weights, under PyTorch's names

An ONNX file holds the list of ops that ran, with the weights under their names; images are f32 in 0..1, labels i64. The
size of the batch stays open where no number of the list depends on it.";

/// Flags of `wengert export`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct ExportArgs {
    /// Run folder (its best checkpoint is used) or checkpoint file
    run: PathBuf,
    /// What to write
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// What the model does, for ONNX [default: the first that it has]
    #[arg(long, value_name = "PART", value_parser = part)]
    part: Option<Part>,
    /// File to write [default: MODEL-PART.onnx or MODEL.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Formats that other programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The ops and weights of one part of a model
    Onnx,
    /// Weights and buffers alone, without what resumes the run
    Safetensors,
}

fn part(name: &str) -> Result<Part, String> {
    let names = Part::ALL.map(Part::name).join(", ");
    Part::ALL.into_iter().find(|part| part.name() == name).ok_or(format!("it must be one of {names}"))
}

/// Writes what a checkpoint offers.
pub fn run(args: &ExportArgs) -> Result<()> {
    if args.part.is_some() && args.format == Format::Safetensors {
        bail!(
            "--part is for --format onnx; safetensors hold the weights of the whole model, so leave it out"
        );
    }
    let checkpoint = open_checkpoint(&args.run)?;
    let training = checkpoint.model()?;
    let (name, model) = (checkpoint.config.model.as_str(), training.model());
    match args.format {
        Format::Onnx => write_onnx(args, name, model),
        Format::Safetensors => write_weights(args, name, model),
    }
}

fn write_onnx(args: &ExportArgs, name: &str, model: &dyn Model) -> Result<()> {
    let Some(part) = args.part.or_else(|| Part::ALL.into_iter().find(|part| part.is_in(model))) else {
        bail!(
            "the model `{name}` has no part that is a function of codes or images; --format safetensors has its weights"
        );
    };
    let exported = part.to_onnx(model)?;
    let out = args.out.clone().unwrap_or_else(|| format!("{name}-{}.onnx", part.name()).into());
    atomic::write(&out, &exported.bytes)?;
    let batch = exported.batch.map_or_else(|| "any".to_owned(), |batch| batch.to_string());
    print(&format!(
        "{}: the {} of {name}, {} operators and {} weights, for a batch of {batch}; operator set {OPSET}\n",
        out.display(),
        part.name(),
        exported.nodes,
        exported.weights.len(),
    ))
}

fn write_weights(args: &ExportArgs, name: &str, model: &dyn Model) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| format!("{name}.safetensors").into());
    let weights = model.state_dict();
    let metadata = BTreeMap::from([("model".to_owned(), name.to_owned())]);
    safetensors::save(Path::new(&out), &weights, &metadata)?;
    print(&format!("{}: {} weights and buffers of {name}\n", out.display(), weights.len()))
}
