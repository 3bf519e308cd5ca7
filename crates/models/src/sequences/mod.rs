//! Models of speech, and models that give every pixel or sample its probability.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod ancestral;
pub mod frames;
pub mod gated;
pub mod latest;
pub mod mdn;
pub mod mixture;
pub mod pairs;
pub mod pixel_cnn;
pub mod seq2seq_ae;
pub mod speaker_disentangle;
pub mod wavenet;

/// The family.
pub const FAMILY: Family = Family { title: "Sequences and likelihood", models: ENTRIES };

const ENTRIES: &[Entry] = &[
    entry::<seq2seq_ae::Options>(),
    entry::<speaker_disentangle::Options>(),
    entry::<pixel_cnn::Options>(),
    entry::<wavenet::Options>(),
    entry::<mdn::Options>(),
];
