//! Adversarial networks that are told of classes, find them, or learn them from a few labels.
//!
//! - [`players`]: a generator and a discriminator that are told the class, in three ways.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod ac_gan;
pub mod cgan;
pub mod players;
pub mod projection_gan;

/// The family.
pub const FAMILY: Family = Family { title: "Conditional, informative and semi-supervised", models: ENTRIES };

const ENTRIES: &[Entry] =
    &[entry::<cgan::Options>(), entry::<ac_gan::Options>(), entry::<projection_gan::Options>()];
