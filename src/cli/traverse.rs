//! `wengert traverse`.

use super::device::DeviceArgs;
use super::number;
use super::run::{check_count, open_checkpoint};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_models::CodePart;
use wengert_models::run::Picture;
use wengert_models::traversal::{Traversal, traverse};
use wengert_tensor::Generator;

/// Flags of `wengert traverse`.
#[derive(Debug, Args)]
pub struct TraverseArgs {
    /// Run folder (its best checkpoint is used) or checkpoint file
    run: PathBuf,
    /// Parts of the code to show: those that change the image most
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    rows: usize,
    /// Values of each part
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    columns: usize,
    /// The picture to write, a .png
    #[arg(long, default_value = "traversals.png", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of the code
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    seed: u64,
}

/// Draws the rows and says what changes in each.
pub fn run(args: &TraverseArgs) -> Result<()> {
    check_count("--rows", args.rows)?;
    if !(2..=100).contains(&args.columns) {
        bail!("--columns is {}; it must be from 2 to 100", args.columns);
    }
    if args.out.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("png")) {
        bail!("--out is {}; its name must end in .png", args.out.display());
    }
    args.device.run(|| draw_rows(args))
}

fn draw_rows(args: &TraverseArgs) -> Result<()> {
    let checkpoint = open_checkpoint(&args.run)?;
    let training = checkpoint.model()?;
    let model = training.model();
    let Some(Traversal { images, rows }) =
        traverse(model, args.rows, args.columns, &Generator::new(args.seed))
    else {
        bail!("the model `{}` makes no images, so there is nothing to draw", checkpoint.config.model)
    };
    Picture::grid(&images.to_vec::<f32>(), model.image_shape(), args.columns).save(&args.out)?;
    for (index, row) in rows.iter().enumerate() {
        let part = match row.part {
            CodePart::Number => format!("number {} of the code", row.start),
            CodePart::Category(values) => format!("the category of {values} from number {} on", row.start),
        };
        println!("row {}: {part}, changes pixels by {:.3}", index + 1, row.change);
    }
    Ok(())
}
