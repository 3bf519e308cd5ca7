//! `wengert import`.

use super::output::print;
use super::run::or_undo;
use anyhow::{Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use wengert_models::import::import;
use wengert_models::run::RunFolder;
use wengert_models::settings::Settings;
use wengert_models::wording::{counted, quoted};
use wengert_models::{Dataset, checkpoint, find};
use wengert_nn::StateDict;
use wengert_tensor::io::{pytorch, safetensors};

const NOTES: &str = "\
The names in the file are those of the model, which are PyTorch's; `wengert summary MODEL` lists its layers, and what does not
fit is named. A file of torch.save holds a state dictionary, torch.save(model.state_dict(), \"vae.pt\"); nothing in it is
executed.

Examples:
  wengert import vae.pt --model vae                          the run goes to runs/vae-1
  wengert import vae.safetensors --model vae --out runs/theirs
  wengert import wide.pt --model vae --set vae.hidden=800";

/// Flags of `wengert import`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct ImportArgs {
    /// Weights: a .pt or .pth of torch.save, or a .safetensors
    file: PathBuf,
    /// Model that they are for (see `wengert models`)
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// Run folder [default: the first free runs/MODEL-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Data set by name (see `wengert data list`), or the folder that holds the data set
    #[arg(long, value_name = "NAME|DIR")]
    data: Option<String>,
    /// Set any setting by its dotted key
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Makes a run of weights.
pub fn run(args: &ImportArgs) -> Result<()> {
    let entry = find(&args.model)?;
    let state = read(&args.file)?;
    let mut settings = Settings::new(entry);
    for assignment in &args.set {
        let Some((key, value)) = assignment.split_once('=') else {
            bail!("--set takes KEY=VALUE, found `{assignment}`; for example --set {}.latent=2", entry.name);
        };
        settings.set(key.trim(), value.trim(), "--set")?;
    }
    if let Some(data) = &args.data {
        settings.set_data(data, "--data")?;
    }
    let config = settings.resolve()?;
    let data = Dataset::load(&config)?;
    let mut reserved = match &args.out {
        Some(out) => RunFolder::create(out, false)?,
        None => RunFolder::create_next(Path::new("runs"), entry.name)?,
    };
    let folder = reserved.folder().clone();
    let path = folder.path().display().to_string();
    or_undo(import(&state, &args.file, &config, &data, folder), &mut reserved)?;
    reserved.begin()?;
    let tensors = counted(state.len(), "tensor");
    print(&format!("{path}: {} with {tensors} of {}\n", entry.name, args.file.display()))
}

/// The tensors of a file, by the format that its name tells.
fn read(file: &Path) -> Result<StateDict> {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "pt" | "pth" => Ok(pytorch::load(file)?),
        "safetensors" => {
            let contents = safetensors::load(file)?;
            if checkpoint::is_one(&contents) {
                let (shown, quoted) = (file.display(), quoted(file));
                bail!(
                    "{shown} is a checkpoint of wengert already, which every command takes as it is: draw from it with `wengert \
                     sample {quoted}`, or go on with `wengert train --resume {quoted}`; its weights alone are a file of `wengert \
                     export {quoted} --format safetensors`"
                );
            }
            Ok(contents.tensors)
        }
        _ => bail!("{}: weights are read from .pt, .pth and .safetensors", file.display()),
    }
}
