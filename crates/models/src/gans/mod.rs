//! Generators against discriminators and critics, without labels.
//!
//! - [`game`]: the step rule, for all models with two such players, conditional ones too.
//! - [`options`]: the options that they share, [`networks`]: the players' networks, [`techniques`]: what steadies them.
//! - [`autoencoder`]: a discriminator of another kind.
//! - [`losses`]: the losses as functions on scores, and [`objective`]: pairs of them.
//! - [`players`]: a generator and a discriminator without labels; each model is this with an objective and defaults.

use crate::registry::entry;
use crate::registry::{Entry, Family};

pub mod autoencoder;
pub mod b_gan;
pub mod be_gan;
pub mod dcgan;
pub mod dragan;
pub mod eb_gan;
pub mod f_gan;
pub mod game;
pub mod gan;
pub mod losses;
pub mod lsgan;
pub mod networks;
pub mod objective;
pub mod options;
pub mod players;
pub mod ra_gan;
pub mod sn_gan;
pub mod softmax_gan;
pub mod techniques;
pub mod wgan;
pub mod wgan_div;
pub mod wgan_gp;

/// The family.
pub const FAMILY: Family = Family { title: "Generative adversarial networks", models: ENTRIES };

const ENTRIES: &[Entry] = &[
    entry::<gan::Options>(),
    entry::<dcgan::Options>(),
    entry::<lsgan::Options>(),
    entry::<wgan::Options>(),
    entry::<wgan_gp::Options>(),
    entry::<wgan_div::Options>(),
    entry::<dragan::Options>(),
    entry::<sn_gan::Options>(),
    entry::<ra_gan::Options>(),
    entry::<f_gan::Options>(),
    entry::<eb_gan::Options>(),
    entry::<be_gan::Options>(),
    entry::<b_gan::Options>(),
    entry::<softmax_gan::Options>(),
];
