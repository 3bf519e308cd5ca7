//! Adversarial networks with encoders.

use crate::registry::{Entry, Family};

/// The family.
pub const FAMILY: Family = Family { title: "Inference and hybrids", models: ENTRIES };

const ENTRIES: &[Entry] = &[];
