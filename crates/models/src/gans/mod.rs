//! Generators against discriminators and critics, without labels.

use crate::registry::{Entry, Family};

/// The family.
pub const FAMILY: Family = Family { title: "Generative adversarial networks", models: ENTRIES };

const ENTRIES: &[Entry] = &[];
