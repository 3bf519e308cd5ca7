//! Autoencoders by what becomes of their codes: flows, other priors, discrete codes, codes that an adversary shapes.

use crate::registry::{Entry, Family};

pub mod codebook;
pub mod discrepancy;
pub mod flows;
pub mod leapfrog;
pub mod made;
pub mod mixture;
pub mod relaxation;

/// The family.
pub const FAMILY: Family = Family { title: "Autoencoders with other codes", models: ENTRIES };

const ENTRIES: &[Entry] = &[];
