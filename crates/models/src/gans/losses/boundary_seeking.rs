//! Boundary seeking: a generator whose images the discriminator cannot decide on.
//!
//! Hjelm et al.: Boundary-Seeking Generative Adversarial Networks, 2017, <https://arxiv.org/abs/1702.08431>, equation 10 of
//! the first version.

use wengert_tensor::Tensor;

/// The generator's loss ½·mean (ln D − ln(1 − D))². With D = σ(d) the difference of the logarithms is the logit d itself.
pub fn generator(fake: &Tensor) -> Tensor {
    fake.square().mean_all() * 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gans::losses::close;

    #[test]
    fn is_the_formula_of_the_paper() {
        let logits = [-1.5, 0.25, 2.0];
        let squares = logits.map(|d: f64| {
            let real = 1.0 / (1.0 + (-d).exp());
            (real.ln() - (1.0 - real).ln()).powi(2)
        });
        close(&generator(&Tensor::from_slice(&logits, 3)), 0.5 * squares.iter().sum::<f64>() / 3.0);
    }
}
