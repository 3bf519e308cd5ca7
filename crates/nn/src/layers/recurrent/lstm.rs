//! Long short-term memory.

use super::cell::{Cell, CellWeights, Weights};
use super::stack::{RecurrentBuilder, Stack};
use crate::{Entries, EntriesMut, Module};
use wengert_tensor::{Generator, Tensor};

/// Long short-term memory over a sequence (Hochreiter and Schmidhuber, 1997; forget gates by Gers et al., 2000), as
/// PyTorch has it:
///
/// ```text
/// i, f, o = σ(W_i· x + b_i· + W_h· h + b_h·)
/// g = tanh(W_ig x + b_ig + W_hg h + b_hg)
/// c ← f ∘ c + i ∘ g
/// h ← o ∘ tanh(c)
/// ```
///
/// The gates lie in the order i, f, g, o.
#[derive(Debug)]
pub struct LSTM(Stack<LstmStep>);

#[derive(Debug)]
struct LstmStep;

impl Cell for LstmStep {
    const NAME: &'static str = "lstm";
    const GATES: usize = 4;
    const STATES: usize = 2;

    fn run(weights: &Weights, projected: &Tensor, state: &[Tensor]) -> (Tensor, Vec<Tensor>) {
        let (weight, bias) = weights.hidden();
        let (outputs, memory) = projected.lstm(weight, bias, [&state[0], &state[1]]);
        let last = outputs.select(0, -1);
        (outputs, vec![last, memory])
    }
}

impl LSTM {
    /// One layer that reads `[T, N, input]` forwards.
    pub fn new(input_size: usize, hidden_size: usize, rng: &Generator) -> Self {
        Self::builder(input_size, hidden_size).build(rng)
    }

    /// Layers with options.
    pub fn builder(input_size: usize, hidden_size: usize) -> RecurrentBuilder<LSTM> {
        RecurrentBuilder::new(input_size, hidden_size)
    }

    /// The last layer's outputs `[T, N, directions · hidden]` and every layer's last h and c, both
    /// `[layers · directions, N, hidden]`, from a sequence `[T, N, input]` and the first h and c, zero if not given. With
    /// `batch_first` the sequences are `[N, T, …]`; states never are.
    ///
    /// # Panics
    /// When a shape does not fit.
    pub fn forward(&self, input: &Tensor, state: Option<(&Tensor, &Tensor)>) -> (Tensor, (Tensor, Tensor)) {
        let (output, states) = self.0.forward(input, state.map(|(h, c)| vec![h.clone(), c.clone()]));
        (output, pair(states))
    }
}

fn pair(states: Vec<Tensor>) -> (Tensor, Tensor) {
    let [hidden, memory] = <[Tensor; 2]>::try_from(states).expect("an LSTM has two state tensors");
    (hidden, memory)
}

impl RecurrentBuilder<LSTM> {
    /// Draws the parameters.
    ///
    /// # Panics
    /// When there are no layers.
    pub fn build(self, rng: &Generator) -> LSTM {
        LSTM(Stack::new(self.options, rng))
    }
}

impl Module for LSTM {
    fn kind(&self) -> &'static str {
        "LSTM"
    }

    fn entries(&self) -> Entries<'_> {
        self.0.entries()
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        self.0.entries_mut()
    }
}

/// One step of an [`LSTM`].
#[derive(Debug)]
pub struct LSTMCell(CellWeights);

impl LSTMCell {
    /// A cell with biases.
    pub fn new(input_size: usize, hidden_size: usize, rng: &Generator) -> Self {
        Self(CellWeights::new::<LstmStep>(input_size, hidden_size, rng))
    }

    /// The next h and c, both `[N, hidden]`, from an input `[N, input]` and the last h and c, zero if not given.
    ///
    /// # Panics
    /// When a shape does not fit.
    pub fn forward(&self, input: &Tensor, state: Option<(&Tensor, &Tensor)>) -> (Tensor, Tensor) {
        pair(self.0.step::<LstmStep>(input, state.map(|(h, c)| vec![h.clone(), c.clone()])))
    }
}

impl Module for LSTMCell {
    fn kind(&self) -> &'static str {
        "LSTMCell"
    }

    fn entries(&self) -> Entries<'_> {
        self.0.entries()
    }

    fn entries_mut(&mut self) -> EntriesMut<'_> {
        self.0.entries_mut()
    }
}
