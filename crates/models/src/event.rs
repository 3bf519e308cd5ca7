//! What a run tells whoever shows it.

use crate::alarm::Alarm;
use crate::run::{EpochRecord, GradientRecord, StepRecord};
use std::path::PathBuf;
use wengert_tensor::Device;

/// What happens in a run, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run begins or goes on.
    Started(Start),
    /// A step was taken.
    Step {
        /// The epoch, from 1.
        epoch: u64,
        /// Batches done of this epoch.
        batch: u64,
        /// Batches in an epoch.
        batches: u64,
        /// The mean loss of the epoch so far.
        loss: f64,
        /// What the step gave.
        record: &'a StepRecord,
    },
    /// The gradients of the step just told were looked at.
    Gradients(&'a GradientRecord),
    /// An epoch, or what there is of it at a limit, was evaluated and recorded.
    Epoch(&'a EpochRecord),
    /// The epoch just told shows a sign of collapse.
    Alarm(&'a Alarm),
    /// A checkpoint was saved.
    Saved {
        /// The file.
        path: PathBuf,
        /// Whether it holds the lowest test loss so far.
        best: bool,
        /// Steps done in all.
        step: u64,
    },
}

/// What is known as a run begins.
#[derive(Debug, Clone)]
pub struct Start {
    /// The model's name.
    pub model: String,
    /// The run folder.
    pub folder: PathBuf,
    /// Trained numbers.
    pub parameters: usize,
    /// Training images.
    pub train_images: usize,
    /// Test images.
    pub test_images: usize,
    /// Epochs that the run is to have in all.
    pub epochs: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Where it computes.
    pub device: Device,
    /// Epochs done already.
    pub epoch: u64,
    /// Steps done already.
    pub step: u64,
}

/// Why a run came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The limit of steps is reached.
    StepLimit,
    /// It was asked to stop.
    Interrupted,
}
