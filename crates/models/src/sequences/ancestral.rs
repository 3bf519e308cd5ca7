//! What models of one value after another share: values in levels, and how a level is drawn from its probabilities.

use wengert_tensor::{DType, Generator, Reduction, Tensor};

/// Pixels from 0 to 1 as levels 0, 1, …, `levels` − 1 (i64). With two levels a pixel is drawn white with its brightness
/// as probability, the dynamic binarisation of Burda et al. (2016), which leaves black and white as they are; with more
/// it is rounded.
pub fn quantise(images: &Tensor, levels: usize, rng: &Generator) -> Tensor {
    let numbers = match levels {
        2 => rng.bernoulli(&images.clamp(Some(0.0), Some(1.0))),
        _ => (images.clamp(Some(0.0), Some(1.0)) * (levels - 1) as f64).round(),
    };
    numbers.to_dtype(DType::I64)
}

/// Levels as pixels from 0 to 1.
pub fn pixels(values: &Tensor, levels: usize) -> Tensor {
    values.to_dtype(DType::F32) / (levels - 1) as f64
}

/// Logarithm of the probability of each row of values `[N, D]`, `[N]` in nats, by the logits `[N, levels, D]` of each
/// value given those before it: the sum of the logarithms of the parts.
pub fn log_likelihood(logits: &Tensor, values: &Tensor) -> Tensor {
    -logits.cross_entropy(values, Reduction::None).sum(&[1], false)
}

/// The level that a number u from 0 to 1 stands for: the number of levels whose cumulative probability is at most u.
/// With u drawn evenly this draws from the softmax of the logits. Logits `[N, levels]` and u `[N]` give i64 `[N]`.
pub fn choose(logits: &Tensor, uniforms: &Tensor) -> Tensor {
    let levels = logits.dims()[1];
    let cumulative = logits.softmax(1).cumsum(1);
    let passed = cumulative.le(&uniforms.unsqueeze(1)).to_dtype(DType::I64).sum(&[1], false);
    // Rounding may leave the last sum a little below 1.
    passed.to_dtype(DType::F32).clamp(None, Some((levels - 1) as f64)).to_dtype(DType::I64)
}

/// A value in nats per image as bits per value: divided by D·ln 2.
pub fn bits_per_dimension(nats: &Tensor, dimensions: usize) -> Tensor {
    nats / (dimensions as f64 * std::f64::consts::LN_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_chosen_where_the_cumulative_probability_passes() {
        // Probabilities 0.2, 0.5, 0.3: cumulative 0.2, 0.7, 1.
        let logits = Tensor::from_slice(&[0.2f32.ln(), 0.5f32.ln(), 0.3f32.ln()], [1, 3]).repeat(&[5, 1]);
        let uniforms = Tensor::from_slice(&[0.0f32, 0.19, 0.21, 0.69, 1.0], 5);
        assert_eq!(choose(&logits, &uniforms).to_vec::<i64>(), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn levels_and_pixels_go_there_and_back() {
        let rng = Generator::new(0);
        let levels = Tensor::arange(0, 256, 1);
        assert_eq!(quantise(&pixels(&levels, 256), 256, &rng).to_vec::<i64>(), levels.to_vec::<i64>());
        let grey = Tensor::full([10_000], 0.3, DType::F32);
        let white = quantise(&grey, 2, &rng).sum_all().item() / 1e4;
        assert!((white - 0.3).abs() < 0.02, "{white}");
        let sharp = Tensor::from_slice(&[0.0f32, 1.0], 2);
        assert_eq!(quantise(&sharp, 2, &rng).to_vec::<i64>(), [0, 1]);
    }

    #[test]
    fn likelihoods_of_values_add_up() {
        let logits = Tensor::from_slice(&[0.0f32, 3f32.ln(), 0.0, 0.0], [1, 2, 2]);
        let log_likelihood = log_likelihood(&logits, &Tensor::from_slice(&[0i64, 1], [1, 2])).item();
        // P(0) of logits (0, 0) is 1/2, P(1) of logits (ln 3, 0) is 1/4.
        assert!((log_likelihood - 0.125f64.ln()).abs() < 1e-6);
        let bits = bits_per_dimension(&Tensor::scalar(2.0f32), 4).item();
        assert!((bits - 0.5 / std::f64::consts::LN_2).abs() < 1e-6);
    }
}
