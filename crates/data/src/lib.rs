//! Data sets: readers, checksums, batches, and where to get the files.
//!
//! - [`catalogue()`]: the known data sets; [`load_images`] and [`load_speech`] find and read them by name.
//! - [`read_idx`], [`read_cifar10`], [`read_wav`]: the file formats, raw or packed with gzip. No input makes them panic
//!   or allocate more than it can hold.
//! - [`ImageDataset`], [`SpeechDataset`]: what was read, in memory.
//! - `mnist-m`, `fsdd-mel` and `fsdd-mulaw` are made of other data sets: digits on photographs, and speech as pictures
//!   ([`log_mel_picture`], [`mu_law`]), so that whatever works on images works on it.
//! - [`Loader`]: shuffled batches as tensors, binarised and normalised; resumable at any [`Position`].
//! - [`Prefetch`]: the same items, made ahead by another thread. [`Resident`]: all images on a device, from which it picks a
//!   batch by itself.
//! - [`verify_folder`], [`import_folder`] and, with the feature `fetch`, [`fetch`]: files that are what they should be.

mod archive;
mod batch;
mod catalogue;
mod cifar10;
mod dataset;
mod derived;
mod digest;
mod enlarge;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
mod identify;
mod idx;
mod import;
mod load;
mod mnist_m;
mod pixels;
mod places;
mod prefetch;
mod random;
mod resident;
mod sound;
mod source;
mod spectrum;
mod speech;
mod verify;
mod wav;

pub use batch::{Batch, BatchOptions, Epoch, Loader, Position};
pub use catalogue::{DatasetInfo, Derived, Download, FileInfo, Role, Split, catalogue, dataset_info};
pub use cifar10::{CIFAR10_SHAPE, read_cifar10};
pub use dataset::{Groups, ImageDataset};
pub use digest::{sha256, sha256_file};
pub use error::{Error, Result};
#[cfg(feature = "fetch")]
pub use fetch::{Progress, fetch};
pub use identify::{Form, Known, identify};
pub use idx::{IdxArray, IdxElements, read_idx, read_idx_bytes};
pub use import::{Imported, candidates, import_file, import_folder};
pub use load::{find_dataset, how_to_get, how_to_get_by_hand, load_images, load_speech};
pub use pixels::{Binarisation, Normalisation};
pub use places::{DATASETS_VARIABLE, Places, user_folder};
pub use prefetch::Prefetch;
pub use resident::Resident;
pub use sound::{SAMPLE_RATE, log_mel_picture, mu_law, mu_law_inverse, sound_of_picture};
pub use spectrum::{MelFilters, power_spectrum};
pub use speech::{Recording, SpeechDataset};
pub use verify::{FileReport, FileStatus, verify_file, verify_folder};
pub use wav::{Wav, encode_wav, parse_wav, read_wav};
