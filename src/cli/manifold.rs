//! `wengert manifold`.

use super::number;
use super::output::print;
use super::trained::{DataArgs, LabelArgs, SeedArgs, Trained, TrainedArgs, check_png, enlargement};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_data::{Loader, Position};
use wengert_models::code_space::plane::Plane;
use wengert_models::pictures;
use wengert_models::run::{Picture, Scatter};
use wengert_tensor::Tensor;

/// Least side of the map in pixels.
const LEAST: usize = 560;

/// Numbers of a code that principal components are computed of at most: the work grows with their cube.
const LONGEST: usize = 1024;

/// Flags of `wengert manifold`.
#[derive(Debug, Args)]
pub struct ManifoldArgs {
    #[command(flatten)]
    trained: TrainedArgs,
    /// Images along each side of the map
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    side: usize,
    /// The picture to write, a .png
    #[arg(long, default_value = "manifold.png", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    label: LabelArgs,
    #[command(flatten)]
    seed: SeedArgs,
}

/// Test images and their codes.
struct Encoded {
    test: Loader,
    codes: Tensor,
}

/// Draws the map.
pub fn run(args: &ManifoldArgs) -> Result<()> {
    if !(2..=100).contains(&args.side) {
        bail!("--side is {}; it must be from 2 to 100", args.side);
    }
    check_png(&args.out)?;
    args.trained.open(|trained| draw(args, &trained))
}

fn draw(args: &ManifoldArgs, trained: &Trained) -> Result<()> {
    trained.check_draws()?;
    let (model, name, size) = (trained.model(), trained.name(), trained.model().code_size());
    let labels = args.label.labels(trained, args.side * args.side)?;
    if size == 1 {
        bail!("the codes of `{name}` are one number, which make no plane; `wengert traverse` shows them");
    }
    let has_encoder = trained.has_encoder();
    if size > 2 && !has_encoder {
        bail!(
            "the model `{name}` has no encoder, so the main directions of its {size} numbers are not known; train one with \
             two, or see `wengert traverse`"
        );
    }
    if size > LONGEST {
        bail!("the codes of `{name}` are {size} numbers; up to {LONGEST} can be mapped");
    }
    let encoded = has_encoder.then(|| encode(trained, &args.data)).transpose()?;
    let of_test_images = || Plane::of_codes(&encoded.as_ref()?.codes, args.side);
    let Some(plane) = Plane::of_prior(model, args.side, &args.seed.generator()).or_else(of_test_images)
    else {
        bail!("there are too few test images to find a plane by; set data.test_limit higher when training");
    };
    let images = trained.decode(&plane.codes(), labels.as_ref())?;
    let grid = Picture::grid(&images.to_vec::<f32>(), model.image_shape(), args.side);
    let grid = grid.enlarged(enlargement(grid.height(), LEAST));
    let picture = match &encoded {
        None => grid,
        Some(Encoded { test, codes }) => {
            let labels: Vec<i64> = test.dataset().labels().iter().map(|&label| label.into()).collect();
            let scatter = Scatter {
                points: &plane.project(codes),
                labels: &labels,
                names: test.dataset().classes(),
                guides: [&plane.horizontal, &plane.vertical],
            };
            grid.beside(&scatter.draw(grid.height()))
        }
    };
    picture.save(&args.out)?;
    let what = match size {
        2 => "both numbers of the code, at quantiles of the prior".to_owned(),
        _ => {
            let share = 100.0 * plane.share;
            format!("the first two principal components of {size} numbers, {share:.0}% of their variance")
        }
    };
    let beside = if encoded.is_some() { "; on the right the codes of the test images" } else { "" };
    print(&format!("{}: {what}{beside}\n", args.out.display()))
}

fn encode(trained: &Trained, data: &DataArgs) -> Result<Encoded> {
    let test = trained.test_images(data)?;
    let indices: Vec<usize> = (0..test.dataset().len()).collect();
    let images = test.images(&indices, Position::default());
    match pictures::encode(trained.model(), &images, &test.labels(&indices)) {
        Some(codes) => Ok(Encoded { test, codes }),
        None => bail!("the model `{}` has no encoder, so it finds no codes of images", trained.name()),
    }
}
