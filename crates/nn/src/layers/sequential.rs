//! Layers one after another.

use crate::{Entries, EntriesMut, Layer, Module};
use wengert_tensor::Tensor;

/// Layers one after another, numbered from 0 as in PyTorch or named.
///
/// Where a layer is followed by an activation that its op can apply itself (a linear layer by ReLU, say), both run as
/// one op, recorded in the place of the layer.
///
/// ```
/// use wengert_nn::{Layer, Linear, Module, ReLU, Sequential};
/// use wengert_tensor::{DType, Generator, Tensor};
///
/// let rng = Generator::new(0);
/// let mlp = Sequential::new()
///     .add(Linear::new(784, 100, &rng))
///     .add(ReLU::new())
///     .add(Linear::new(100, 10, &rng));
/// assert_eq!(mlp.forward(&Tensor::zeros([32, 784], DType::F32)).dims(), [32, 10]);
/// assert_eq!(mlp.named_parameters()[2].0, "2.weight");
/// ```
#[derive(Debug, Default)]
pub struct Sequential {
    layers: Vec<(String, Box<dyn Layer>)>,
}

impl Sequential {
    /// No layers: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer, named by its position.
    #[allow(clippy::should_implement_trait)]
    pub fn add(self, layer: impl Layer + 'static) -> Self {
        self.add_boxed(Box::new(layer))
    }

    /// Adds a layer that is chosen at run time.
    pub fn add_boxed(mut self, layer: Box<dyn Layer>) -> Self {
        self.layers.push((self.layers.len().to_string(), layer));
        self
    }

    /// Adds a layer under a name.
    ///
    /// # Panics
    /// When the name is empty, holds a dot or is taken.
    pub fn add_named(mut self, name: &str, layer: impl Layer + 'static) -> Self {
        assert!(!name.is_empty() && !name.contains('.'), "Sequential: '{name}' cannot name a layer");
        assert!(
            self.layers.iter().all(|(taken, _)| taken != name),
            "Sequential: there is a layer '{name}' already"
        );
        self.layers.push((name.to_owned(), Box::new(layer)));
        self
    }

    /// Number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are no layers.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The output of every layer, in order: for losses on features.
    pub fn forward_all(&self, input: &Tensor) -> Vec<Tensor> {
        let mut outputs: Vec<Tensor> = Vec::with_capacity(self.len());
        for (_, layer) in &self.layers {
            outputs.push(layer.forward(outputs.last().unwrap_or(input)));
        }
        outputs
    }
}

impl Module for Sequential {
    fn kind(&self) -> &'static str {
        "Sequential"
    }

    fn entries(&self) -> Entries<'_> {
        let mut entries = Entries::default();
        for (name, layer) in &self.layers {
            entries.modules(name.as_str(), layer);
        }
        entries
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        let mut entries = EntriesMut::default();
        for (name, layer) in &mut self.layers {
            entries.modules(name.as_str(), layer);
        }
        entries
    }
}

impl Layer for Sequential {
    fn forward(&self, input: &Tensor) -> Tensor {
        // Each output is dropped as soon as the next is there, so that what backward does not need is freed.
        let mut output = input.clone();
        let mut layers = self.layers.iter().map(|(_, layer)| layer).peekable();
        while let Some(layer) = layers.next() {
            let activation = layers.peek().and_then(|next| next.as_activation());
            let fused = activation.and_then(|activation| layer.forward_fused(&output, activation));
            if fused.is_some() {
                layers.next();
            }
            output = fused.unwrap_or_else(|| layer.forward(&output));
        }
        output
    }
}
