//! The fully connected layer.

use super::{Weighted, weight_and_bias};
use crate::{Layer, Scope, module};
use wengert_tensor::{Activation, Generator, Tensor};

/// y = x Wᵀ + b over the last axis: `[…, in]` to `[…, out]`.
///
/// Weight and bias start uniform within ±1/√in, as in PyTorch.
#[derive(Debug)]
pub struct Linear {
    /// W, `[out, in]`.
    pub weight: Tensor,
    /// b, `[out]`.
    pub bias: Option<Tensor>,
    scope: Scope,
}

module!(Linear { parameters: weight, bias; scope: scope });

impl Linear {
    /// A layer with a bias.
    pub fn new(in_features: usize, out_features: usize, rng: &Generator) -> Self {
        Self::builder(in_features, out_features).build(rng)
    }

    /// A layer with options.
    pub fn builder(in_features: usize, out_features: usize) -> LinearBuilder {
        LinearBuilder { in_features, out_features, bias: true }
    }

    /// f(x Wᵀ + b) with the activation f, as one op.
    ///
    /// # Panics
    /// As [`forward`](Layer::forward), and when the slope of a leaky ReLU is negative.
    pub fn forward_activated(&self, input: &Tensor, activation: Activation) -> Tensor {
        let _scope = self.scope.enter();
        input.linear_activated(&self.weight, self.bias.as_ref(), activation)
    }
}

/// Options of a [`Linear`] layer.
#[derive(Clone, Debug)]
pub struct LinearBuilder {
    in_features: usize,
    out_features: usize,
    bias: bool,
}

impl LinearBuilder {
    /// Whether to add b; true at first.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Draws the parameters.
    pub fn build(self, rng: &Generator) -> Linear {
        let shape = [self.out_features, self.in_features];
        let (weight, bias) = weight_and_bias(&shape, self.bias.then_some(self.out_features), rng);
        Linear { weight, bias, scope: Scope::new() }
    }
}

impl Layer for Linear {
    fn forward(&self, input: &Tensor) -> Tensor {
        self.forward_with(&self.weight, input)
    }

    fn forward_fused(&self, input: &Tensor, activation: Activation) -> Option<Tensor> {
        Some(self.forward_activated(input, activation))
    }
}

impl Weighted for Linear {
    fn weight(&self) -> &Tensor {
        &self.weight
    }

    fn forward_with(&self, weight: &Tensor, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.linear(weight, self.bias.as_ref())
    }
}
