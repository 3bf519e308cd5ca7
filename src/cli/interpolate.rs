//! `wengert interpolate`.

use super::number;
use super::output::print;
use super::trained::{DataArgs, LabelArgs, SeedArgs, Trained, TrainedArgs, check_png, enlargement};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_data::Position;
use wengert_models::code_space::interpolation::{Path, between};
use wengert_models::pictures;
use wengert_models::run::{Picture, save_there_and_back};
use wengert_tensor::Tensor;

/// Pictures of the animation from one image of the strip to the next.
const FRAMES: usize = 4;

/// Least heights of the strip and of the animation, in pixels.
const STRIP: usize = 56;
const ANIMATED: usize = 196;

/// Flags of `wengert interpolate`.
#[derive(Debug, Args)]
pub struct InterpolateArgs {
    #[command(flatten)]
    trained: TrainedArgs,
    /// Test image to begin at, counted from 0 [default: 0]
    #[arg(long, value_name = "INDEX", value_parser = number::count, allow_negative_numbers = true)]
    from: Option<usize>,
    /// Test image to end at [default: 1]
    #[arg(long, value_name = "INDEX", value_parser = number::count, allow_negative_numbers = true)]
    to: Option<usize>,
    /// Between two codes drawn from the prior; so it is without being asked for where the model has no encoder
    #[arg(long, conflicts_with_all = ["from", "to"])]
    random: bool,
    /// Images of the strip, both ends with them
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    steps: usize,
    /// Along a great circle [default where the prior is N(0, σ²)]
    #[arg(long, conflicts_with = "lerp")]
    slerp: bool,
    /// Along a straight line [default elsewhere]
    #[arg(long)]
    lerp: bool,
    /// The strip to write, a .png; an animation, there and back, goes beside it as .gif
    #[arg(long, default_value = "interpolation.png", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    label: LabelArgs,
    #[command(flatten)]
    seed: SeedArgs,
}

/// Where a way begins and ends.
struct Ends {
    /// f32 `[2, code size]`.
    codes: Tensor,
    /// i64 `[2]`, for a conditional model.
    labels: Option<Tensor>,
    /// The images that the codes are of, where there are some.
    images: Option<Tensor>,
    /// What they are, in words.
    names: [String; 2],
}

/// Draws the way.
pub fn run(args: &InterpolateArgs) -> Result<()> {
    if !(2..=1000).contains(&args.steps) {
        bail!("--steps is {}; it must be from 2 to 1000", args.steps);
    }
    check_png(&args.out)?;
    args.trained.open(|trained| interpolate(args, &trained))
}

fn interpolate(args: &InterpolateArgs, trained: &Trained) -> Result<()> {
    trained.check_draws()?;
    let ends = match args.random || !trained.has_encoder() {
        true => args.random_ends(trained)?,
        false => args.test_ends(trained)?,
    };
    let path = match (args.slerp, args.lerp) {
        (true, _) => Path::GreatCircle,
        (_, true) => Path::Straight,
        _ => Path::of(trained.model()),
    };
    // The images of the strip are every so many frames of the animation.
    let frames = decode_way(trained, &ends, FRAMES * (args.steps - 1) + 1, path)?;
    let every: Vec<i64> = (0..args.steps).map(|step| (step * FRAMES) as i64).collect();
    let mut strip = frames.index_select(0, &Tensor::from_vec(every, [args.steps]));
    if let Some(images) = &ends.images {
        let [first, last] = [0, 1].map(|end| images.narrow(0, end, 1));
        strip = Tensor::cat(&[&first, &strip, &last], 0);
    }
    let shape = trained.model().image_shape();
    let strip = Picture::grid(&strip.to_vec::<f32>(), shape, strip.dims()[0]);
    strip.enlarged(enlargement(shape[1], STRIP)).save(&args.out)?;
    let animation = args.out.with_extension("gif");
    let factor = enlargement(shape[1], ANIMATED);
    let frame =
        |index: usize| Picture::grid(&frames.narrow(0, index, 1).to_vec::<f32>(), shape, 1).enlarged(factor);
    save_there_and_back(&animation, &(0..frames.dims()[0]).map(frame).collect::<Vec<_>>())?;
    let way = match path {
        Path::GreatCircle => "along a great circle",
        Path::Straight => "along a straight line",
    };
    let [from, to] = &ends.names;
    print(&format!("from {from} to {to} {way}: {}, {}\n", args.out.display(), animation.display()))
}

/// The images of codes on the way. A label cannot lie between two others: it is that of the nearer end.
fn decode_way(trained: &Trained, ends: &Ends, steps: usize, path: Path) -> Result<Tensor> {
    let [from, to] = [0, 1].map(|end| ends.codes.select(0, end).to_vec::<f32>());
    let codes = between(&from, &to, steps, path, &trained.model().code_parts());
    let labels = ends.labels.as_ref().map(|labels| {
        let labels = labels.to_vec::<i64>();
        let nearer = |step| labels[usize::from(2 * step >= steps)];
        Tensor::from_vec((0..steps).map(nearer).collect(), [steps])
    });
    trained.decode(&codes, labels.as_ref())
}

impl InterpolateArgs {
    fn random_ends(&self, trained: &Trained) -> Result<Ends> {
        if self.from.or(self.to).is_some() {
            bail!(
                "the model `{}` has no encoder, so it knows no codes of test images; leave out --from and --to to go \
                 between random codes",
                trained.name()
            );
        }
        let codes = trained.model().draw_codes(2, &self.seed.generator());
        let names = ["a random code".to_owned(), "another".to_owned()];
        Ok(Ends { codes, labels: self.label.labels(trained, 2)?, images: None, names })
    }

    fn test_ends(&self, trained: &Trained) -> Result<Ends> {
        let test = trained.test_images(&self.data)?;
        let images = test.dataset();
        let ends = [("--from", self.from.unwrap_or(0)), ("--to", self.to.unwrap_or(1))];
        for (flag, index) in ends {
            if index >= images.len() {
                bail!("{flag} is {index}; the test images go from 0 to {}", images.len() - 1);
            }
        }
        let indices = ends.map(|(_, index)| index);
        let names = indices.map(|index| {
            let class = &images.classes()[usize::from(images.labels()[index])];
            format!("test image {index} ({class})")
        });
        let (originals, own) = (test.images(&indices, Position::default()), test.labels(&indices));
        let Some(codes) = pictures::encode(trained.model(), &originals, &own) else {
            bail!("the model `{}` has no encoder; pass --random to go between random codes", trained.name())
        };
        // Another class than its own only where it is asked for.
        let asked = self.label.labels(trained, 2)?;
        let labels = asked.map(|asked| if self.label.is_given() { asked } else { own });
        Ok(Ends { codes, labels, images: Some(originals), names })
    }
}
