//! `wengert explore`.

use super::device::DeviceArgs;
use super::study::PageArgs;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use wengert_study::Study;

const NOTES: &str = "\
The page of `wengert study`, at the view of the latent space: move the numbers of a code and watch its image, find the code
of a drawing, map the codes, go from one to another.

Examples:
  wengert explore runs/vae-1                   the codes of a run
  wengert explore runs/vae-1 runs/dcgan-1      of two; what both understand is shown side by side";

/// Flags of `wengert explore`.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct ExploreArgs {
    /// Run folders whose trained models to explore
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Serves the page until Ctrl-C.
pub fn run(args: &ExploreArgs) -> Result<()> {
    let study = Study::new(&args.runs, args.device.choose()?)?;
    args.page.serve(study, "#latent")
}
