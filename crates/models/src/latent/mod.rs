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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::coder::CoderOptions;
    use crate::registry::{ImageSet, Recipe};
    use wengert_data::{Batch, Position};
    use wengert_tensor::{DType, Generator, Tensor};

    const IMAGES: ImageSet = ImageSet { shape: [1, 4, 4], classes: 10 };

    /// The total loss of a fresh model on a batch, and its terms.
    fn losses(options: impl Recipe) -> Vec<f64> {
        let rng = Generator::new(1);
        let batch = Batch {
            images: rng.uniform([5, 1, 4, 4], 0.0, 1.0, DType::F32),
            labels: Tensor::zeros([5], DType::I64),
            indices: (0..5).collect(),
            position: Position::default(),
        };
        options.build(&IMAGES, &rng).unwrap().losses(&batch, &rng).unwrap().values()
    }

    fn small() -> CoderOptions {
        CoderOptions { latent: 2, hidden: 8, ..CoderOptions::default() }
    }

    /// Each term has its own test against a closed form; here it is their weights that count.
    #[test]
    fn totals_are_the_terms_with_their_weights() {
        let mut wae = wae_mmd::Options { coder: small(), ..Default::default() };
        (wae.objective.reconstruction_weight, wae.objective.discrepancy_weight) = (0.5, 3.0);
        let mut info = info_vae::Options { coder: small(), ..Default::default() };
        (info.objective.alpha, info.objective.lambda) = (0.25, 5.0);
        let mut swae = swae::Options { coder: small(), ..Default::default() };
        swae.objective.distance_weight = 7.0;
        let mut rae = rae::Options { coder: small(), ..Default::default() };
        (rae.objective.code_weight, rae.objective.regularisation_weight) = (0.25, 0.5);
        let gumbel = gumbel_vae::Options { coder: small(), choices: 2, categories: 3, ..Default::default() };
        for (name, losses, weights) in [
            ("wae-mmd", losses(wae), vec![0.5, 3.0]),
            ("info-vae", losses(info), vec![1.0, 0.75, 4.25]),
            ("swae", losses(swae), vec![1.0, 7.0]),
            ("rae", losses(rae), vec![1.0, 0.25, 0.5]),
            ("gumbel-vae", losses(gumbel), vec![1.0, 1.0]),
        ] {
            assert_eq!(losses.len(), weights.len() + 1, "{name}");
            let expected: f64 = losses[1..].iter().zip(&weights).map(|(term, weight)| term * weight).sum();
            assert!((losses[0] - expected).abs() < 1e-4 * expected.abs(), "{name}: {losses:?}");
            assert!(losses[1..].iter().all(|&term| term != 0.0), "{name}: {losses:?}");
        }
    }
}
