//! Autoencoders and variational autoencoders: how a picture is weighed against its code.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod coder;
pub mod conv_vae;
pub mod cvae;
pub mod elbo;
pub mod gaussian;
pub mod likelihood;
pub mod training;
pub mod vae;
pub mod variational;

/// The family.
pub const FAMILY: Family = Family { title: "Autoencoders and variational autoencoders", models: ENTRIES };

const ENTRIES: &[Entry] = &[entry::<vae::Options>(), entry::<conv_vae::Options>(), entry::<cvae::Options>()];
