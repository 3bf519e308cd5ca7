//! Generators against discriminators and critics, without labels.
//!
//! - [`game`]: the step rule, for all models with two such players, conditional ones too.
//! - [`options`]: the options that they share, [`networks`]: the players' networks, [`techniques`]: what steadies them.
//! - [`losses`]: the losses as functions on scores, and [`objective`]: pairs of them.
//! - [`players`]: a generator and a discriminator without labels; each model is this with an objective and defaults.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod game;
pub mod gan;
pub mod losses;
pub mod networks;
pub mod objective;
pub mod options;
pub mod players;
pub mod techniques;

/// The family.
pub const FAMILY: Family = Family { title: "Generative adversarial networks", models: ENTRIES };

const ENTRIES: &[Entry] = &[entry::<gan::Options>()];
