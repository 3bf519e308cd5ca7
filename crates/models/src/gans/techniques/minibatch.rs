//! Minibatch discrimination.

use wengert_nn::{Layer, Scope, module, parameter};
use wengert_tensor::{DType, Generator, Tensor};

/// Tells each image how close the others of its batch are, so that a generator that makes one image only is found out
/// (Salimans et al., 2016, arXiv:1606.03498, section 3.2).
///
/// Features f `[N, A]` give matrices M = f·T, `[N, kernels, dimensions]`, and
/// o(xᵢ)ₖ = Σⱼ≠ᵢ exp(−‖Mᵢₖ − Mⱼₖ‖₁) is appended: `[N, A + kernels]`. The paper's sum runs over all j, and its authors'
/// code leaves out j = i as here: that is a constant 1.
#[derive(Debug)]
pub struct MinibatchDiscrimination {
    /// T, `[A, kernels · dimensions]`.
    weight: Tensor,
    kernels: usize,
    scope: Scope,
}

module!(MinibatchDiscrimination { parameters: weight; scope: scope });

impl MinibatchDiscrimination {
    /// Numbers in which a kernel compares two images, as in the authors' code.
    const DIMENSIONS: usize = 5;

    /// A layer of so many kernels with weights from N(0, 0.05²), as in the authors' code.
    pub fn new(features: usize, kernels: usize, rng: &Generator) -> Self {
        let weight = rng.normal([features, kernels * Self::DIMENSIONS], 0.0, 0.05, DType::F32);
        Self { weight: parameter(weight), kernels, scope: Scope::new() }
    }
}

impl Layer for MinibatchDiscrimination {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        let count = input.dims()[0];
        let matrices = input.matmul(&self.weight).reshape([count, self.kernels, Self::DIMENSIONS]);
        let differences = matrices.unsqueeze(0) - matrices.unsqueeze(1);
        let closeness = (-differences.abs().sum(&[-1], false)).exp().sum(&[0], false) - 1.0;
        Tensor::cat(&[input, &closeness], 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_the_closeness_to_the_others() {
        let layer = MinibatchDiscrimination::new(2, 1, &Generator::new(0));
        // Only the first feature counts, in the first two of the five dimensions: ‖Mᵢ − Mⱼ‖₁ = 1.5·|fᵢ − fⱼ|.
        layer.weight.update(|weight: &mut [f32]| {
            weight.fill(0.0);
            (weight[0], weight[1]) = (1.0, 0.5);
        });
        let output = layer.forward(&Tensor::from_slice(&[0f32, 9.0, 1.0, 8.0, 3.0, 7.0], [3, 2]));
        assert_eq!(output.dims(), [3, 3]);
        let found = output.narrow(1, 2, 1).to_vec::<f32>();
        let near = |distance: f64| (-1.5 * distance).exp();
        let expected = [near(1.0) + near(3.0), near(1.0) + near(2.0), near(3.0) + near(2.0)];
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert_eq!(output.narrow(1, 0, 2).to_vec::<f32>(), [0.0, 9.0, 1.0, 8.0, 3.0, 7.0]);
    }
}
