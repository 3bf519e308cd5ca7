//! What the commands share that make pictures with a trained model.

use super::device::DeviceArgs;
use super::number;
use anyhow::{Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use wengert_data::Loader;
use wengert_models::run::open_checkpoint;
use wengert_models::{Checkpoint, Dataset, Model, Training, pictures};
use wengert_tensor::{DType, Generator, Tensor};

/// Flags that choose a trained model and where it computes.
#[derive(Debug, Args)]
pub struct TrainedArgs {
    /// Run folder (its checkpoint of the lowest test loss is used, or else its last) or checkpoint file
    run: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

/// The flag that says where the data set of a run lies.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Folder of the data set [default: where the run found it]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The seed of what is drawn.
#[derive(Debug, Args)]
pub struct SeedArgs {
    /// Seed of the codes
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = number::whole, allow_negative_numbers = true)]
    seed: u64,
}

/// The class that a conditional model is asked for.
#[derive(Debug, Args)]
pub struct LabelArgs {
    /// Class of the images, from 0, where the model is conditioned on one [default: 0]
    #[arg(long, value_name = "CLASS", value_parser = number::count, allow_negative_numbers = true)]
    label: Option<usize>,
}

/// A trained model, in evaluation mode, and its checkpoint.
pub struct Trained {
    /// Where it was read from, with its configuration.
    pub checkpoint: Checkpoint,
    training: Box<dyn Training>,
}

impl TrainedArgs {
    /// Opens the model and hands it to `body`, with the device as the place of new tensors.
    pub fn open<R>(&self, body: impl FnOnce(Trained) -> Result<R>) -> Result<R> {
        self.device.run(|| {
            let checkpoint = open_checkpoint(&self.run)?;
            let training = checkpoint.model()?;
            body(Trained { checkpoint, training })
        })
    }
}

impl SeedArgs {
    /// The source of what is drawn.
    pub fn generator(&self) -> Generator {
        Generator::new(self.seed)
    }
}

impl LabelArgs {
    /// Whether a class was asked for.
    pub fn is_given(&self) -> bool {
        self.label.is_some()
    }

    /// Labels for so many images, where the model takes some.
    pub fn labels(&self, trained: &Trained, count: usize) -> Result<Option<Tensor>> {
        let (name, label) = (trained.name(), self.label);
        match (trained.model().classes(), label) {
            (None, None) => Ok(None),
            (None, Some(label)) => {
                bail!("--label is {label}, but the model `{name}` takes no labels; leave it out")
            }
            (Some(classes), Some(label)) if label >= classes => {
                bail!("--label is {label}; the model `{name}` knows the classes 0 to {}", classes - 1)
            }
            (Some(_), _) => Ok(Some(Tensor::full([count], label.unwrap_or(0) as f64, DType::I64))),
        }
    }
}

impl Trained {
    /// The model.
    pub fn model(&self) -> &dyn Model {
        self.training.model()
    }

    /// The name of the model.
    pub fn name(&self) -> &str {
        &self.checkpoint.config.model
    }

    /// An error for a model that makes no images.
    pub fn check_draws(&self) -> Result<()> {
        match self.model().code_size() {
            0 => bail!("the model `{}` makes no images, so there is nothing to draw", self.name()),
            _ => Ok(()),
        }
    }

    /// Whether the model finds codes of images.
    pub fn has_encoder(&self) -> bool {
        let [channels, height, width] = self.model().image_shape();
        let image = Tensor::zeros([1, channels, height, width], DType::F32);
        pictures::encode(self.model(), &image, &Tensor::zeros([1], DType::I64)).is_some()
    }

    /// The test images of the run's data set.
    pub fn test_images(&self, data: &DataArgs) -> Result<Loader> {
        let mut config = self.checkpoint.config.clone();
        if let Some(folder) = &data.data {
            config.data.directory = folder.to_string_lossy().into_owned();
        }
        let test = Dataset::load(&config)?.test;
        let (found, wanted) = (test.dataset().shape(), self.checkpoint.images.shape);
        if found != wanted {
            bail!(
                "the data set has images of {found:?} and the model was trained on {wanted:?}; pass --data"
            );
        }
        Ok(test)
    }

    /// The images of codes, under labels where the model takes some.
    pub fn decode(&self, codes: &Tensor, labels: Option<&Tensor>) -> Result<Tensor> {
        match pictures::decode(self.model(), codes, labels) {
            Some(images) => Ok(images),
            None => {
                bail!("the model `{}` makes no images of codes, so there is nothing to draw", self.name())
            }
        }
    }
}

/// Fails unless the name of a picture ends in .png.
pub fn check_png(out: &Path) -> Result<()> {
    if out.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("png")) {
        bail!("--out is {}; its name must end in .png", out.display());
    }
    Ok(())
}

/// How much to enlarge a picture so that a side of `length` pixels has at least `wanted`.
pub fn enlargement(length: usize, wanted: usize) -> usize {
    wanted.div_ceil(length.max(1)).max(1)
}
