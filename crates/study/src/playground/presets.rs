//! Ready-made games, each with what to watch for. What they claim is held by tests.

use super::distribution::Shape;
use super::loss::Loss;
use super::settings::{Model, Rules, Settings};
use serde::Serialize;

/// A ready-made game.
#[derive(Debug, Clone, Serialize)]
pub struct Preset {
    /// Its name in addresses.
    pub name: &'static str,
    /// Its name on the page.
    pub title: &'static str,
    /// What to watch for.
    pub watch: &'static str,
    /// What is played.
    pub settings: Settings,
    /// Rules that mend what goes wrong, without beginning anew.
    pub mend: Option<Mend>,
}

/// Rules that mend a game.
#[derive(Debug, Clone, Serialize)]
pub struct Mend {
    /// What they are.
    pub title: &'static str,
    /// All of them.
    pub rules: Rules,
}

/// All presets, the first being that of a fresh page.
pub fn all() -> Vec<Preset> {
    let eight = |rules: Rules| Settings { rules, ..Settings::default() };
    let plain = Rules::default;
    let penalty = || Rules { loss: Loss::WassersteinGp, critic_steps: 5, ..plain() };
    let mend =
        Some(Mend { title: "Wasserstein with gradient penalty, five moves of D a step", rules: penalty() });
    let vae = |beta| Settings {
        model: Model::Vae,
        distribution: Shape::Moons,
        rules: Rules { learning_rate: 3e-3, beta, ..plain() },
        ..Settings::default()
    };
    vec![
        Preset {
            name: "covers",
            title: "8 Gaussians covered: Wasserstein with gradient penalty",
            watch: "D is kept from steep slopes and moves five times before G does, so every sample knows where to go. \
                    The samples spread over all eight modes within a few hundred steps, and stay.",
            settings: eight(penalty()),
            mend: None,
        },
        Preset {
            name: "collapses",
            title: "Collapse: G moves ten times as often as D",
            watch: "G runs to wherever D is most easily fooled, all samples together; D learns that place, and G runs to \
                    another one. The samples are one spot that wanders, on a mode or between two.",
            settings: eight(Rules { generator_steps: 10, ..plain() }),
            mend,
        },
        Preset {
            name: "vanishes",
            title: "Vanishing gradient: minimax against a D that is too strong",
            watch: "D is soon sure of every sample, and log(1 − D) is flat there. Look at the norm of G’s gradient: within fifty \
                    steps it is below a hundred-thousandth. Adam, which scales every gradient up, then drags all samples \
                    onto one mode.",
            settings: eight(Rules {
                loss: Loss::Minimax,
                critic_steps: 10,
                discriminator_learning_rate: 3e-3,
                ..plain()
            }),
            mend: None,
        },
        Preset {
            name: "normalised",
            title: "8 Gaussians covered: non-saturating with spectral normalisation",
            watch: "One move each, and D’s slopes are bounded through its weights instead of by a penalty. Take the mark from \
                    spectral normalisation, reset, and compare: for a thousand steps the samples stay on one mode.",
            settings: eight(Rules { spectral_norm: true, ..plain() }),
            mend: None,
        },
        Preset {
            name: "clipped",
            title: "A crude critic: Wasserstein with clipped weights",
            watch: "Clipped weights bound D’s slopes too, and leave it so simple that it hardly tells the modes apart: the samples \
                    reach the circle early, and are still spread between the modes when the first preset has covered them all.",
            settings: eight(Rules { loss: Loss::Wasserstein, critic_steps: 5, ..plain() }),
            mend: None,
        },
        Preset {
            name: "grid",
            title: "25 Gaussians: Wasserstein with gradient penalty",
            watch: "The samples first fill the square as a whole and gather in its modes slowly: after 1,500 steps some twenty \
                    of the twenty-five are covered.",
            settings: Settings { distribution: Shape::Grid, ..eight(penalty()) },
            mend: None,
        },
        Preset {
            name: "vae",
            title: "Two moons: a variational autoencoder",
            watch: "Draws of the prior are decoded into the moons, with a bridge between them: codes are continuous, and so is \
                    what becomes of them. The means of the codes fill a disc.",
            settings: vae(1.0),
            mend: None,
        },
        Preset {
            name: "posterior",
            title: "Posterior collapse: a VAE whose codes cost too much",
            watch: "With β = 100 a code is not worth its price: the divergence falls to 0, every code has its mean at 0, and every \
                    point is given back as the mean of the data.",
            settings: vae(100.0),
            mend: Some(Mend { title: "β = 1", rules: vae(1.0).rules }),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::super::frame::Frame;
    use super::super::stage::Stage;
    use super::*;

    /// The stage of a preset after so many steps, and what mends it.
    fn played(name: &str, steps: usize) -> (Stage, Option<Mend>) {
        let preset = all().into_iter().find(|preset| preset.name == name).unwrap();
        let mut stage = Stage::new(&preset.settings).unwrap();
        (0..steps).for_each(|_| stage.step().unwrap());
        (stage, preset.mend)
    }

    fn mended((mut stage, mend): (Stage, Option<Mend>), steps: usize) -> Frame {
        stage.change(mend.unwrap().rules);
        (0..steps).for_each(|_| stage.step().unwrap());
        stage.look()
    }

    fn covered(frame: &Frame) -> usize {
        frame.coverage.as_ref().unwrap().modes.as_ref().unwrap().covered
    }

    #[test]
    fn the_first_covers_all_modes_within_four_hundred_steps() {
        assert_eq!(covered(&played("covers", 400).0.look()), 8);
    }

    #[test]
    fn the_collapse_ends_with_at_most_two_modes_and_is_mended() {
        let collapsed = played("collapses", 200);
        assert!(covered(&collapsed.0.look()) <= 2, "{:?}", collapsed.0.look().coverage);
        assert_eq!(covered(&mended(collapsed, 400)), 8);
    }

    #[test]
    fn the_gradient_vanishes_and_one_mode_is_left() {
        let norm = |frame: &Frame| frame.gradients.0["generator"];
        let vanished = played("vanishes", 50).0.look();
        assert!(norm(&vanished) < 1e-5, "{}", norm(&vanished));
        assert!(covered(&played("vanishes", 150).0.look()) <= 1);
    }

    #[test]
    fn spectral_normalisation_makes_the_difference() {
        let preset = all().into_iter().find(|preset| preset.name == "normalised").unwrap();
        let covered_after = |spectral_norm: bool| {
            let rules = Rules { spectral_norm, ..preset.settings.rules.clone() };
            let mut stage = Stage::new(&Settings { rules, ..preset.settings.clone() }).unwrap();
            (0..500).for_each(|_| stage.step().unwrap());
            covered(&stage.look())
        };
        assert_eq!(covered_after(true), 8);
        assert!(covered_after(false) <= 2);
    }

    #[test]
    fn a_clipped_critic_is_slower() {
        let clipped = played("clipped", 300).0.look();
        assert!(
            covered(&clipped) <= 2 && clipped.coverage.as_ref().unwrap().data_near_samples > 0.9,
            "{:?}",
            clipped.coverage
        );
    }

    #[test]
    fn too_dear_codes_are_given_up_and_taken_up_again() {
        let collapsed = played("posterior", 300);
        let divergence = |frame: &Frame| frame.losses.0["divergence"];
        assert!(divergence(&collapsed.0.look()) < 0.05, "{}", divergence(&collapsed.0.look()));
        let after = mended(collapsed, 600);
        assert!(divergence(&after) > 1.0, "{}", divergence(&after));
    }

    #[test]
    fn every_preset_can_be_played() {
        let presets = all();
        for preset in &presets {
            preset.settings.check().unwrap();
            assert_eq!(presets.iter().filter(|other| other.name == preset.name).count(), 1);
            played(preset.name, 2);
        }
    }
}
