//! Trained classifiers on disk, so that each is trained once for a data set.

use super::classifier::{Classifier, ClassifierOptions, ClassifierProgress, digest};
use crate::{Error, ImageSet, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wengert_data::{ImageDataset, sha256};
use wengert_nn::{Module, StateDict};
use wengert_tensor::Generator;
use wengert_tensor::io::safetensors;

/// The environment variable that names the folder of trained classifiers.
pub const CACHE_VARIABLE: &str = "WENGERT_CACHE";

/// Changes whenever training with the same options may give other weights, so that older files are left alone.
const VERSION: u32 = 1;

/// Where classifiers are kept: `$WENGERT_CACHE`, else `$XDG_CACHE_HOME/wengert`, by default `~/.cache/wengert`;
/// `%LOCALAPPDATA%\wengert\cache` on Windows.
///
/// # Errors
/// When none of these variables names a folder.
pub fn cache_folder() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let user = || match cfg!(windows) {
        true => Some(absolute("LOCALAPPDATA")?.join("wengert").join("cache")),
        false => absolute("XDG_CACHE_HOME")
            .or_else(|| Some(absolute("HOME")?.join(".cache")))
            .map(|caches| caches.join("wengert")),
    };
    variable(CACHE_VARIABLE).or_else(user).ok_or_else(|| {
        Error::setting(format!("no folder for trained classifiers is known; name one by {CACHE_VARIABLE}"))
    })
}

impl Classifier {
    /// The classifier of a data set that is kept in `folder`; `None` where [`Classifier::cached`] would have to train it.
    pub fn kept(images: &ImageDataset, options: &ClassifierOptions, folder: &Path) -> Option<Classifier> {
        let key = Key::new(images, options);
        key.open(&folder.join(key.file_name()))
    }

    /// The classifier of a data set: the one kept in `folder`, or else a new one, which is then kept there.
    ///
    /// What is kept is used only if its metadata name this recipe and the digest of these very images and labels, and
    /// its weights have the digest that was stored with them.
    ///
    /// # Errors
    /// Those of [`Classifier::train`], and when the folder cannot be written.
    pub fn cached(
        images: &Arc<ImageDataset>,
        options: &ClassifierOptions,
        folder: &Path,
        observer: &mut dyn FnMut(ClassifierProgress),
    ) -> Result<Classifier> {
        let key = Key::new(images, options);
        let path = folder.join(key.file_name());
        if let Some(classifier) = key.open(&path) {
            return Ok(classifier);
        }
        // A folder that cannot be had should be known before minutes of training, not after.
        std::fs::create_dir_all(folder).map_err(|error| {
            let detail = format!(
                "the trained classifier cannot be kept here: {error}; name a folder by {CACHE_VARIABLE}"
            );
            Error::file(folder, detail)
        })?;
        // Who comes while another process trains it waits, and finds it.
        let _lock = lock(&path.with_extension("lock"));
        if let Some(classifier) = key.open(&path) {
            return Ok(classifier);
        }
        let classifier = Classifier::train(images, options, observer)?;
        safetensors::save(&path, &classifier.state_dict(), &key.metadata(classifier.digest()))?;
        Ok(classifier)
    }
}

/// Holds a file that only one process can hold at a time, until it is dropped or the process ends. On a file system
/// without locks there is none: then the same classifier is trained twice.
fn lock(path: &Path) -> Option<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// What decides the weights of a classifier.
struct Key {
    name: String,
    images: ImageSet,
    width: usize,
    recipe: String,
    data: String,
}

impl Key {
    fn new(images: &ImageDataset, options: &ClassifierOptions) -> Key {
        Key {
            name: images.name().to_owned(),
            images: ImageSet { shape: images.shape(), classes: images.classes().len() },
            width: options.width,
            recipe: format!("lenet {VERSION}: {options:?}"),
            data: sha256(format!("{} {}", sha256(images.images()), sha256(images.labels())).as_bytes()),
        }
    }

    /// A name of its own for each recipe and each choice of images.
    fn file_name(&self) -> String {
        let digest = sha256(format!("{} {:?} {}", self.recipe, self.images, self.data).as_bytes());
        format!("lenet-{}-{}.safetensors", self.name, &digest[..16])
    }

    fn metadata(&self, digest: String) -> BTreeMap<String, String> {
        let entries = [("recipe", self.recipe.clone()), ("data", self.data.clone()), ("digest", digest)];
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The classifier in a file; `None` for a file that is absent, damaged or not what it should be.
    fn open(&self, path: &Path) -> Option<Classifier> {
        let contents = safetensors::load(path).ok()?;
        let tensors: StateDict = contents.tensors;
        let classifier = Classifier::new(self.images, self.width, &Generator::new(0)).ok()?;
        classifier.load_state_dict(&tensors, true).ok()?;
        if contents.metadata != self.metadata(digest(&tensors)) {
            return None;
        }
        classifier.eval();
        Some(classifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_data::Split;

    /// Bright rows in one of two places.
    fn images(seed: u8) -> Arc<ImageDataset> {
        let mut pixels = Vec::new();
        let labels: Vec<u8> = (0..64).map(|index| index % 2).collect();
        for &label in &labels {
            pixels.extend((0..144).map(|pixel| if pixel / 72 == label { 200 + seed } else { 10 }));
        }
        let classes = ["above", "below"].map(String::from).to_vec();
        Arc::new(ImageDataset::new("rows", Split::Train, [1, 12, 12], pixels, labels, classes).unwrap())
    }

    /// The classifier of `images`, and how many steps were taken to have it.
    fn classifier(images: &Arc<ImageDataset>, folder: &Path) -> (Classifier, u64) {
        let options = ClassifierOptions { width: 2, epochs: 2, batch: 16, ..ClassifierOptions::default() };
        let mut steps = 0;
        let classifier = Classifier::cached(images, &options, folder, &mut |_| steps += 1).unwrap();
        (classifier, steps)
    }

    #[test]
    fn what_is_kept_is_used_and_what_is_damaged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("deep/cache");
        let options = ClassifierOptions { width: 2, epochs: 2, batch: 16, ..ClassifierOptions::default() };
        assert!(Classifier::kept(&images(0), &options, &cache).is_none());
        let (first, steps) = classifier(&images(0), &cache);
        let kept = Classifier::kept(&images(0), &options, &cache).map(|classifier| classifier.digest());
        assert_eq!(kept, Some(first.digest()));
        assert_eq!(steps, 8);
        let (again, steps) = classifier(&images(0), &cache);
        assert_eq!((again.digest(), steps), (first.digest(), 0));

        let kept = || {
            let files = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
            files.filter(|path| path.extension().is_some_and(|e| e == "safetensors")).collect::<Vec<_>>()
        };
        let path = kept().remove(0);
        let good = std::fs::read(&path).unwrap();
        // A weight that is not what was stored, a cut file, a file of something else.
        let mut altered = good.clone();
        *altered.last_mut().unwrap() ^= 1;
        for damaged in [altered, good[..good.len() / 2].to_vec(), b"something else".to_vec()] {
            std::fs::write(&path, damaged).unwrap();
            let (classifier, steps) = classifier(&images(0), &cache);
            assert_eq!((classifier.digest(), steps), (first.digest(), 8));
        }
        assert_eq!(std::fs::read(&path).unwrap(), good);

        // Other images have a classifier of their own.
        assert_eq!(classifier(&images(1), &cache).1, 8);
        assert_eq!(kept().len(), 2);
    }

    #[test]
    fn those_who_come_at_the_same_time_wait_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut steps: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..3).map(|_| scope.spawn(|| classifier(&images(0), folder.path()).1)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        steps.sort_unstable();
        assert_eq!(steps, [0, 0, 8]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_before_training() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let error =
            Classifier::cached(&images(0), &ClassifierOptions::default(), &file.join("cache"), &mut |_| {
                panic!("trained all the same")
            });
        assert!(error.unwrap_err().to_string().contains(CACHE_VARIABLE));
    }
}
