//! Data sets by name.

use crate::catalogue::{DatasetInfo, FileInfo, Role, Split, dataset_info};
use crate::dataset::ImageDataset;
use crate::error::{Error, Result};
use crate::places::{Places, locate, user_folder};
use crate::speech::SpeechDataset;
use std::path::{Path, PathBuf};

/// Loads the images of a split of a known data set.
///
/// CIFAR-10's training split is made of as many of its five batches as are there.
///
/// # Errors
/// When the data set is not known, not one of images, not found in `places`, or its files are not usable.
pub fn load_images(name: &str, split: Split, places: &Places) -> Result<ImageDataset> {
    let info = dataset_info(name)?;
    if let Some(derived) = &info.derived {
        return (derived.make)(split, places);
    }
    let files = Files::find(info, split, places)?;
    match info.files[0].role {
        Role::Images(_) | Role::Labels(_) => {
            let (images, labels) = (files.of(Role::Images(split))?, files.of(Role::Labels(split))?);
            ImageDataset::from_idx(info.name, split, images, labels, info.classes)
        }
        Role::Batch(_) => ImageDataset::from_cifar10(info.name, split, &files.paths(), info.classes),
        Role::Photographs => {
            ImageDataset::from_idx_photographs(info.name, split, files.of(Role::Photographs)?)
        }
        Role::Recordings => {
            Err(Error::argument("data set", name, "one of images; this one is of recordings"))
        }
    }
}

/// Loads the recordings of a split of a known data set of speech.
///
/// # Errors
/// When the data set is not known, not one of speech, not found in `places`, or its files are not usable.
pub fn load_speech(name: &str, split: Split, places: &Places) -> Result<SpeechDataset> {
    let info = dataset_info(name)?;
    if info.files.first().map(|file| file.role) != Some(Role::Recordings) {
        return Err(Error::argument("data set", name, "one of recordings; this one is of images"));
    }
    let files = Files::find(info, split, places)?;
    SpeechDataset::read(info.name, split, files.of(Role::Recordings)?)
}

/// The first folder of `places` that holds all that is needed to load a split of `info`. For a data set that is made of
/// others it is the folder of the first of them, and all must be there.
///
/// # Errors
/// When there is none.
pub fn find_dataset(info: &'static DatasetInfo, split: Split, places: &Places) -> Result<PathBuf> {
    let Some(derived) = &info.derived else {
        return Files::find(info, split, places).map(|files| files.folder);
    };
    let origins = derived.from.iter().map(|name| find_dataset(dataset_info(name)?, split, places));
    let mut folders = origins.collect::<Result<Vec<PathBuf>>>()?;
    Ok(folders.swap_remove(0))
}

/// The files of one split in one folder.
struct Files {
    folder: PathBuf,
    found: Vec<(&'static FileInfo, PathBuf)>,
}

impl Files {
    fn find(info: &'static DatasetInfo, split: Split, places: &Places) -> Result<Self> {
        let folders = places.folders(info);
        folders
            .iter()
            .find_map(|folder| Self::in_folder(info, split, folder))
            .ok_or_else(|| missing(info, split, places))
    }

    fn in_folder(info: &'static DatasetInfo, split: Split, folder: &Path) -> Option<Self> {
        let wanted = info.files.iter().filter(|file| belongs(file.role, split));
        let found: Vec<_> = wanted.clone().filter_map(|file| Some((file, locate(folder, file)?))).collect();
        // One batch of several is enough to work with; of images and labels both are needed.
        let enough = match info.files[0].role {
            Role::Batch(_) => !found.is_empty(),
            _ => found.len() == wanted.count(),
        };
        enough.then(|| Self { folder: folder.to_owned(), found })
    }

    fn of(&self, role: Role) -> Result<&Path> {
        let file = self.found.iter().find(|(info, _)| info.role == role).map(|(_, path)| path.as_path());
        file.ok_or_else(|| Error::argument("split", format!("{role:?}"), "a split that the data set has"))
    }

    fn paths(&self) -> Vec<&Path> {
        self.found.iter().map(|(_, path)| path.as_path()).collect()
    }
}

/// Whether a file of this role is read for `split`.
fn belongs(role: Role, split: Split) -> bool {
    match role {
        Role::Images(of) | Role::Labels(of) | Role::Batch(of) => of == split,
        Role::Recordings | Role::Photographs => true,
    }
}

fn missing(info: &DatasetInfo, split: Split, places: &Places) -> Error {
    let wanted: Vec<&str> =
        info.files.iter().filter(|file| belongs(file.role, split)).map(|file| file.name).collect();
    let mut mend = how_to_get(info);
    if places.is_explicit() {
        mend.push_str("\n  or leave out the folder, to search the usual places");
    }
    let wanted = format!("{} (raw, or .gz)", wanted.join(", "));
    Error::Missing { name: info.name.to_owned(), wanted, places: places.folders(info), mend }
}

/// What to do to get a data set, over the network and by hand; several lines.
pub fn how_to_get(info: &DatasetInfo) -> String {
    if info.downloads.is_empty() {
        return how_to_get_by_hand(info);
    }
    format!("to get it: wengert data fetch {}\n{}", info.name, how_to_get_by_hand(info))
}

/// What to do to get a data set without a mirror or a network.
pub fn how_to_get_by_hand(info: &DatasetInfo) -> String {
    let own =
        user_folder().map_or_else(String::new, |folder| format!(", which copies it to {}", folder.display()));
    if info.derived.is_some() {
        return info.by_hand.to_owned();
    }
    format!(
        "by hand: {};\n  then run `wengert data import DIR`{own}, or name its folder with --data DIR",
        info.by_hand
    )
}
