//! What two players play for.

use crate::gans::losses::gradient_penalty::GradientPenalty;
use crate::gans::networks::Verdict;
use std::fmt::Debug;
use wengert_tensor::{DType, Tensor};

/// The losses of a generator and a discriminator: what tells one adversarial model from another.
pub trait Objective: Debug + Send + Sync {
    /// The discriminator's loss, a mean per image.
    fn discriminator(&self, real: &Verdict, fake: &Verdict) -> Tensor;

    /// The generator's loss, a mean per image. `real` judges the real images when it is called.
    fn generator(&self, fake: &Verdict, real: &dyn Fn() -> Verdict) -> Tensor;

    /// The score above which an image is taken for real; none where scores only compare.
    fn boundary(&self) -> Option<f64> {
        Some(0.0)
    }

    /// What the discriminator pays for steep slopes.
    fn penalty(&self) -> Option<&GradientPenalty> {
        None
    }

    /// A number that balances the players and is part of the model's state.
    fn balance(&self) -> Option<&Tensor> {
        None
    }

    /// Moves the balance after a step.
    fn rebalance(&self, _real: &Verdict, _fake: &Verdict) -> crate::Result<()> {
        Ok(())
    }

    /// Further numbers for the report, by name.
    fn report(&self, _real: &Verdict, _fake: &Verdict) -> Vec<(&'static str, Tensor)> {
        Vec::new()
    }
}

/// The shares of real and of made images that a discriminator of these scores, `[N]`, sorts rightly.
pub fn accuracies(real: &Tensor, fake: &Tensor, boundary: f64) -> [(&'static str, Tensor); 2] {
    let share = |sorted: Tensor| sorted.to_dtype(DType::F32).mean_all();
    [
        ("accuracy_real", share(real.detach().gt_scalar(boundary))),
        ("accuracy_fake", share(fake.detach().lt_scalar(boundary))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracies_count_both_sides_of_the_boundary() {
        let (real, fake) =
            (Tensor::from_slice(&[1f32, 2.0, -1.0, 4.0], 4), Tensor::from_slice(&[-2f32, 1.0], 2));
        let values = |boundary| accuracies(&real, &fake, boundary).map(|(_, share)| share.item());
        assert_eq!(values(0.0), [0.75, 0.5]);
        assert_eq!(values(3.0), [0.25, 1.0]);
    }
}
