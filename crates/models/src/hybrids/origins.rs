//! What a discriminator can say of where an image comes from.
//!
//! A binary one gives a logit d, and with sp(x) = ln(1 + eˣ) pays sp(−d) for a real image and sp(d) for any other. A
//! three-way one gives logits ℓ of the origins real, generated and reconstructed, and pays their cross-entropy
//! −ln softmax(ℓ)\[origin\], so that it must also tell the blur of reconstructions from the faults of samples.

use crate::gans::losses::cross_entropy::cross_entropy;
use wengert_tensor::{DType, Reduction, Tensor};

/// Where an image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From the data.
    Real,
    /// Decoded from a code of the prior.
    Generated,
    /// Decoded from the code of a real image.
    Reconstructed,
}

/// How many origins a discriminator tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins {
    /// Real or not.
    Binary,
    /// Real, generated or reconstructed.
    ThreeWay,
}

impl Origins {
    /// The names of the choices in configurations.
    pub const NAMES: [&'static str; 2] = ["binary", "three-way"];

    /// The choice of a name; anything but `three-way` is binary.
    pub fn named(name: &str) -> Origins {
        if name == "three-way" { Origins::ThreeWay } else { Origins::Binary }
    }

    /// Outputs of the discriminator.
    pub fn outputs(self) -> usize {
        match self {
            Origins::Binary => 1,
            Origins::ThreeWay => 3,
        }
    }

    /// What a discriminator pays that cannot tell the origins apart: ln 2 or ln 3.
    pub fn chance(self) -> f64 {
        match self {
            Origins::Binary => 2f64.ln(),
            Origins::ThreeWay => 3f64.ln(),
        }
    }

    /// What the discriminator pays, a mean per image, for outputs `[N, outputs]` of images of one origin. A maker of images
    /// lowers it for [`Origin::Real`].
    pub fn loss(self, outputs: &Tensor, origin: Origin) -> Tensor {
        match self {
            Origins::Binary => {
                cross_entropy(&outputs.flatten(0, -1), if origin == Origin::Real { 1.0 } else { 0.0 })
            }
            Origins::ThreeWay => {
                let target = Tensor::full([outputs.dims()[0]], f64::from(origin as u8), DType::I64);
                outputs.cross_entropy(&target, Reduction::Mean)
            }
        }
    }

    /// The logarithm of the odds that images are real, `[N]`.
    pub fn log_odds(self, outputs: &Tensor) -> Tensor {
        match self {
            Origins::Binary => outputs.flatten(0, -1),
            Origins::ThreeWay => outputs.select(1, 0) - outputs.narrow(1, 1, 2).logsumexp(&[1], false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn binary_losses_at_given_logits() {
        let outputs = Tensor::from_slice(&[0f32, 2.0], [2, 1]);
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        close(Origins::Binary.loss(&outputs, Origin::Real).item(), (softplus(0.0) + softplus(-2.0)) / 2.0);
        for origin in [Origin::Generated, Origin::Reconstructed] {
            close(Origins::Binary.loss(&outputs, origin).item(), (softplus(0.0) + softplus(2.0)) / 2.0);
        }
        assert_eq!(Origins::Binary.log_odds(&outputs).to_vec::<f32>(), [0.0, 2.0]);
    }

    #[test]
    fn three_way_losses_at_given_logits() {
        // Softmax of (ln 1, ln 2, ln 5) is (1, 2, 5)/8.
        let outputs = Tensor::from_slice(&[0f32, 2f32.ln(), 5f32.ln()], [1, 3]);
        for (origin, share) in [(Origin::Real, 1.0), (Origin::Generated, 2.0), (Origin::Reconstructed, 5.0)] {
            close(Origins::ThreeWay.loss(&outputs, origin).item(), -(share / 8f64).ln());
        }
        close(Origins::ThreeWay.log_odds(&outputs).item(), (1f64 / 7.0).ln());
        let undecided = Tensor::zeros([4, 3], DType::F32);
        close(Origins::ThreeWay.loss(&undecided, Origin::Generated).item(), Origins::ThreeWay.chance());
    }
}
