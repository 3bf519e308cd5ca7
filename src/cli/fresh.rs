//! A model with fresh weights, for the commands that look at its structure.

use super::number;
use anyhow::{Result, bail};
use clap::Args;
use wengert_data::Batch;
use wengert_models::settings::Settings;
use wengert_models::{Training, find, fresh};

/// Flags that choose a model and a batch of made-up images.
#[derive(Debug, Args)]
pub struct FreshArgs {
    /// Model (see `wengert models`)
    pub model: String,
    /// Images in the batch
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    pub batch: usize,
    /// Set any setting by its dotted key
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl FreshArgs {
    /// The model, and a batch of noise in the shape of MNIST.
    pub fn build(&self) -> Result<(Box<dyn Training>, Batch)> {
        if !(1..=4096).contains(&self.batch) {
            bail!("--batch is {}; it must be from 1 to 4096", self.batch);
        }
        let entry = find(&self.model)?;
        let mut settings = Settings::new(entry);
        for assignment in &self.set {
            let Some((key, value)) = assignment.split_once('=') else {
                bail!(
                    "--set takes KEY=VALUE, found `{assignment}`; for example --set {}.latent=2",
                    entry.name
                );
            };
            settings.set(key.trim(), value.trim(), "--set")?;
        }
        Ok(fresh(&settings.resolve()?, self.batch)?)
    }
}
