//! `wengert export`.

use super::judged::Judged;
use super::output::print;
use super::progress::Status;
use super::run::pool;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wengert_models::export::Part;
use wengert_models::run::open_checkpoint;
use wengert_models::wording::counted;
use wengert_nn::{Module, StateDict};
use wengert_tensor::io::{atomic, safetensors};
use wengert_tensor::onnx::{Exported, OPSET};

const NOTES: &str = "\
Examples:
  wengert export runs/vae-1 --format onnx                        the decoder, codes to images
  wengert export runs/vae-1 --format onnx --part encoder --out encoder.onnx
  wengert export runs/ss-gan-1 --format onnx --part classifier
  wengert export runs/vae-1 --format safetensors                 the weights, under PyTorch's names
  wengert export --judge mnist --format onnx                     the LeNet behind the scores of `wengert eval`

An ONNX file holds the list of ops that ran, with the weights under their names; images are f32 in 0..1, labels i64. The
size of the batch stays open where no number of the list depends on it.";

/// Flags of `wengert export`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct ExportArgs {
    /// Run folder (its checkpoint of the lowest test loss is used, or else its last) or checkpoint file
    #[arg(required_unless_present = "judge")]
    run: Option<PathBuf>,
    /// Write the judge of a data set instead; it is trained where the cache has none
    #[arg(long, value_name = "NAME", conflicts_with_all = ["run", "part"])]
    judge: Option<String>,
    /// Folder of the judge's data set
    #[arg(long, value_name = "DIR", requires = "judge")]
    data: Option<PathBuf>,
    /// What to write
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// What the model does, for ONNX: decoder, generator (its other name), encoder, classifier or discriminator
    /// [default: the first that it has]
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
    match (&args.run, &args.judge) {
        (Some(run), _) => args.model(run),
        (None, Some(name)) => args.judge(name),
        (None, None) => bail!("which run? `wengert export runs/vae-1 --format onnx`"),
    }
}

impl ExportArgs {
    fn model(&self, run: &Path) -> Result<()> {
        let checkpoint = open_checkpoint(run)?;
        let training = checkpoint.model()?;
        let (name, model) = (checkpoint.config.model.as_str(), training.model());
        if self.format == Format::Safetensors {
            return self.write_weights(name, &model.state_dict());
        }
        let Some(part) = self.part.or_else(|| Part::ALL.into_iter().find(|part| part.is_in(model))) else {
            bail!(
                "the model `{name}` has no part that is a function of codes or images; --format safetensors has its weights"
            );
        };
        self.write_onnx(name, part.name(), &part.to_onnx(model)?)
    }

    /// The classifier that judges images like those of a data set.
    fn judge(&self, name: &str) -> Result<()> {
        let mut status = Status::new(true);
        let judged = pool(0)?.install(|| Judged::of(name, self.data.as_deref(), &mut status))?;
        let classifier = judged.expect(name)?.classifier();
        match self.format {
            Format::Safetensors => self.write_weights(&format!("{name}-judge"), &classifier.state_dict()),
            Format::Onnx => self.write_onnx(name, "judge", &classifier.to_onnx()?),
        }
    }

    fn write_onnx(&self, name: &str, part: &str, exported: &Exported) -> Result<()> {
        let out = self.out.clone().unwrap_or_else(|| format!("{name}-{part}.onnx").into());
        atomic::write(&out, &exported.bytes)?;
        let batch = exported.batch.map_or_else(|| "any".to_owned(), |batch| batch.to_string());
        print(&format!(
            "{}: the {part} of {name}, {} and {}, for a batch of {batch}; operator set {OPSET}\n",
            out.display(),
            counted(exported.nodes, "operator"),
            counted(exported.weights.len(), "weight"),
        ))
    }

    fn write_weights(&self, name: &str, weights: &StateDict) -> Result<()> {
        let out = self.out.clone().unwrap_or_else(|| format!("{name}.safetensors").into());
        let metadata = BTreeMap::from([("model".to_owned(), name.to_owned())]);
        safetensors::save(Path::new(&out), weights, &metadata)?;
        print(&format!("{}: {} weights and buffers of {name}\n", out.display(), weights.len()))
    }
}
