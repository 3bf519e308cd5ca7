//! Classifiers that carry what they learnt to another domain.

use crate::registry::{Entry, Family};

/// The family.
pub const FAMILY: Family = Family { title: "Domain adaptation", models: ENTRIES };

const ENTRIES: &[Entry] = &[];
