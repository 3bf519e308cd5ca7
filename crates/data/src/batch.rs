//! Batches of images as tensors, in a seeded order that can be resumed anywhere.

use crate::dataset::ImageDataset;
use crate::error::{Error, Result};
use crate::pixels::{Binarisation, Normalisation};
use crate::prefetch::Prefetch;
use crate::random;
use std::sync::Arc;
use wengert_tensor::{Device, Tensor, default_device};

/// How a data set is cut into batches.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchOptions {
    /// Images in a batch; the last of an epoch may be smaller.
    pub batch_size: usize,
    /// Seed of the order, a new one each epoch; `None` keeps the order of the files.
    pub shuffle: Option<u64>,
    /// Whether a last batch that is not full is left out.
    pub drop_last: bool,
    /// Whether grey levels are made black and white.
    pub binarisation: Binarisation,
    /// How bytes become numbers.
    pub normalisation: Normalisation,
}

impl Default for BatchOptions {
    /// 128 images, in the order of the files, nothing dropped, pixels from 0 to 1.
    fn default() -> Self {
        Self {
            batch_size: 128,
            shuffle: None,
            drop_last: false,
            binarisation: Binarisation::None,
            normalisation: Normalisation::Unit,
        }
    }
}

/// A place in the sequence of all batches: with the options, all that has to be stored to go on from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Epoch, from 0.
    pub epoch: u64,
    /// Batch in the epoch, from 0.
    pub batch: u64,
}

/// Some images and their labels.
#[derive(Clone, Debug)]
pub struct Batch {
    /// f32, N×C×H×W.
    pub images: Tensor,
    /// i64, N: the class of each image.
    pub labels: Tensor,
    /// Which images of the data set these are.
    pub indices: Vec<usize>,
    /// Where in the sequence this batch stands.
    pub position: Position,
}

impl Batch {
    /// The same batch with its tensors on `device`.
    ///
    /// # Panics
    /// When the device has no memory for them.
    fn placed_on(self, device: Device) -> Batch {
        let moved = |tensor: Tensor| tensor.to_device(device).unwrap_or_else(|error| panic!("{error}"));
        Batch { images: moved(self.images), labels: moved(self.labels), ..self }
    }
}

/// A data set cut into batches. What a batch holds depends on the options and its [`Position`] only: not on the batches
/// before it, nor on threads. Cloning copies handles.
#[derive(Clone, Debug)]
pub struct Loader {
    dataset: Arc<ImageDataset>,
    options: BatchOptions,
    tables: Arc<Vec<[f32; 256]>>,
}

impl Loader {
    /// Cuts `dataset` into batches.
    ///
    /// # Errors
    /// When the batch size is 0, no batch would be full and those are dropped, or the normalisation does not fit.
    pub fn new(dataset: Arc<ImageDataset>, options: BatchOptions) -> Result<Self> {
        if options.batch_size == 0 {
            return Err(Error::argument("batch size", 0, "at least 1"));
        }
        if options.drop_last && options.batch_size > dataset.len() {
            let expected =
                format!("at most {}, the number of images, when the last batch is dropped", dataset.len());
            return Err(Error::argument("batch size", options.batch_size, expected));
        }
        let tables = Arc::new(options.normalisation.tables(dataset.shape()[0])?);
        Ok(Self { dataset, options, tables })
    }

    /// The data set.
    pub fn dataset(&self) -> &Arc<ImageDataset> {
        &self.dataset
    }

    /// The options.
    pub fn options(&self) -> &BatchOptions {
        &self.options
    }

    /// What each byte becomes in each channel.
    pub(crate) fn levels(&self) -> &[[f32; 256]] {
        &self.tables
    }

    /// Number of batches in an epoch; at least one.
    pub fn batches_per_epoch(&self) -> u64 {
        let (images, size) = (self.dataset.len(), self.options.batch_size);
        let batches = if self.options.drop_last { images / size } else { images.div_ceil(size) };
        batches as u64
    }

    /// The order of the images in an epoch.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        match self.options.shuffle {
            Some(seed) => random::permutation(seed, epoch, self.dataset.len()),
            None => (0..self.dataset.len()).collect(),
        }
    }

    /// The numbers of the images of each batch, from the order of an epoch.
    pub fn batches<'a>(&self, order: &'a [usize]) -> impl Iterator<Item = &'a [usize]> + use<'a> {
        order.chunks(self.options.batch_size).take(self.batches_per_epoch() as usize)
    }

    /// The batches of epoch `from.epoch` from `from.batch` on.
    pub fn epoch(&self, from: Position) -> Epoch {
        Epoch { loader: self.clone(), order: self.order(from.epoch), next: from }
    }

    /// The same batches as [`epoch`](Self::epoch), made by another thread up to `ahead` before they are asked for, on the
    /// [default device](default_device) of the thread that calls.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn prefetch(&self, from: Position, ahead: usize) -> Result<impl Iterator<Item = Batch> + use<>> {
        let device = default_device();
        Ok(Prefetch::new(self.epoch(from), ahead)?.map(move |batch| batch.placed_on(device)))
    }

    /// These images, binarised and normalised, as one f32 tensor of N×C×H×W.
    ///
    /// # Panics
    /// When an index is not below the number of images.
    pub fn images(&self, indices: &[usize], position: Position) -> Tensor {
        let [channels, height, width] = self.dataset.shape();
        let step = position.epoch.wrapping_mul(self.batches_per_epoch()).wrapping_add(position.batch);
        let mut pixels = vec![0; self.dataset.pixels()];
        Tensor::build([indices.len(), channels, height, width], |out: &mut [f32]| {
            for (row, (&index, out)) in indices.iter().zip(out.chunks_exact_mut(pixels.len())).enumerate() {
                pixels.copy_from_slice(self.dataset.image(index));
                self.options.binarisation.apply(&mut pixels, index as u64, step, row);
                let planes = pixels.chunks_exact(height * width).zip(out.chunks_exact_mut(height * width));
                for ((plane, out), table) in planes.zip(self.tables.iter()) {
                    out.iter_mut().zip(plane).for_each(|(value, &byte)| *value = table[usize::from(byte)]);
                }
            }
        })
    }

    /// The classes of these images as an i64 tensor of N.
    ///
    /// # Panics
    /// When an index is not below the number of images.
    pub fn labels(&self, indices: &[usize]) -> Tensor {
        let labels = self.dataset.labels();
        let classes: Vec<i64> = indices.iter().map(|&index| labels[index].into()).collect();
        Tensor::from_slice(&classes, classes.len())
    }

    /// The [groups](ImageDataset::groups) of these images as an i64 tensor of N, where there are some.
    ///
    /// # Panics
    /// When an index is not below the number of images.
    pub fn groups(&self, indices: &[usize]) -> Option<Tensor> {
        let groups = self.dataset.groups()?;
        let groups: Vec<i64> = indices.iter().map(|&index| groups.of[index].into()).collect();
        Some(Tensor::from_slice(&groups, groups.len()))
    }
}

/// The batches of one epoch.
#[derive(Debug)]
pub struct Epoch {
    loader: Loader,
    order: Vec<usize>,
    next: Position,
}

impl Iterator for Epoch {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        if self.next.batch >= self.loader.batches_per_epoch() {
            return None;
        }
        let size = self.loader.options.batch_size;
        let start = self.next.batch as usize * size;
        let indices = self.order[start..self.order.len().min(start.saturating_add(size))].to_vec();
        let position = self.next;
        self.next.batch += 1;
        let (images, labels) = (self.loader.images(&indices, position), self.loader.labels(&indices));
        Some(Batch { images, labels, indices, position })
    }
}
