//! Relativistic average scores: how much more real an image looks than the average image of the other kind.
//!
//! Jolicoeur-Martineau: The relativistic discriminator, 2018, <https://arxiv.org/abs/1807.00734>. A discriminator's loss is
//! played on these differences, by the generator with the two kinds in exchanged roles.

use super::{cross_entropy, hinge};
use wengert_tensor::Tensor;

/// The loss that is played on the differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// sp(−r) + sp(f) with sp(x) = ln(1 + eˣ).
    CrossEntropy,
    /// max(0, 1 − r) + max(0, 1 + f).
    Hinge,
    /// (r − 1)² + (f + 1)².
    LeastSquares,
}

impl Base {
    /// All with their names as options.
    pub const NAMES: [(&str, Base); 3] = [
        ("cross-entropy", Base::CrossEntropy),
        ("hinge", Base::Hinge),
        ("least-squares", Base::LeastSquares),
    ];

    fn loss(self, more: &Tensor, less: &Tensor) -> Tensor {
        match self {
            Base::CrossEntropy => cross_entropy::discriminator(more, less, 0.0),
            Base::Hinge => hinge::discriminator(more, less),
            Base::LeastSquares => (more - 1.0).square().mean_all() + (less + 1.0).square().mean_all(),
        }
    }
}

/// d_real − mean d_fake and d_fake − mean d_real, both `[N]`.
pub fn relative(real: &Tensor, fake: &Tensor) -> [Tensor; 2] {
    [real - fake.mean_all(), fake - real.mean_all()]
}

/// The discriminator's loss.
pub fn discriminator(base: Base, real: &Tensor, fake: &Tensor) -> Tensor {
    let [real, fake] = relative(real, fake);
    base.loss(&real, &fake)
}

/// The generator's loss: that its images look more real than the real ones.
pub fn generator(base: Base, real: &Tensor, fake: &Tensor) -> Tensor {
    let [real, fake] = relative(real, fake);
    base.loss(&fake, &real)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::losses::close;

    #[test]
    fn losses_of_the_paper_at_given_scores() {
        let (real, fake) = (Tensor::from_slice(&[1.0, 3.0], 2), Tensor::from_slice(&[-1.0, 0.0], 2));
        let [more, less] = relative(&real, &fake);
        assert_eq!(more.to_vec::<f64>(), [1.5, 3.5]);
        assert_eq!(less.to_vec::<f64>(), [-3.0, -2.0]);
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        let sure = 0.5 * (softplus(-1.5) + softplus(-3.5)) + 0.5 * (softplus(-3.0) + softplus(-2.0));
        let lost = 0.5 * (softplus(1.5) + softplus(3.5)) + 0.5 * (softplus(3.0) + softplus(2.0));
        close(&discriminator(Base::CrossEntropy, &real, &fake), sure);
        close(&generator(Base::CrossEntropy, &real, &fake), lost);
        close(&discriminator(Base::Hinge, &real, &fake), 0.0);
        close(&generator(Base::Hinge, &real, &fake), 0.5 * (4.0 + 3.0) + 0.5 * (2.5 + 4.5));
        close(&discriminator(Base::LeastSquares, &real, &fake), 0.5 * (0.25 + 6.25) + 0.5 * (4.0 + 1.0));
        close(&generator(Base::LeastSquares, &real, &fake), 0.5 * (16.0 + 9.0) + 0.5 * (6.25 + 20.25));
    }
}
