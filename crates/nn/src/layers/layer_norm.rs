//! Layer and group normalisation: no batch statistics, the same in training and evaluation.

use super::{check_axis, scale_and_shift};
use crate::{Layer, Scope, module};
use wengert_tensor::{Shape, Tensor};

/// Normalises over the last axes by their mean and biased variance: (x − mean) / √(variance + ε) · γ + β
/// (Ba, Kiros and Hinton, 2016, arXiv:1607.06450).
#[derive(Debug)]
pub struct LayerNorm {
    /// γ, of the normalised shape.
    pub weight: Option<Tensor>,
    /// β, of the normalised shape.
    pub bias: Option<Tensor>,
    normalized_shape: Shape,
    eps: f64,
    scope: Scope,
}

module!(LayerNorm { parameters: weight, bias; scope: scope });

impl LayerNorm {
    /// A layer for inputs whose shape ends in `normalized_shape`, with γ = 1, β = 0 and ε = 1e-5.
    pub fn new(normalized_shape: impl Into<Shape>) -> Self {
        let layer = Self {
            weight: None,
            bias: None,
            normalized_shape: normalized_shape.into(),
            eps: 1e-5,
            scope: Scope::new(),
        };
        layer.affine(true)
    }

    /// ε, added to the variance.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Whether to have γ and β.
    pub fn affine(mut self, affine: bool) -> Self {
        (self.weight, self.bias) = scale_and_shift(&self.normalized_shape, affine);
        self
    }
}

impl Layer for LayerNorm {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        input.layer_norm(&self.normalized_shape, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}

/// Normalises groups of neighbouring channels of `[N, C, …]` by their mean and biased variance
/// (Wu and He, 2018, arXiv:1803.08494).
#[derive(Debug)]
pub struct GroupNorm {
    /// γ, `[C]`.
    pub weight: Option<Tensor>,
    /// β, `[C]`.
    pub bias: Option<Tensor>,
    groups: usize,
    channels: usize,
    eps: f64,
    scope: Scope,
}

module!(GroupNorm { parameters: weight, bias; scope: scope });

impl GroupNorm {
    /// A layer for `channels` in `groups`, with γ = 1, β = 0 and ε = 1e-5.
    ///
    /// # Panics
    /// When the channels cannot be divided into the groups.
    pub fn new(groups: usize, channels: usize) -> Self {
        assert!(
            groups > 0 && channels.is_multiple_of(groups),
            "GroupNorm: {channels} channels cannot be divided into {groups} groups"
        );
        let layer = Self { weight: None, bias: None, groups, channels, eps: 1e-5, scope: Scope::new() };
        layer.affine(true)
    }

    /// ε, added to the variance.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Whether to have γ and β.
    pub fn affine(mut self, affine: bool) -> Self {
        (self.weight, self.bias) = scale_and_shift(&[self.channels], affine);
        self
    }
}

impl Layer for GroupNorm {
    fn forward(&self, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        check_axis("group_norm", "channels", input, 1, self.channels);
        input.group_norm(self.groups, self.weight.as_ref(), self.bias.as_ref(), self.eps)
    }
}
