//! `wengert sample`.

use super::device::DeviceArgs;
use super::number;
use super::run::{check_count, open_checkpoint};
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;
use wengert_data::{SAMPLE_RATE, encode_wav, sound_of_picture};
use wengert_models::pictures::{self, Samples};
use wengert_tensor::io::{atomic, npz};
use wengert_tensor::{Generator, Tensor};

/// The data set whose pictures are samples of sound.
const SOUNDS: &str = "fsdd-mulaw";

/// Flags of `wengert sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Run folder (its best checkpoint is used) or checkpoint file
    run: PathBuf,
    /// Images to draw
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = number::count, allow_negative_numbers = true)]
    count: usize,
    /// A .png for a grid; a .npz with `images` (f32, N×C×H×W, 0..1), `codes` and, for a conditional model, `labels`; or,
    /// for a model of fsdd-mulaw, a .wav with the sounds one after another
    #[arg(long, default_value = "samples.png", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
    /// Seed of the codes
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    seed: u64,
}

/// Draws images.
pub fn run(args: &SampleArgs) -> Result<()> {
    check_count("--count", args.count)?;
    let extension = args.out.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    if !["png", "npz", "wav"].contains(&extension.as_str()) {
        bail!("--out is {}; its name must end in .png, .npz or .wav", args.out.display());
    }
    args.device.run(|| sample(args, &extension))
}

fn sample(args: &SampleArgs, extension: &str) -> Result<()> {
    let checkpoint = open_checkpoint(&args.run)?;
    let data = &checkpoint.config.data.name;
    if extension == "wav" && data != SOUNDS {
        bail!(
            "--out is {}, and only pictures of {SOUNDS} can be heard; these are of {data}",
            args.out.display()
        );
    }
    let training = checkpoint.model()?;
    let Some(samples) = pictures::draw(training.model(), args.count, &Generator::new(args.seed)) else {
        bail!("the model `{}` makes no images, so there is nothing to draw", checkpoint.config.model)
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

/// The samples of pictures one after another, a tenth of a second of silence after each.
fn sounds(images: &Tensor) -> Vec<f32> {
    let silence = vec![0.0; SAMPLE_RATE as usize / 10];
    let pixels = images.to_vec::<f32>();
    let sounds = pixels.chunks(pixels.len() / images.dims()[0]);
    sounds.flat_map(|pixels| [sound_of_picture(pixels), silence.clone()].concat()).collect()
}
