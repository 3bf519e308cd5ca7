//! The images of a run, as its configuration asks for them.

use crate::config::Config;
use crate::registry::ImageSet;
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use wengert_data::{BatchOptions, Binarisation, ImageDataset, Loader, Places, Split, sha256};

/// Seed of static binarisation: the same bits for an image in every run and every evaluation.
pub const STATIC_SEED: u64 = 0;

/// Level from which the binarisation by threshold is white.
const HALF: u8 = 128;

/// Training and test images, cut into batches.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Shuffled by the run's seed, in a new order each epoch.
    pub train: Loader,
    /// In the order of the files.
    pub test: Loader,
    /// The images of a second domain, of the same shape, where the configuration names one.
    pub target: Option<Target>,
}

/// A second domain beside the first.
#[derive(Debug, Clone)]
pub struct Target {
    /// Shuffled by the run's seed. Their labels are there to measure, not to train.
    pub train: Loader,
    /// In the order of the files.
    pub test: Loader,
}

impl Dataset {
    /// Reads the images that a configuration names. Where it names two data sets, the images of both are
    /// [enlarged](ImageDataset::enlarged) to the larger of their channels, heights and widths.
    pub fn load(config: &Config) -> Result<Dataset> {
        let read = |name: &str| -> Result<[ImageDataset; 2]> {
            Ok([
                read(config, name, Split::Train)?.first(config.data.limit),
                read(config, name, Split::Test)?.first(config.data.test_limit),
            ])
        };
        let images = read(&config.data.name)?;
        let (images, target) = match config.data.target.as_str() {
            "" => (images, None),
            name => {
                let [images, target] = alike(images, read(name)?)?;
                (images, Some(target))
            }
        };
        let [train, test] = loaders(config, images, config.seed)?;
        // Another order: where one set was made of the other, equal images must not meet in a batch.
        let target = target.map(|images| loaders(config, images, !config.seed)).transpose()?;
        let target = target.map(|[train, test]| Target { train, test });
        Ok(Dataset { train, test, target })
    }

    /// What a model must know of the images.
    pub fn image_set(&self) -> ImageSet {
        let images = self.train.dataset();
        ImageSet { shape: images.shape(), classes: images.classes().len() }
    }

    /// A hash of the training images and labels, by which a run that goes on knows them again: 64 hexadecimal digits, found in
    /// a small part of a second for as much as MNIST.
    pub fn fingerprint(&self) -> String {
        let sets = std::iter::once(&self.train).chain(self.target.as_ref().map(|target| &target.train));
        let parts = sets.flat_map(|loader| [loader.dataset().images(), loader.dataset().labels()]);
        sha256(parts.map(sha256).collect::<String>().as_bytes())
    }

    /// The second domain, or an error that says how to name one, for a model that needs it.
    pub fn target(&self) -> Result<&Target> {
        self.target.as_ref().ok_or_else(|| {
            Error::setting(
                "this model needs the images of a second domain: name them, as in --set data.target=usps",
            )
        })
    }
}

fn read(config: &Config, name: &str, split: Split) -> Result<ImageDataset> {
    let directory = Some(config.data.directory.as_str()).filter(|directory| !directory.is_empty());
    Ok(wengert_data::load_images(name, split, &Places::new(directory.map(Path::new)))?)
}

/// Training and test images of two domains, brought to one shape.
fn alike(source: [ImageDataset; 2], target: [ImageDataset; 2]) -> Result<[[ImageDataset; 2]; 2]> {
    let (ours, theirs) = (&source[0], &target[0]);
    if ours.classes().len() != theirs.classes().len() {
        let [ours, theirs] =
            [ours, theirs].map(|images| format!("{} has {}", images.name(), images.classes().len()));
        return Err(Error::setting(format!("both domains must have the same classes: {ours}, {theirs}")));
    }
    let shape = std::array::from_fn(|axis| ours.shape()[axis].max(theirs.shape()[axis]));
    let enlarged = |[train, test]: [ImageDataset; 2]| -> Result<[ImageDataset; 2]> {
        Ok([train.enlarged(shape)?, test.enlarged(shape)?])
    };
    Ok([enlarged(source)?, enlarged(target)?])
}

/// Loaders of training and test images.
fn loaders(config: &Config, [train, test]: [ImageDataset; 2], seed: u64) -> Result<[Loader; 2]> {
    let binarisation = binarisation(&config.data.binarisation, seed);
    let loader = |images, shuffle| {
        let batch_size = config.train.batch;
        let options = BatchOptions { batch_size, shuffle, binarisation, ..BatchOptions::default() };
        Loader::new(Arc::new(images), options)
    };
    Ok([loader(train, Some(seed))?, loader(test, None)?])
}

/// The binarisation of a name that the configuration has checked.
fn binarisation(name: &str, seed: u64) -> Binarisation {
    match name {
        "threshold" => Binarisation::Threshold(HALF),
        "static" => Binarisation::Static { seed: STATIC_SEED },
        "dynamic" => Binarisation::Dynamic { seed },
        _ => Binarisation::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::{Groups, Position};

    fn images(shape: [usize; 3], classes: usize) -> [ImageDataset; 2] {
        let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
        [Split::Train, Split::Test].map(|split| {
            let bytes = vec![9; 2 * shape.iter().product::<usize>()];
            ImageDataset::new("made", split, shape, bytes, vec![0, 1], names.clone())
                .and_then(|images| images.with_groups(Groups { of: vec![0, 0], names: names.clone() }))
                .unwrap()
        })
    }

    #[test]
    fn images_are_binarised_as_the_configuration_says() {
        let grey: Vec<u8> = (0..2 * 64).map(|index| index as u8 * 2).collect();
        let images = || {
            ImageDataset::new("made", Split::Train, [1, 8, 8], grey.clone(), vec![0, 0], vec!["a".into()])
                .unwrap()
        };
        // The images of step `step` of a run of this seed, by its training loader.
        let pixels = |name: &str, seed, step| {
            let mut config = Config::defaults(crate::find("vae").unwrap());
            config.data.binarisation = name.into();
            config.validate().unwrap();
            let [train, _] = loaders(&config, [images(), images()], seed).unwrap();
            train.images(&[0, 1], Position { epoch: step, batch: 0 }).to_vec::<f32>()
        };
        assert!(pixels("none", 1, 0).iter().zip(&grey).all(|(x, byte)| *x == f32::from(*byte) / 255.0));
        let half = pixels("threshold", 1, 0);
        assert!(half.iter().zip(&grey).all(|(x, byte)| *x == f32::from(u8::from(*byte >= 128))));
        for name in ["static", "dynamic"] {
            assert!(pixels(name, 1, 0).iter().all(|x| *x == 0.0 || *x == 1.0), "{name}");
        }
        assert_eq!(pixels("static", 1, 0), pixels("static", 2, 5), "one draw for all runs");
        assert_ne!(pixels("dynamic", 1, 0), pixels("dynamic", 1, 1), "a draw for each step");
        assert_ne!(pixels("dynamic", 1, 0), pixels("dynamic", 2, 0), "a draw for each seed");
        let mut config = Config::defaults(crate::find("vae").unwrap());
        config.data.binarisation = "half".into();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("data.binarisation is `half`; it must be one of none, threshold"), "{error}");
    }

    #[test]
    fn two_domains_get_the_larger_shape_of_both() {
        let domains = alike(images([1, 8, 5], 2), images([3, 4, 7], 2));
        // Colour cannot be made grey, so the grey one gets three channels and both the larger sides.
        for domain in domains.unwrap() {
            assert!(domain.iter().all(|images| images.shape() == [3, 8, 7]));
        }
        let error = alike(images([1, 4, 4], 2), images([1, 4, 4], 3)).unwrap_err().to_string();
        assert!(error.contains("made has 2, made has 3"), "{error}");
    }
}
