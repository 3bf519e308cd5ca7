//! f-divergences by their variational bound.
//!
//! D_f(P ‖ Q) = E_Q f(p/q) ≥ E_P T − E_Q f*(T), where f* is the convex conjugate of f and equality is reached by
//! T = f′(p/q). T = g(v) of a score v keeps to the domain of f* by the output activation g.
//!
//! Nowozin, Cseke, Tomioka: f-GAN, 2016, <https://arxiv.org/abs/1606.00709>, tables 2 and 6.
//!
//! | divergence | f(u) | g(v) | f*(t) | f*(g(v)) |
//! |---|---|---|---|---|
//! | Kullback–Leibler | u ln u | v | e^(t − 1) | e^(v − 1) |
//! | reverse KL | −ln u | −e^(−v) | −1 − ln(−t) | v − 1 |
//! | Pearson χ² | (u − 1)² | v | t²/4 + t | v²/4 + v |
//! | squared Hellinger | (√u − 1)² | 1 − e^(−v) | t / (1 − t) | e^v − 1 |
//! | Jensen–Shannon | u ln u − (u + 1) ln((u + 1)/2) | ln 2 − sp(−v) | −ln(2 − e^t) | sp(v) − ln 2 |
//! | GAN | u ln u − (u + 1) ln(u + 1) | −sp(−v) | −ln(1 − e^t) | sp(v) |
//!
//! with sp(x) = ln(1 + eˣ). The last column is what is computed: it has no differences that cancel.

use std::f64::consts::LN_2;
use wengert_tensor::Tensor;

/// A divergence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divergence {
    /// Of the data from the model.
    KullbackLeibler,
    /// Of the model from the data.
    ReverseKullbackLeibler,
    /// Pearson's χ².
    Pearson,
    /// The squared Hellinger distance.
    Hellinger,
    /// Twice the Jensen–Shannon divergence, as the paper defines it.
    JensenShannon,
    /// What the original game minimises: the same less ln 4.
    Gan,
}

impl Divergence {
    /// All divergences with their names as options.
    pub const NAMES: [(&str, Divergence); 6] = [
        ("kl", Divergence::KullbackLeibler),
        ("reverse-kl", Divergence::ReverseKullbackLeibler),
        ("pearson", Divergence::Pearson),
        ("hellinger", Divergence::Hellinger),
        ("js", Divergence::JensenShannon),
        ("gan", Divergence::Gan),
    ];

    /// g(v), element by element.
    pub fn activation(self, scores: &Tensor) -> Tensor {
        match self {
            Divergence::KullbackLeibler | Divergence::Pearson => scores.clone(),
            Divergence::ReverseKullbackLeibler => -(-scores).exp(),
            Divergence::Hellinger => 1.0 - (-scores).exp(),
            Divergence::JensenShannon => LN_2 - (-scores).softplus(),
            Divergence::Gan => -(-scores).softplus(),
        }
    }

    /// f*(g(v)), element by element.
    pub fn conjugate(self, scores: &Tensor) -> Tensor {
        match self {
            Divergence::KullbackLeibler => (scores - 1.0).exp(),
            Divergence::ReverseKullbackLeibler => scores - 1.0,
            Divergence::Pearson => scores.square() * 0.25 + scores,
            Divergence::Hellinger => scores.exp() - 1.0,
            Divergence::JensenShannon => scores.softplus() - LN_2,
            Divergence::Gan => scores.softplus(),
        }
    }

    /// The score of an image that is as likely real as made: g(v) = f′(1).
    pub fn boundary(self) -> f64 {
        match self {
            Divergence::KullbackLeibler => 1.0,
            _ => 0.0,
        }
    }

    /// The lower bound E_P g(v) − E_Q f*(g(v)) of the divergence from scores of real and of made images, `[N]`: the
    /// negative of the discriminator's loss.
    pub fn bound(self, real: &Tensor, fake: &Tensor) -> Tensor {
        self.activation(real).mean_all() - self.conjugate(fake).mean_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_nn::{Adam, Optimizer};
    use wengert_tensor::DType;

    fn f(divergence: Divergence, u: f64) -> f64 {
        match divergence {
            Divergence::KullbackLeibler => u * u.ln(),
            Divergence::ReverseKullbackLeibler => -u.ln(),
            Divergence::Pearson => (u - 1.0).powi(2),
            Divergence::Hellinger => (u.sqrt() - 1.0).powi(2),
            Divergence::JensenShannon => u * u.ln() - (u + 1.0) * ((u + 1.0) / 2.0).ln(),
            Divergence::Gan => u * u.ln() - (u + 1.0) * (u + 1.0).ln(),
        }
    }

    fn slope(divergence: Divergence, u: f64) -> f64 {
        (f(divergence, u + 1e-5) - f(divergence, u - 1e-5)) / 2e-5
    }

    /// f*(t) = sup over u > 0 of u·t − f(u), found on a fine logarithmic grid.
    fn supremum(divergence: Divergence, t: f64) -> f64 {
        let values = (-60_000..=60_000).map(|i| (f64::from(i) * 2e-4).exp());
        values.map(|u| u * t - f(divergence, u)).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn conjugates_are_suprema() {
        for (name, divergence) in Divergence::NAMES {
            for score in [-1.5, -0.3, 0.0, 0.4, 1.2] {
                let score = Tensor::from_slice(&[score], 1);
                let (t, found) = (divergence.activation(&score).item(), divergence.conjugate(&score).item());
                let expected = supremum(divergence, t);
                assert!((found - expected).abs() < 1e-6, "{name} at {t}: {found} {expected}");
            }
        }
    }

    #[test]
    fn an_image_as_likely_real_as_made_has_the_score_of_the_boundary() {
        for (name, divergence) in Divergence::NAMES {
            let boundary = Tensor::from_slice(&[divergence.boundary()], 1);
            let found = divergence.activation(&boundary).item();
            assert!((found - slope(divergence, 1.0)).abs() < 1e-9, "{name}: {found}");
        }
    }

    /// P gives 1 with 3/4 and Q with 1/4. A score for each of the two outcomes is all that a discriminator can learn.
    #[test]
    fn the_bound_reaches_the_divergence_of_two_coins() {
        for (name, divergence) in Divergence::NAMES {
            let scores = Tensor::zeros([2], DType::F64).requires_grad_(true);
            let outcomes = |ones: usize| {
                let drawn: Vec<i64> = (0..4).map(|i| i64::from(i < ones)).collect();
                scores.index_select(0, &Tensor::from_vec(drawn, [4]))
            };
            let mut adam = Adam::new(vec![scores.clone()], 0.02);
            for _ in 0..1500 {
                adam.zero_grad();
                (-divergence.bound(&outcomes(3), &outcomes(1))).backward().unwrap();
                adam.step().unwrap();
            }
            let exact = 0.25 * f(divergence, 3.0) + 0.75 * f(divergence, 1.0 / 3.0);
            let found = divergence.bound(&outcomes(3), &outcomes(1)).item();
            assert!((found - exact).abs() < 1e-6, "{name}: {found} and not {exact}");
            let found = divergence.activation(&scores).to_vec::<f64>();
            for (found, ratio) in found.iter().zip([1.0 / 3.0, 3.0]) {
                assert!((found - slope(divergence, ratio)).abs() < 1e-3, "{name}: {found}");
            }
        }
    }

    /// KL(N(1, 1) ‖ N(0, 1)) = ½, and its discriminator T = 1 + ln(p/q) = ½ + x is a straight line.
    #[test]
    fn the_bound_reaches_the_divergence_of_two_gaussians() {
        let rng = wengert_tensor::Generator::new(0);
        let noise = rng.normal([200_000], 0.0, 1.0, DType::F64);
        let line = |x: &Tensor| x + 0.5;
        let found = Divergence::KullbackLeibler.bound(&line(&(&noise + 1.0)), &line(&noise)).item();
        assert!((found - 0.5).abs() < 0.01, "{found}");
        let lower =
            Divergence::KullbackLeibler.bound(&(&line(&(&noise + 1.0)) * 0.8), &(&line(&noise) * 0.8));
        assert!(lower.item() < found, "any other discriminator stays below");
    }
}
