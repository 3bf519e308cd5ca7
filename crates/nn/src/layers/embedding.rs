//! A table of vectors.

use super::{DTYPE, Weighted};
use crate::{Layer, Scope, module, parameter};
use wengert_tensor::{Generator, Tensor, no_grad};

/// Looks up a learned vector for each index: i64 of any shape `[…]` to `[…, dimension]`.
///
/// The vectors start from N(0, 1), as in PyTorch.
#[derive(Debug)]
pub struct Embedding {
    /// The table, `[count, dimension]`.
    pub weight: Tensor,
    padding_index: Option<usize>,
    scope: Scope,
}

module!(Embedding { parameters: weight; scope: scope });

impl Embedding {
    /// A table of `count` vectors.
    pub fn new(count: usize, dimension: usize, rng: &Generator) -> Self {
        Self::builder(count, dimension).build(rng)
    }

    /// A table with options.
    pub fn builder(count: usize, dimension: usize) -> EmbeddingBuilder {
        EmbeddingBuilder { count, dimension, padding_index: None }
    }
}

/// Options of an [`Embedding`].
#[derive(Clone, Debug)]
pub struct EmbeddingBuilder {
    count: usize,
    dimension: usize,
    padding_index: Option<usize>,
}

impl EmbeddingBuilder {
    /// An index whose vector starts at zero and gets no gradient.
    pub fn padding_index(self, index: usize) -> Self {
        Self { padding_index: Some(index), ..self }
    }

    /// Draws the table.
    ///
    /// # Panics
    /// When the padding index is not one of the table's.
    pub fn build(self, rng: &Generator) -> Embedding {
        let Self { count, dimension, padding_index } = self;
        let mut weight = rng.normal([count, dimension], 0.0, 1.0, DTYPE);
        if let Some(index) = padding_index {
            assert!(
                index < count,
                "Embedding: padding index {index} is not below the table's {count} entries"
            );
            let kept = Tensor::arange(0, count as i64, 1).ne_scalar(index as f64).to_dtype(DTYPE);
            weight = no_grad(|| weight * kept.unsqueeze(1));
        }
        Embedding { weight: parameter(weight), padding_index, scope: Scope::new() }
    }
}

impl Layer for Embedding {
    fn forward(&self, input: &Tensor) -> Tensor {
        self.forward_with(&self.weight, input)
    }
}

impl Weighted for Embedding {
    fn weight(&self) -> &Tensor {
        &self.weight
    }

    fn forward_with(&self, weight: &Tensor, input: &Tensor) -> Tensor {
        let _scope = self.scope.enter();
        weight.embedding(input, self.padding_index)
    }
}
