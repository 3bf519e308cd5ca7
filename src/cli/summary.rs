//! `wengert summary`.

use super::fresh::FreshArgs;
use super::output::print;
use anyhow::Result;
use clap::Args;
use wengert_tensor::{Generator, no_grad};

/// Flags of `wengert summary`.
#[derive(Debug, Args)]
pub struct SummaryArgs {
    #[command(flatten)]
    fresh: FreshArgs,
}

/// Prints the layers that one batch runs through.
pub fn run(args: &SummaryArgs) -> Result<()> {
    let (training, batch) = args.fresh.build()?;
    let mut failure = Ok(());
    let summary = wengert_nn::summary(training.model(), || {
        failure = no_grad(|| training.losses(&batch, &Generator::new(0))).map(|_| ());
    });
    failure?;
    print(&format!("{summary}\n"))
}
