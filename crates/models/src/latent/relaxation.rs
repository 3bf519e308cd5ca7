//! Codes that are choices, relaxed so that gradients pass: the Gumbel-softmax, or concrete, distribution.
//!
//! Jang, Gu, Poole 2016, <https://arxiv.org/abs/1611.01144>; Maddison, Mnih, Teh 2016,
//! <https://arxiv.org/abs/1611.00712>.

use wengert_tensor::{Generator, Tensor};

/// A sample of softmax((logits + Gumbel noise) / temperature) over the last axis: near a corner of the simplex for a low
/// temperature, and at the corner of a category as often as softmax(logits) says.
pub fn gumbel_softmax(logits: &Tensor, temperature: f64, rng: &Generator) -> Tensor {
    ((logits + &rng.gumbel(logits.shape(), logits.dtype())) / temperature).softmax(-1)
}

/// A sample of the categories themselves, as one-hot vectors over the last axis; no gradient.
pub fn one_hot_sample(logits: &Tensor, rng: &Generator) -> Tensor {
    one_hot(&(logits.detach() + rng.gumbel(logits.shape(), logits.dtype())))
}

/// The likeliest category of each choice, as one-hot vectors over the last axis; no gradient.
pub fn one_hot(logits: &Tensor) -> Tensor {
    logits.detach().argmax(-1, false).one_hot(logits.dim(-1)).to_dtype(logits.dtype())
}

/// The divergence of each choice from even odds, KL(softmax(logits) ‖ 1/K) = Σ q log q + log K over the last axis.
pub fn divergence_from_uniform(logits: &Tensor) -> Tensor {
    let log_probabilities = logits.log_softmax(-1);
    let negative_entropy = (log_probabilities.exp() * log_probabilities).sum(&[-1], false);
    negative_entropy + (logits.dim(-1) as f64).ln()
}

/// The temperature at a step: it falls from `first` to `last` by the factor e^(−rate) a step.
pub fn annealed_temperature(first: f64, last: f64, rate: f64, step: u64) -> f64 {
    (first * (-rate * step as f64).exp()).max(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert_tensor::DType;
    use wengert_tensor::autograd::{Check, gradcheck};

    #[test]
    fn samples_fall_to_each_category_as_often_as_it_is_likely() {
        let rng = Generator::new(1);
        let odds = [0.5f32, 0.3, 0.2];
        let logits = Tensor::from_slice(&odds.map(f32::ln), [1, 3]).expand([20_000, 3]);
        for relaxed in [gumbel_softmax(&logits, 0.1, &rng), one_hot_sample(&logits, &rng)] {
            let sums = relaxed.sum(&[1], false).to_vec::<f32>();
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5));
            let winners = one_hot(&relaxed).mean(&[0], false).to_vec::<f32>();
            // Five standard deviations of a share of a half in 20,000 are 0.018.
            assert!(
                winners.iter().zip(odds).all(|(found, odds)| (found - odds).abs() < 0.018),
                "{winners:?}"
            );
        }
    }

    #[test]
    fn a_low_temperature_is_nearly_a_choice_and_a_high_one_nearly_even() {
        let logits = Generator::new(2).normal([500, 4], 0.0, 1.0, DType::F32);
        let largest = |temperature| {
            let relaxed = gumbel_softmax(&logits, temperature, &Generator::new(3));
            relaxed.amax(&[1], false).mean_all().item()
        };
        assert!(largest(0.01) > 0.98 && largest(100.0) < 0.27, "{} {}", largest(0.01), largest(100.0));
    }

    #[test]
    fn the_divergence_is_that_of_the_definition() {
        let odds = [0.7f64, 0.2, 0.1];
        let logits = Tensor::from_slice(&odds.map(|odds| odds.ln() + 4.0), [1, 3]).requires_grad_(true);
        let expected: f64 = odds.iter().map(|odds| odds * (odds * 3.0).ln()).sum();
        assert!((divergence_from_uniform(&logits).item() - expected).abs() < 1e-12);
        // No information, and all of it.
        assert!(divergence_from_uniform(&Tensor::ones([1, 8], DType::F64)).item().abs() < 1e-12);
        let sure = Tensor::from_slice(&[1000.0, 0.0], [1, 2]);
        assert!((divergence_from_uniform(&sure).item() - 2f64.ln()).abs() < 1e-12);
        let loss = |inputs: &[Tensor]| divergence_from_uniform(&inputs[0]).sum_all();
        assert!(gradcheck(loss, &[logits], Check::default()).unwrap().passed());
    }

    #[test]
    fn the_temperature_falls_to_its_end() {
        assert_eq!(annealed_temperature(1.0, 0.5, 0.1, 0), 1.0);
        assert!((annealed_temperature(1.0, 0.5, 0.1, 2) - (-0.2f64).exp()).abs() < 1e-15);
        assert_eq!(annealed_temperature(1.0, 0.5, 0.1, 1000), 0.5);
    }
}
