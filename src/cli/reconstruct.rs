//! `wengert reconstruct`.

use super::number;
use super::run::check_count;
use super::trained::{DataArgs, Trained, TrainedArgs, check_png};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_data::Position;
use wengert_models::pictures;

/// Flags of `wengert reconstruct`.
#[derive(Debug, Args)]
pub struct ReconstructArgs {
    #[command(flatten)]
    trained: TrainedArgs,
    /// How many of the test images, from the first on
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    count: usize,
    /// Picture to write: originals above their reconstructions
    #[arg(long, default_value = "reconstructions.png", value_name = "FILE.png")]
    out: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

/// Reconstructs test images.
pub fn run(args: &ReconstructArgs) -> Result<()> {
    check_count("--count", args.count)?;
    check_png(&args.out)?;
    args.trained.open(|trained| reconstruct_images(args, &trained))
}

fn reconstruct_images(args: &ReconstructArgs, trained: &Trained) -> Result<()> {
    let test = trained.test_images(&args.data)?;
    let indices: Vec<usize> = (0..args.count.min(test.dataset().len())).collect();
    let originals = test.images(&indices, Position::default());
    match pictures::reconstruct(trained.model(), &originals, &test.labels(&indices)) {
        Some(images) => pictures::pairs(&originals, &images).save(&args.out)?,
        None => bail!("the model `{}` has no encoder, so it cannot reconstruct images", trained.name()),
    }
    Ok(())
}
