//! The images of a run, as its configuration asks for them.

use crate::config::Config;
use crate::registry::ImageSet;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use wengert_data::{BatchOptions, ImageDataset, Loader, Places, Split};

/// Training and test images, cut into batches.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Shuffled by the run's seed, in a new order each epoch.
    pub train: Loader,
    /// In the order of the files.
    pub test: Loader,
}

impl Dataset {
    /// Reads the images that a configuration names.
    pub fn load(config: &Config) -> Result<Dataset> {
        let loader = |split, limit, shuffle| {
            let images = limited(read(config, split)?, limit)?;
            let options = BatchOptions { batch_size: config.train.batch, shuffle, ..BatchOptions::default() };
            Ok::<_, Error>(Loader::new(Arc::new(images), options)?)
        };
        Ok(Dataset {
            train: loader(Split::Train, config.data.limit, Some(config.seed))?,
            test: loader(Split::Test, config.data.test_limit, None)?,
        })
    }

    /// What a model must know of the images.
    pub fn image_set(&self) -> ImageSet {
        let images = self.train.dataset();
        ImageSet { shape: images.shape(), classes: images.classes().len() }
    }
}

fn read(config: &Config, split: Split) -> Result<ImageDataset> {
    let directory = Some(config.data.directory.as_str()).filter(|directory| !directory.is_empty());
    Ok(wengert_data::load_images(&config.data.name, split, &Places::new(directory.map(Path::new)))?)
}

/// The first `limit` images; all of them for 0.
fn limited(images: ImageDataset, limit: usize) -> Result<ImageDataset> {
    if limit == 0 || limit >= images.len() {
        return Ok(images);
    }
    Ok(ImageDataset::new(
        images.name(),
        images.split(),
        images.shape(),
        images.images()[..limit * images.pixels()].to_vec(),
        images.labels()[..limit].to_vec(),
        images.classes().to_vec(),
    )?)
}
