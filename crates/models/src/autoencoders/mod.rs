//! Autoencoders and variational autoencoders: how a picture is weighed against its code.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod ae;
pub mod beta_tc_vae;
pub mod beta_vae;
pub mod bounds;
pub mod coder;
pub mod conv_vae;
pub mod cvae;
pub mod dae;
pub mod deterministic;
pub mod dip_vae;
pub mod elbo;
pub mod factor_vae;
pub mod gaussian;
pub mod iwae;
pub mod likelihood;
pub mod miwae;
pub mod vae;
pub mod variational;

#[cfg(test)]
mod testing;

/// The family.
pub const FAMILY: Family = Family { title: "Autoencoders and variational autoencoders", models: ENTRIES };

const ENTRIES: &[Entry] = &[
    entry::<ae::Options>(),
    entry::<dae::Options>(),
    entry::<vae::Options>(),
    entry::<conv_vae::Options>(),
    entry::<beta_vae::Options>(),
    entry::<beta_tc_vae::Options>(),
    entry::<factor_vae::Options>(),
    entry::<dip_vae::Options>(),
    entry::<cvae::Options>(),
    entry::<iwae::Options>(),
    entry::<miwae::Options>(),
];
