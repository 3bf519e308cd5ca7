//! Labelled images in memory.

use crate::catalogue::Split;
use crate::cifar10::{CIFAR10_SHAPE, read_cifar10};
use crate::error::{Error, Result};
use crate::idx::read_idx_bytes;
use std::path::Path;

/// Images as bytes, N×C×H×W, with one label each, and where there is one a second sorting, such as by speaker.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageDataset {
    name: String,
    split: Split,
    shape: [usize; 3],
    images: Vec<u8>,
    labels: Vec<u8>,
    classes: Vec<String>,
    groups: Option<Groups>,
}

/// A sorting of the images beside that into classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    /// The group of each image.
    pub of: Vec<u8>,
    /// Names of the groups, which `of` counts through from 0.
    pub names: Vec<String>,
}

impl ImageDataset {
    /// Images of `shape` (channels, height, width) one after the other, their labels, and the names of the classes that
    /// the labels count through from 0.
    ///
    /// # Errors
    /// When there is no image, a size of 0, a number of bytes that is not that of whole images, not one label for each
    /// image, or a label without a class.
    pub fn new(
        name: impl Into<String>,
        split: Split,
        shape: [usize; 3],
        images: Vec<u8>,
        labels: Vec<u8>,
        classes: Vec<String>,
    ) -> Result<Self> {
        let pixels = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim)).unwrap_or(0);
        if pixels == 0 {
            return Err(Error::argument(
                "image shape",
                format!("{shape:?}"),
                "channels, height and width of at least 1",
            ));
        }
        if images.is_empty() || !images.len().is_multiple_of(pixels) {
            let found = format!("{} bytes", images.len());
            return Err(Error::argument(
                "images",
                found,
                format!("one or more whole images of {pixels} bytes"),
            ));
        }
        let count = images.len() / pixels;
        if labels.len() != count {
            return Err(Error::argument(
                "labels",
                labels.len(),
                format!("one for each of the {count} images"),
            ));
        }
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= classes.len()) {
            return Err(Error::argument("label", label, format!("a class below {}", classes.len())));
        }
        Ok(Self { name: name.into(), split, shape, images, labels, classes, groups: None })
    }

    /// The same images, sorted a second time.
    ///
    /// # Errors
    /// When there is not one group for each image, or one without a name.
    pub fn with_groups(self, groups: Groups) -> Result<Self> {
        if groups.of.len() != self.len() {
            let expected = format!("one for each of the {} images", self.len());
            return Err(Error::argument("groups", groups.of.len(), expected));
        }
        if let Some(group) = groups.of.iter().find(|&&group| usize::from(group) >= groups.names.len()) {
            return Err(Error::argument("group", group, format!("one below {}", groups.names.len())));
        }
        Ok(Self { groups: Some(groups), ..self })
    }

    /// The first `count` images; all where there are no more, and for 0.
    pub fn first(mut self, count: usize) -> Self {
        if count > 0 && count < self.len() {
            self.images.truncate(count * self.pixels());
            self.labels.truncate(count);
            if let Some(groups) = &mut self.groups {
                groups.of.truncate(count);
            }
        }
        self
    }

    /// Grey images and their labels from two IDX files of MNIST's layout.
    ///
    /// # Errors
    /// Those of [`read_idx_bytes`], and when the files do not fit each other.
    pub fn from_idx(
        name: &str,
        split: Split,
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
        classes: &[&str],
    ) -> Result<Self> {
        let (images_path, labels_path) = (images.as_ref(), labels.as_ref());
        let (shape, images) = read_idx_bytes(images_path, 3)?;
        let (_, labels) = read_idx_bytes(labels_path, 1)?;
        if shape[0] != labels.len() {
            return Err(Error::LabelCount {
                images: images_path.to_owned(),
                image_count: shape[0],
                labels: labels_path.to_owned(),
                label_count: labels.len(),
            });
        }
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= classes.len()) {
            let expected = format!("labels from 0 to {}", classes.len().saturating_sub(1));
            return Err(Error::format(labels_path, "IDX", format!("label {label}"), expected));
        }
        Self::new(name, split, [1, shape[1], shape[2]], images, labels, owned(classes))
    }

    /// Colour images from batch files of CIFAR-10's binary version, one after the other.
    ///
    /// # Errors
    /// Those of [`read_cifar10`], and when `batches` is empty.
    pub fn from_cifar10<P: AsRef<Path>>(
        name: &str,
        split: Split,
        batches: &[P],
        classes: &[&str],
    ) -> Result<Self> {
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for batch in batches {
            let (batch_images, batch_labels) = read_cifar10(batch)?;
            images.extend(batch_images);
            labels.extend(batch_labels);
        }
        Self::new(name, split, CIFAR10_SHAPE, images, labels, owned(classes))
    }

    /// Colour photographs without labels from an IDX file of N×H×W×3 bytes. All are of one class, `photograph`.
    ///
    /// # Errors
    /// Those of [`read_idx_bytes`], and when the last axis is not red, green and blue.
    pub fn from_idx_photographs(name: &str, split: Split, images: impl AsRef<Path>) -> Result<Self> {
        let path = images.as_ref();
        let (shape, interleaved) = read_idx_bytes(path, 4)?;
        let [count, height, width, channels] = [shape[0], shape[1], shape[2], shape[3]];
        if channels != 3 {
            return Err(Error::format(
                path,
                "IDX",
                format!("the shape {shape:?}"),
                "images of height×width×3",
            ));
        }
        let mut planes = Vec::with_capacity(interleaved.len());
        for image in interleaved.chunks_exact(height * width * channels) {
            for channel in 0..channels {
                planes.extend(image.iter().skip(channel).step_by(channels));
            }
        }
        Self::new(name, split, [channels, height, width], planes, vec![0; count], owned(&["photograph"]))
    }

    /// Name in the catalogue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which part of the data set this is.
    pub fn split(&self) -> Split {
        self.split
    }

    /// Channels, height and width of an image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of bytes of an image.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Number of images; at least one.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Image number `index`, C×H×W.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * self.pixels()..][..self.pixels()]
    }

    /// All images, N×C×H×W.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// The class of each image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The second sorting, where there is one.
    pub fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
    }

    /// Mean and standard deviation (divided by N) of each channel, of pixels from 0 to 1, for
    /// [`Normalisation::Standard`](crate::Normalisation::Standard).
    pub fn statistics(&self) -> (Vec<f32>, Vec<f32>) {
        let [channels, height, width] = self.shape;
        let plane = height * width;
        let count = (self.len() * plane) as f64;
        let of_channel = |channel: usize| {
            // Whole numbers, so that no rounding adds up.
            let (mut sum, mut squares) = (0u64, 0u64);
            for pixels in self.images.chunks_exact(plane).skip(channel).step_by(channels) {
                sum += pixels.iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
                squares += pixels.iter().map(|&pixel| u64::from(pixel) * u64::from(pixel)).sum::<u64>();
            }
            let mean = sum as f64 / count;
            let variance = squares as f64 / count - mean * mean;
            ((mean / 255.0) as f32, (variance.max(0.0).sqrt() / 255.0) as f32)
        };
        (0..channels).map(of_channel).unzip()
    }
}

pub(crate) fn owned(classes: &[&str]) -> Vec<String> {
    classes.iter().map(|&class| class.to_owned()).collect()
}
