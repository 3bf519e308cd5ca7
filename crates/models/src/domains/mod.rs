//! Classifiers that carry what they learnt to another domain.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod dann;
pub mod networks;
pub mod pixel_da;
pub mod targets;

/// The family.
pub const FAMILY: Family = Family { title: "Domain adaptation", models: ENTRIES };

const ENTRIES: &[Entry] = &[entry::<dann::Options>(), entry::<pixel_da::Options>()];
