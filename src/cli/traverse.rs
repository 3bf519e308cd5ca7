//! `wengert traverse`.

use super::number;
use super::run::check_count;
use super::trained::{SeedArgs, Trained, TrainedArgs, check_png, enlargement};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_models::run::{Picture, save_there_and_back};
use wengert_models::traversal::{Traversal, traverse};
use wengert_models::{CodePart, pictures};
use wengert_tensor::Tensor;

/// Least height of an animation in pixels.
const ANIMATED: usize = 200;

/// Flags of `wengert traverse`.
#[derive(Debug, Args)]
pub struct TraverseArgs {
    #[command(flatten)]
    trained: TrainedArgs,
    /// Parts of the code to show: those that change the image most
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    rows: usize,
    /// Values of each part
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    columns: usize,
    /// The picture to write, a .png
    #[arg(long, default_value = "traversals.png", value_name = "FILE")]
    out: PathBuf,
    /// Also write an animation, beside the picture as .gif: all rows at once, there and back
    #[arg(long)]
    gif: bool,
    #[command(flatten)]
    seed: SeedArgs,
}

/// Draws the rows and says what changes in each.
pub fn run(args: &TraverseArgs) -> Result<()> {
    check_count("--rows", args.rows)?;
    if !(2..=100).contains(&args.columns) {
        bail!("--columns is {}; it must be from 2 to 100", args.columns);
    }
    check_png(&args.out)?;
    args.trained.open(|trained| draw_rows(args, &trained))
}

fn draw_rows(args: &TraverseArgs, trained: &Trained) -> Result<()> {
    let model = trained.model();
    let Some(Traversal { images, rows }) = traverse(model, args.rows, args.columns, &args.seed.generator())
    else {
        bail!("the model `{}` makes no images, so there is nothing to draw", trained.name())
    };
    Picture::grid(&images.to_vec::<f32>(), model.image_shape(), args.columns).save(&args.out)?;
    if args.gif {
        save_there_and_back(&args.out.with_extension("gif"), &frames(&images, args.columns))?;
    }
    for (index, row) in rows.iter().enumerate() {
        let part = match row.part {
            CodePart::Number => format!("number {} of the code", row.start),
            CodePart::Category(values) => format!("the category of {values} from number {} on", row.start),
        };
        println!("row {}: {part}, changes pixels by {:.3}", index + 1, row.change);
    }
    Ok(())
}

/// A picture for each column: the images that all rows have there.
fn frames(images: &Tensor, columns: usize) -> Vec<Picture> {
    let rows = images.dims()[0] / columns;
    let column = |column: usize| {
        let places: Vec<i64> = (0..rows).map(|row| (row * columns + column) as i64).collect();
        let grid = pictures::grid(&images.index_select(0, &Tensor::from_vec(places, [rows])));
        grid.enlarged(enlargement(grid.height(), ANIMATED))
    };
    (0..columns).map(column).collect()
}
