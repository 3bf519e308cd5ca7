//! Adversarial networks that are told of classes, find them, or learn them from a few labels.

use crate::registry::{Entry, Family};

/// The family.
pub const FAMILY: Family = Family { title: "Conditional, informative and semi-supervised", models: ENTRIES };

const ENTRIES: &[Entry] = &[];
