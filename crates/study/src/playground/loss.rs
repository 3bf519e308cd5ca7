//! The losses to choose from: those of the zoo, by name.

use serde::{Deserialize, Serialize};
use wengert_models::gans::losses::{cross_entropy, hinge, least_squares, wasserstein};
use wengert_tensor::Tensor;

/// What the players play for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The game of the original paper as a game: the generator's loss is the negative of what the discriminator pays.
    Minimax,
    /// The same discriminator, and a generator whose gradient does not vanish where the discriminator is sure.
    NonSaturating,
    /// Least squares towards 1 for real points and 0 for made ones.
    LeastSquares,
    /// A critic of clipped weights.
    Wasserstein,
    /// A critic that is paid for slopes other than 1.
    WassersteinGp,
    /// A critic whose scores beyond ±1 cost nothing more.
    Hinge,
}

impl Loss {
    /// All losses with their titles, and what each changes.
    pub const ALL: [(Loss, &'static str, &'static str); 6] = [
        (
            Loss::Minimax,
            "Minimax",
            "G lowers log(1 − D). Where D is sure that a point is made, D hardly changes there, and G gets next to no gradient.",
        ),
        (
            Loss::NonSaturating,
            "Non-saturating",
            "G raises log D. Same D, same balance, but the gradient is largest where D is sure that a point is made.",
        ),
        (
            Loss::LeastSquares,
            "Least squares",
            "D aims at 1 for real points and 0 for made ones. Points that D sorts rightly but that lie far off still pull.",
        ),
        (
            Loss::Wasserstein,
            "Wasserstein, clipped",
            "D only compares: its mean on real points less its mean on made ones. Clipped weights keep it from being steep, and crude.",
        ),
        (
            Loss::WassersteinGp,
            "Wasserstein, gradient penalty",
            "As before, but D pays for slopes other than 1 between real and made points, by a gradient of a gradient.",
        ),
        (
            Loss::Hinge,
            "SN-hinge",
            "D is content with scores beyond ±1; spectral normalisation keeps it from being steep.",
        ),
    ];

    /// The discriminator's loss from its scores `[N]` of real and of made points.
    pub fn discriminator(self, real: &Tensor, fake: &Tensor) -> Tensor {
        match self {
            Loss::Minimax | Loss::NonSaturating => cross_entropy::discriminator(real, fake, 0.0),
            Loss::LeastSquares => least_squares::discriminator(real, fake, 0.0),
            Loss::Wasserstein | Loss::WassersteinGp => wasserstein::critic(real, fake),
            Loss::Hinge => hinge::discriminator(real, fake),
        }
    }

    /// The generator's loss from the scores `[N]` of its points.
    pub fn generator(self, fake: &Tensor) -> Tensor {
        match self {
            Loss::Minimax => cross_entropy::minimax_generator(fake),
            Loss::NonSaturating => cross_entropy::non_saturating_generator(fake),
            Loss::LeastSquares => least_squares::generator(fake),
            // The hinge's generator is that of Wasserstein's game (Lim, Ye, 2017).
            Loss::Wasserstein | Loss::WassersteinGp | Loss::Hinge => wasserstein::generator(fake),
        }
    }

    /// Scores as they are shown: probabilities where the loss takes them for logits.
    pub fn shown(self, scores: &Tensor) -> Tensor {
        match self {
            Loss::Minimax | Loss::NonSaturating => scores.sigmoid(),
            _ => scores.clone(),
        }
    }

    /// The shown score above which a point is taken for real; none where scores only compare.
    pub fn boundary(self) -> Option<f64> {
        match self {
            Loss::Minimax | Loss::NonSaturating | Loss::LeastSquares => Some(0.5),
            Loss::Hinge => Some(0.0),
            Loss::Wasserstein | Loss::WassersteinGp => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_at_given_scores() {
        let (real, fake) = (Tensor::from_slice(&[2.0], 1), Tensor::from_slice(&[-0.5], 1));
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        let logits = softplus(-2.0) + softplus(-0.5);
        for (loss, discriminator, generator) in [
            (Loss::Minimax, logits, -softplus(-0.5)),
            (Loss::NonSaturating, logits, softplus(0.5)),
            (Loss::LeastSquares, 0.5 + 0.125, 1.125),
            (Loss::Wasserstein, -2.5, 0.5),
            (Loss::WassersteinGp, -2.5, 0.5),
            (Loss::Hinge, 0.5, 0.5),
        ] {
            assert!((loss.discriminator(&real, &fake).item() - discriminator).abs() < 1e-12, "{loss:?}");
            assert!((loss.generator(&fake).item() - generator).abs() < 1e-12, "{loss:?}");
        }
    }

    #[test]
    fn a_score_on_the_boundary_is_shown_there() {
        let undecided = Tensor::from_slice(&[0.0], 1);
        assert_eq!(Loss::Minimax.shown(&undecided).item(), Loss::Minimax.boundary().unwrap());
        assert_eq!(Loss::Hinge.shown(&undecided).item(), Loss::Hinge.boundary().unwrap());
    }
}
