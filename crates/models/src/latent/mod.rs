//! Autoencoders by what becomes of their codes: flows, other priors, discrete codes, codes that an adversary shapes.

use crate::registry::{Entry, Family, entry};

pub mod aae;
pub mod codebook;
pub mod discrepancy;
pub mod flows;
pub mod grid_prior;
pub mod gumbel_vae;
pub mod hvae;
pub mod iaf_vae;
pub mod info_vae;
pub mod joint_vae;
pub mod leapfrog;
pub mod made;
pub mod mixture;
pub mod plain;
pub mod rae;
pub mod relaxation;
pub mod relaxed;
pub mod swae;
pub mod two_stage_vae;
pub mod vamp_vae;
pub mod vq_vae;
pub mod wae_mmd;

/// The family.
pub const FAMILY: Family = Family { title: "Autoencoders with other codes", models: ENTRIES };

const ENTRIES: &[Entry] = &[
    entry::<wae_mmd::Options>(),
    entry::<info_vae::Options>(),
    entry::<swae::Options>(),
    entry::<rae::Options>(),
    entry::<vq_vae::Options>(),
    entry::<gumbel_vae::Options>(),
    entry::<joint_vae::Options>(),
    entry::<aae::Options>(),
    entry::<vamp_vae::Options>(),
    entry::<iaf_vae::Options>(),
    entry::<hvae::Options>(),
    entry::<two_stage_vae::Options>(),
];
