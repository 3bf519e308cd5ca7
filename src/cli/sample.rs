//! `wengert sample`.

use super::number;
use super::run::check_count;
use super::trained::{SeedArgs, Trained, TrainedArgs};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::io::Read;
use std::path::{Path, PathBuf};
use wengert_data::{SAMPLE_RATE, encode_wav, sha256_file, sound_of_picture};
use wengert_models::code_space::saved::SavedCode;
use wengert_models::pictures::{self, Samples};
use wengert_tensor::Tensor;
use wengert_tensor::io::{atomic, npz};

/// The data set whose pictures are samples of sound.
const SOUNDS: &str = "fsdd-mulaw";

/// Bytes of a saved code that are read at most.
const MOST_BYTES: u64 = 16 << 20;

/// Flags of `wengert sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    #[command(flatten)]
    trained: TrainedArgs,
    /// Images to draw
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    count: usize,
    /// Draw the one image of a code that the latent space view of the page has saved: its .json, or its address as text
    #[arg(long, value_name = "FILE", conflicts_with_all = ["count", "seed"])]
    code: Option<PathBuf>,
    /// A .png for a grid; a .npz with `images` (f32, N×C×H×W, 0..1), `codes` and, for a conditional model, `labels`; or,
    /// for a model of fsdd-mulaw, a .wav with the sounds one after another
    #[arg(long, default_value = "samples.png", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    seed: SeedArgs,
}

/// Draws images.
pub fn run(args: &SampleArgs) -> Result<()> {
    check_count("--count", args.count)?;
    let extension = args.out.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    if !["png", "npz", "wav"].contains(&extension.as_str()) {
        bail!("--out is {}; its name must end in .png, .npz or .wav", args.out.display());
    }
    args.trained.open(|trained| sample(args, &trained, &extension))
}

fn sample(args: &SampleArgs, trained: &Trained, extension: &str) -> Result<()> {
    let data = &trained.checkpoint.config.data.name;
    if extension == "wav" && data != SOUNDS {
        bail!(
            "--out is {}, and only pictures of {SOUNDS} can be heard; these are of {data}",
            args.out.display()
        );
    }
    let samples = match &args.code {
        Some(path) => of_code(trained, path)?,
        None => match pictures::draw(trained.model(), args.count, &args.seed.generator()) {
            Some(samples) => samples,
            None => bail!("the model `{}` makes no images, so there is nothing to draw", trained.name()),
        },
    };
    if extension == "png" {
        pictures::grid(&samples.images).save(&args.out)?;
        return Ok(());
    }
    if extension == "wav" {
        return Ok(atomic::write(&args.out, encode_wav(&sounds(&samples.images), SAMPLE_RATE)?)?);
    }
    let Samples { images, codes, labels } = &samples;
    let mut arrays = vec![("images", images), ("codes", codes)];
    arrays.extend(labels.as_ref().map(|labels| ("labels", labels)));
    npz::save(&args.out, arrays)?;
    Ok(())
}

/// The image of a saved code.
fn of_code(trained: &Trained, path: &Path) -> Result<Samples> {
    let of_file = || format!("--code {}", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(of_file)?;
    file.take(MOST_BYTES).read_to_string(&mut text).with_context(of_file)?;
    let saved = SavedCode::read(&text).with_context(of_file)?;
    saved.check_checkpoint(&sha256_file(trained.checkpoint.path())?).with_context(of_file)?;
    let (codes, labels) = saved.tensors(trained.model()).with_context(of_file)?;
    let images = trained.decode(&codes, labels.as_ref())?;
    Ok(Samples { images, codes, labels })
}

/// The samples of pictures one after another, a tenth of a second of silence after each.
fn sounds(images: &Tensor) -> Vec<f32> {
    let silence = vec![0.0; SAMPLE_RATE as usize / 10];
    let pixels = images.to_vec::<f32>();
    let sounds = pixels.chunks(pixels.len() / images.dims()[0]);
    sounds.flat_map(|pixels| [sound_of_picture(pixels), silence.clone()].concat()).collect()
}
