//! Gated recurrent units.

use super::cell::{Cell, CellWeights, Weights};
use super::stack::{RecurrentBuilder, Stack};
use crate::{Entries, EntriesMut, Module};
use wengert_tensor::{Generator, Tensor};

/// Gated recurrent units over a sequence (Cho et al., 2014, arXiv:1406.1078), as PyTorch has them:
///
/// ```text
/// r = σ(W_ir x + b_ir + W_hr h + b_hr)
/// z = σ(W_iz x + b_iz + W_hz h + b_hz)
/// n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn))
/// h ← (1 − z) ∘ n + z ∘ h
/// ```
#[derive(Debug)]
pub struct GRU(Stack<GruStep>);

#[derive(Debug)]
struct GruStep;

impl Cell for GruStep {
    const NAME: &'static str = "gru";
    const GATES: usize = 3;
    const STATES: usize = 1;

    fn run(weights: &Weights, projected: &Tensor, state: &[Tensor]) -> (Tensor, Vec<Tensor>) {
        let (weight, bias) = weights.hidden();
        let outputs = projected.gru(weight, bias, &state[0]);
        let last = outputs.select(0, -1);
        (outputs, vec![last])
    }
}

impl GRU {
    /// One layer that reads `[T, N, input]` forwards.
    pub fn new(input_size: usize, hidden_size: usize, rng: &Generator) -> Self {
        Self::builder(input_size, hidden_size).build(rng)
    }

    /// Layers with options.
    pub fn builder(input_size: usize, hidden_size: usize) -> RecurrentBuilder<GRU> {
        RecurrentBuilder::new(input_size, hidden_size)
    }

    /// The last layer's outputs `[T, N, directions · hidden]` and every layer's last state
    /// `[layers · directions, N, hidden]`, from a sequence `[T, N, input]` and the first states, zero if not given. With
    /// `batch_first` the sequences are `[N, T, …]`; states never are.
    ///
    /// # Panics
    /// When a shape does not fit.
    pub fn forward(&self, input: &Tensor, hidden: Option<&Tensor>) -> (Tensor, Tensor) {
        let (output, mut states) = self.0.forward(input, hidden.map(|hidden| vec![hidden.clone()]));
        (output, states.remove(0))
    }
}

impl RecurrentBuilder<GRU> {
    /// Draws the parameters.
    ///
    /// # Panics
    /// When there are no layers.
    pub fn build(self, rng: &Generator) -> GRU {
        GRU(Stack::new(self.options, rng))
    }
}

impl Module for GRU {
    fn kind(&self) -> &'static str {
        "GRU"
    }

    fn entries(&self) -> Entries<'_> {
        self.0.entries()
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        self.0.entries_mut()
    }
}

/// One step of a [`GRU`].
#[derive(Debug)]
pub struct GRUCell(CellWeights);

impl GRUCell {
    /// A cell with biases.
    pub fn new(input_size: usize, hidden_size: usize, rng: &Generator) -> Self {
        Self(CellWeights::new::<GruStep>(input_size, hidden_size, rng))
    }

    /// The next state `[N, hidden]`, from an input `[N, input]` and a state, zero if not given.
    ///
    /// # Panics
    /// When a shape does not fit.
    pub fn forward(&self, input: &Tensor, hidden: Option<&Tensor>) -> Tensor {
        self.0.step::<GruStep>(input, hidden.map(|hidden| vec![hidden.clone()])).remove(0)
    }
}

impl Module for GRUCell {
    fn kind(&self) -> &'static str {
        "GRUCell"
    }

    fn entries(&self) -> Entries<'_> {
        self.0.entries()
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        self.0.entries_mut()
    }
}
