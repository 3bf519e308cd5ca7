//! `wengert reconstruct`.

use super::device::DeviceArgs;
use super::number;
use super::run::{check_count, open_checkpoint};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_data::Position;
use wengert_models::{Dataset, pictures};

/// Flags of `wengert reconstruct`.
#[derive(Debug, Args)]
pub struct ReconstructArgs {
    /// Run folder (its best checkpoint is used) or checkpoint file
    run: PathBuf,
    /// How many of the test images, from the first on
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    count: usize,
    /// Picture to write: originals above their reconstructions
    #[arg(long, default_value = "reconstructions.png", value_name = "FILE.png")]
    out: PathBuf,
    /// Folder of the data set [default: where the run found it]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Reconstructs test images.
pub fn run(args: &ReconstructArgs) -> Result<()> {
    check_count("--count", args.count)?;
    if !args.out.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
        bail!("--out is {}; its name must end in .png", args.out.display());
    }
    args.device.run(|| reconstruct_images(args))
}

fn reconstruct_images(args: &ReconstructArgs) -> Result<()> {
    let mut checkpoint = open_checkpoint(&args.run)?;
    let training = checkpoint.model()?;
    if let Some(folder) = &args.data {
        checkpoint.config.data.directory = folder.to_string_lossy().into_owned();
    }
    let test = Dataset::load(&checkpoint.config)?.test;
    if test.dataset().shape() != checkpoint.images.shape {
        let (found, wanted) = (test.dataset().shape(), checkpoint.images.shape);
        bail!("the data set has images of {found:?} and the model was trained on {wanted:?}; pass --data");
    }
    let indices: Vec<usize> = (0..args.count.min(test.dataset().len())).collect();
    let originals = test.images(&indices, Position::default());
    match pictures::reconstruct(training.model(), &originals, &test.labels(&indices)) {
        Some(images) => pictures::pairs(&originals, &images).save(&args.out)?,
        None => {
            bail!("the model `{}` has no encoder, so it cannot reconstruct images", checkpoint.config.model)
        }
    }
    Ok(())
}
