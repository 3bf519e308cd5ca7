//! Models of speech, and models that give every pixel or sample its probability.

use crate::registry::{Entry, Family};

/// The family.
pub const FAMILY: Family = Family { title: "Sequences and likelihood", models: ENTRIES };

const ENTRIES: &[Entry] = &[];
