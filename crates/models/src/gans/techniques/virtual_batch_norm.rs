//! Virtual batch normalisation.

use wengert_nn::{Layer, Scope, module, parameter};
use wengert_tensor::{DType, Tensor};

/// Normalises each example by the statistics of a reference batch that stays the same throughout training, and its own
/// as one more of that batch, so that no example depends on the others beside it (Salimans et al., 2016,
/// arXiv:1606.03498, section 3.5).
///
/// The first `references` rows of the input are the reference batch on its way through the network; they are normalised
/// by their own statistics and stay in front. With m and s the means of x and x² of a channel over the reference batch
/// and its plane, and mₑ and sₑ those of one example: mean = (mₑ + R·m) / (R + 1), variance = (sₑ + R·s) / (R + 1) − mean²,
/// as in the authors' code.
#[derive(Debug)]
pub struct VirtualBatchNorm {
    /// γ, `[C]`.
    weight: Tensor,
    /// β, `[C]`.
    bias: Tensor,
    references: usize,
    scope: Scope,
}

module!(VirtualBatchNorm { parameters: weight, bias; scope: scope });

/// Added to variances, as in the library's other normalisations.
const EPSILON: f64 = 1e-5;

impl VirtualBatchNorm {
    /// A layer of so many channels with γ = 1 and β = 0.
    pub fn new(channels: usize, references: usize) -> Self {
        let constant = |value| parameter(Tensor::full([channels], value, DType::F32));
        Self { weight: constant(1.0), bias: constant(0.0), references, scope: Scope::new() }
    }
}

/// (x − mean) / √(variance + ε), with the variance from the mean of x².
fn normalise(input: &Tensor, mean: &Tensor, square: &Tensor) -> Tensor {
    // Rounding may take the difference below 0 where all values are nearly equal.
    let variance = (square - mean.square()).relu();
    (input - mean) / (variance + EPSILON).sqrt()
}

impl Layer for VirtualBatchNorm {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        let (count, rank) = (input.dims()[0], input.rank());
        let reference = input.narrow(0, 0, self.references);
        let examples = input.narrow(0, self.references, count - self.references);
        let batch_and_plane: Vec<isize> = (0..rank as isize).filter(|&axis| axis != 1).collect();
        let moments = |x: &Tensor, axes: &[isize]| match axes {
            [] => (x.clone(), x.square()),
            axes => (x.mean(axes, true), x.square().mean(axes, true)),
        };
        let (mean, square) = moments(&reference, &batch_and_plane);
        let (own_mean, own_square) = moments(&examples, &batch_and_plane[1..]);
        let share = 1.0 / (self.references as f64 + 1.0);
        let mixed = |own: Tensor, common: &Tensor| own * share + common * (1.0 - share);
        let normalised = Tensor::cat(
            &[
                &normalise(&reference, &mean, &square),
                &normalise(&examples, &mixed(own_mean, &mean), &mixed(own_square, &square)),
            ],
            0,
        );
        let mut shape = vec![1; rank];
        shape[1] = self.weight.numel();
        normalised * self.weight.reshape(shape.as_slice()) + self.bias.reshape(shape.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_example_joins_the_reference_batch() {
        let layer = VirtualBatchNorm::new(1, 2);
        layer.weight.update(|weight: &mut [f32]| weight[0] = 2.0);
        layer.bias.update(|bias: &mut [f32]| bias[0] = 0.5);
        // Reference values 1 and 3: mean 2, mean square 5. The example 8: mean (8 + 4) / 3 = 4, mean square (64 + 10) / 3.
        let found = layer.forward(&Tensor::from_slice(&[1f32, 3.0, 8.0, -1.0], [4, 1])).to_vec::<f32>();
        let alone = 1.0 / (1.0 + EPSILON).sqrt();
        let joined = (8.0 - 4.0) / (74.0 / 3.0 - 16.0 + EPSILON).sqrt();
        // The example −1: mean (−1 + 4) / 3 = 1, mean square (1 + 10) / 3.
        let other = (-1.0 - 1.0) / (11.0 / 3.0 - 1.0 + EPSILON).sqrt();
        for (found, expected) in found.iter().zip([-alone, alone, joined, other]) {
            assert!((f64::from(*found) - (2.0 * expected + 0.5)).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn planes_share_their_statistics_and_examples_do_not_touch_each_other() {
        let layer = VirtualBatchNorm::new(2, 1);
        let rng = wengert_tensor::Generator::new(0);
        let draw = |count: usize| rng.normal([count, 2, 3, 3], 1.0, 2.0, DType::F32);
        let (reference, first, second) = (draw(1), draw(1), draw(1));
        let both = layer.forward(&Tensor::cat(&[&reference, &first, &second], 0));
        let alone = layer.forward(&Tensor::cat(&[&reference, &first], 0));
        assert_eq!(both.narrow(0, 0, 2).to_vec::<f32>(), alone.to_vec::<f32>());
        let plane = both.select(0, 0).mean(&[1, 2], false).to_vec::<f32>();
        assert!(plane.iter().all(|mean| mean.abs() < 1e-5), "the reference has mean 0: {plane:?}");
    }
}
